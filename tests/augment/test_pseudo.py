"""Generated data shown as real."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ganzoo.augment import AdaptiveProbability, PseudoAugmentation
from ganzoo.errors import InputError
from ganzoo.losses import Relativistic
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.models.semi_supervised_gan import SemiSupervisedGAN
from ganzoo.models.vae import VAE
from ganzoo.networks.encoders import GaussianEncoder
from ganzoo.networks.latents import Normal
from ganzoo.penalties import R1


class Seen(nn.Module):
    """A discriminator that notes what it is shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.3, -0.2]))
        self.shown = []

    def forward(self, data, labels=None):
        self.shown.append(data.detach())
        return (data.tanh() @ self.weight).square() + data @ self.weight


class Ones(nn.Module):
    """A generator of ones, or of the labels."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, latents, labels=None):
        label = 1 if labels is None else labels[:, None]
        return self.weight * label + 0 * latents[:, :2]


def steps(gan, trainer, probability, kind=None, batch=None, **parts):
    """What the discriminator is shown in its step and in the generator's: ones are generated."""
    torch.manual_seed(0)
    network, kinds = Seen(), {} if kind is None else {"kind": kind}
    augmentations = {"apa": PseudoAugmentation(probability=probability)}
    networks = {"generator": Ones(), "discriminator": network}
    model = gan(**kinds, **networks, augmentations=augmentations, **parts)
    model.check_fields = lambda fields: None
    batch = torch.zeros(2000, 2) if batch is None else batch
    trainer(1).fit(model, DataLoader([batch], batch_size=None))
    return model, network.shown


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_real_samples_are_replaced_with_the_probability(gan, trainer, probability, expected):
    _, (real, fake, *_) = steps(gan, trainer, probability)
    assert torch.equal(fake, torch.ones_like(fake))
    assert (real[:, 0] == real[:, 1]).all() and ((real == 0) | (real == 1)).all()
    assert real.mean().item() == pytest.approx(expected, abs=0.03)


def test_the_generators_steps_see_real_data(gan, trainer):
    _, (first, _, fake, real, *_) = steps(gan, trainer, 0.5, loss=Relativistic())
    assert 0 < first.mean() < 1
    assert (fake == 1).all() and (real == 0).all()


def test_what_replaces_a_sample_is_of_its_class(gan, trainer):
    labels = torch.arange(2000) % 3
    batch = [-labels[:, None].expand(-1, 2).float(), labels]
    _, (real, *_) = steps(gan, trainer, 0.5, kind=ConditionalGAN, batch=batch, num_classes=3)
    assert torch.equal(real.abs(), batch[0].abs())
    assert (real[labels > 0] > 0).double().mean().item() == pytest.approx(0.5, abs=0.05)


def test_penalties_look_at_what_is_shown(gan, trainer):
    """The gradient at ones is another than that at zeros."""
    found = [
        steps(gan, trainer, p, penalties={"r1": R1(weight=2.0, interval=1)})[0].latest_terms
        for p in (0.0, 1.0)
    ]
    weight, ones = torch.tensor([0.3, -0.2]), torch.ones(2)
    squares = weight.square().sum()
    assert found[0]["discriminator/r1"].item() == pytest.approx(squares.item())
    slope = weight + 2 * (ones.tanh() @ weight) * weight * (1 - ones.tanh().square())
    assert found[1]["discriminator/r1"].item() == pytest.approx(slope.square().sum().item())


def test_the_probability_adapts_to_what_is_shown(gan, trainer):
    """The logit of a real sample is 0 here, that of a generated one above it."""
    probability = AdaptiveProbability(first=0.7, target=0.6, images_to_one=20_000, interval=1)
    model, _ = steps(gan, trainer, probability)
    assert probability.now == pytest.approx(0.8)
    assert model.latest_terms["discriminator/augmentation_probability"].item() == probability.now


def test_samples_of_any_kind_and_precision_are_mixed_one_by_one():
    torch.manual_seed(0)
    for shape in ((2,), (3, 4, 5)):
        real, fake = torch.zeros(64, *shape), torch.ones(64, *shape, dtype=torch.bfloat16)
        mixed = PseudoAugmentation(probability=0.5).shown_as_real(real, fake)
        rows = mixed.flatten(1)
        assert mixed.dtype == torch.float32
        assert (rows == rows[:, :1]).all() and 0.2 < rows.mean() < 0.8


def test_it_is_refused_where_classes_of_real_data_are_learnt(gan):
    with pytest.raises(InputError, match="augment=apa"):
        gan(SemiSupervisedGAN, num_classes=3, augmentations={"apa": PseudoAugmentation()})


def test_it_is_refused_where_no_discriminator_plays():
    class WithParts(VAE):
        def __init__(self, **game):
            super().__init__(**game)
            self.augmentations = PseudoAugmentation()

    with pytest.raises(InputError, match="no discriminator"):
        WithParts(
            generator=nn.Linear(4, 2),
            latent_prior=Normal(latent_dim=4),
            encoder=GaussianEncoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4),
        )


def test_a_probability_out_of_range_is_refused():
    with pytest.raises(InputError, match="probability"):
        PseudoAugmentation(probability=1.5)
