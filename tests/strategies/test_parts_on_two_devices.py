"""Two processes with half of a batch each have what one has with all of it."""

from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional

from ganzoo.augment import AdaptiveProbability
from ganzoo.losses import AdversarialTerm, Hinge
from ganzoo.networks.activation_norm import ActivationNorm
from ganzoo.networks.style_mapping import StyleMapping


def data(seed):
    return torch.randn(6, 2, 4, 4, generator=torch.Generator().manual_seed(seed))


def share(values, rank):
    """A third for one process, the rest for the other."""
    return values if rank is None else values.split([2, 4])[rank]


def normalised(rank=None):
    layer = ActivationNorm().activations(2, 2)
    layer(share(data(0), rank))
    return layer.shift.flatten().tolist() + layer.scale.flatten().tolist()


def half(values, rank):
    return values if rank is None else values.chunk(2)[rank]


def weight(rank=None):
    torch.manual_seed(0)
    made = AdversarialTerm(discriminator=nn.Conv2d(2, 1, 3), loss=Hinge())
    last = nn.Conv2d(2, 2, 3, padding=1)
    fake, real = last(half(data(1), rank)), half(data(2), rank)
    reconstruction = functional.mse_loss(fake, real)
    term = made.generator_term(
        fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
    )
    return term.weight.item()


def test_activation_norm_starts_from_the_batch_of_all(processes):
    found, wanted = processes(2, normalised), normalised()
    for ours in found:
        torch.testing.assert_close(torch.tensor(ours), torch.tensor(wanted))
    assert found[0] == found[1]


def test_the_adaptive_weight_is_that_of_all_gradients(processes):
    found, wanted = processes(2, weight), weight()
    torch.testing.assert_close(torch.tensor(found), torch.full((2,), wanted))
    assert found[0] == found[1]


def mean_of_styles(rank=None):
    torch.manual_seed(0)
    mapping = StyleMapping(
        latent_dim=8,
        style_dim=4,
        copies=2,
        layers=2,
        num_classes=None,
        lr_multiplier=1.0,
        negative_slope=0.2,
        mean_decay=0.9,
    )
    for _ in range(2):
        mapping(half(data(1).flatten(1)[:, :8], rank))
        mapping.after_step(SimpleNamespace(parameters=list(mapping.parameters())))
    return mapping.mean.value.tolist()


def test_the_mean_of_styles_is_that_of_all(processes):
    found, wanted = processes(2, mean_of_styles), mean_of_styles()
    for ours in found:
        torch.testing.assert_close(torch.tensor(ours), torch.tensor(wanted))
    assert found[0] == found[1]


def probabilities(rank=None):
    """After each step; a third of the logits is negative, all of those that one process sees."""
    found = AdaptiveProbability(first=0.5, target=0.0, images_to_one=120, interval=2)
    seen = []
    for step in range(6):
        logits = torch.tensor([-1.0, -2.0, 3.0, 4.0, 1.0, 5.0]) * (-1 if step > 3 else 1)
        real = [share(logits, rank)]
        found.after_step(
            SimpleNamespace(role="discriminator", step_number=step, logits={"real": real})
        )
        seen.append(found.now)
    return seen


def test_the_adaptive_probability_is_that_of_the_logits_of_all(processes):
    found, wanted = processes(2, probabilities), probabilities()
    torch.testing.assert_close(torch.tensor(wanted), torch.tensor([0.5, 0.6, 0.6, 0.7, 0.7, 0.6]))
    assert found == [wanted, wanted]
