"""R3GAN against its training loop written by hand; whole iterations are in tests/reference too."""

import copy
from functools import partial

import pytest
import torch
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.errors import InputError
from ganzoo.losses.relativistic import Relativistic
from ganzoo.models.r3gan import R3GAN
from ganzoo.networks.latents import Normal
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from ganzoo.optim.gradient_play import Simultaneous
from ganzoo.penalties.zero_centered import R1, R2

ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9))
GAMMA = 0.3
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 2, 1])


def model(num_classes, **settings):
    sizes = {"shape": [1, 8, 8], "width": 8, "max_width": 8, "num_classes": num_classes}
    torch.manual_seed(0)
    return R3GAN(
        generator=R3GANGenerator(latent_dim=4, **sizes),
        discriminator=R3GANDiscriminator(**sizes),
        latent_prior=Normal(latent_dim=4),
        num_classes=num_classes,
        optimizers=ADAM,
        loss=Relativistic(),
        penalties={"r1": R1(weight=GAMMA, interval=1), "r2": R2(weight=GAMMA, interval=1)},
        **settings,
    )


@pytest.mark.parametrize("num_classes", [None, 3])
def test_the_training_loop_written_out_by_hand(num_classes, trainer, assert_same_weights):
    """The first half of a batch is the discriminator's, and labels of fakes are those of pairs."""
    mine = model(num_classes)
    generator, discriminator = copy.deepcopy(mine.generator), copy.deepcopy(mine.discriminator)
    data = torch.rand(len(LABELS), 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    loader = DataLoader(TensorDataset(data, LABELS), batch_size=6, generator=torch.Generator())
    torch.manual_seed(1)
    trainer(2).fit(mine, loader)

    torch.manual_seed(1)
    of_generator, of_discriminator = ADAM(generator.parameters()), ADAM(discriminator.parameters())
    for start in (0, 6):
        for_discriminator, for_generator = data[start : start + 3], data[start + 3 : start + 6]
        classes = [LABELS[start : start + 3], LABELS[start + 3 : start + 6]]
        labels = [() if num_classes is None else (numbers,) for numbers in classes]
        real = for_discriminator.clone().requires_grad_()
        fake = generator(torch.randn(3, 4), *labels[0]).detach().requires_grad_()
        of_real, of_fake = (discriminator(x, *labels[0]) for x in (real, fake))
        loss = softplus(of_fake - of_real).mean()
        for logits, images in ((of_real, real), (of_fake, fake)):
            (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
            loss = loss + GAMMA / 2 * slope.square().sum(dim=(1, 2, 3)).mean()
        of_discriminator.zero_grad()
        loss.backward()
        of_discriminator.step()
        fake = generator(torch.randn(3, 4), *labels[1])
        logits = discriminator(for_generator, *labels[1]) - discriminator(fake, *labels[1])
        of_generator.zero_grad()
        softplus(logits).mean().backward()
        of_generator.step()
    assert_same_weights((mine.generator, mine.discriminator), (generator, discriminator))


def test_time_is_measured_by_the_images_of_the_discriminators_steps(trainer):
    mine = model(None, discriminator_steps=2)
    assert mine.minibatches_per_iteration == 3
    trainer(2).fit(mine, DataLoader(torch.rand(12, 1, 8, 8) * 2 - 1, batch_size=6))
    assert mine.progress.images == 2 * 4


def test_the_penalties_take_no_pass_of_their_own(trainer):
    """Two passes of each network in the discriminator's step less the generator's second."""
    mine, seen = model(None), []
    for name in ("generator", "discriminator"):
        network = getattr(mine, name)
        network.register_forward_hook(lambda *_, name=name: seen.append(name) or None)
    trainer(1).fit(mine, DataLoader(torch.rand(6, 1, 8, 8) * 2 - 1, batch_size=6))
    passes = seen[-6:]
    assert passes.count("generator") == 2
    assert passes.count("discriminator") == 4


def test_samples_have_classes_where_the_data_have():
    assert len(model(3).sample(4, labels=[2], seed=0)) == 4
    with pytest.raises(InputError, match="no classes"):
        model(None).sample(4, labels=[2], seed=0)


def test_a_rule_that_moves_both_players_at_once_is_refused():
    with pytest.raises(InputError, match="optimizer.update_rule=alternating"):
        model(None, update_rule=Simultaneous())
