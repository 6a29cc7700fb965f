"""CycleGAN: the game against a loop written by hand, its pool, and what its users get."""

import copy
from functools import partial

import pytest
import torch
from torch.nn.functional import l1_loss
from torch.optim import Adam
from torch.utils.data import DataLoader

from ganzoo.augment.image_pool import ImagePool
from ganzoo.errors import InputError
from ganzoo.losses import LeastSquares
from ganzoo.models.cycle_gan import CycleGAN
from ganzoo.networks.normalization import NoNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator
from ganzoo.networks.resnet_translation import ResNetTranslationGenerator
from ganzoo.penalties import R1

ADAM = partial(Adam, lr=2e-3, betas=(0.5, 0.999))


def cycle_gan(**changes):
    torch.manual_seed(0)
    settings = {
        "generator": partial(ResNetTranslationGenerator, width=4, blocks=1, normalization=NoNorm()),
        "discriminator": partial(
            PatchGANDiscriminator, width=4, downsamplings=1, normalization=NoNorm()
        ),
        "shape_a": [1, 8, 8],
        "shape_b": [1, 8, 8],
        "loss": LeastSquares(),
        "pool": None,
        "optimizers": ADAM,
        "ema": None,
    }
    return CycleGAN(**settings | changes)


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    return [{"a": torch.rand(1, 8, 8) * 2 - 1, "b": torch.rand(1, 8, 8) * 2 - 1} for _ in range(8)]


def test_three_iterations_of_a_loop_written_by_hand(
    trainer, pictures, take_step, assert_same_weights
):
    model = cycle_gan()
    names = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")
    mine = [getattr(model, name) for name in names]
    a_to_b, b_to_a, d_a, d_b = theirs = copy.deepcopy(mine)
    of_generators = ADAM([*a_to_b.parameters(), *b_to_a.parameters()])
    of_discriminators = ADAM([*d_a.parameters(), *d_b.parameters()])  # one, as in the paper
    loader = DataLoader(pictures, batch_size=2)
    trainer(3).fit(model, loader)
    for batch in [*loader][:3]:
        a, b = batch["a"], batch["b"]
        fake_a, fake_b = b_to_a(b), a_to_b(a)
        adversarial = (d_a(fake_a) - 1).square().mean() + (d_b(fake_b) - 1).square().mean()
        cycle = l1_loss(b_to_a(fake_b), a) + l1_loss(a_to_b(fake_a), b)
        identity = l1_loss(b_to_a(a), a) + l1_loss(a_to_b(b), b)
        take_step(of_generators, adversarial + 10 * cycle + 5 * identity)
        losses = [
            ((judge(real) - 1).square().mean() + judge(fake.detach()).square().mean()) / 2
            for judge, real, fake in ((d_a, a, fake_a), (d_b, b, fake_b))
        ]
        take_step(of_discriminators, sum(losses))
    assert_same_weights(mine, theirs)


def test_discriminators_see_the_pool(trainer, pictures):
    model = cycle_gan(pool=partial(ImagePool, size=3))
    trainer(2).fit(model, DataLoader(pictures, batch_size=2))
    for pool in (model.pool_a, model.pool_b):
        assert int(pool.count) == 3
        assert pool.pool.abs().sum((1, 2, 3)).min() > 0


def test_a_penalty_acts_on_the_discriminator_that_it_names(trainer, pictures):
    model = cycle_gan(penalties={"r1": R1(weight=1.0, on="discriminator_b")})
    trainer(1).fit(model, DataLoader(pictures, batch_size=4))
    names = {name for name in model.latest_terms if name.endswith("/r1")}
    assert names == {"discriminator_b/r1"}


def test_translations_both_ways(trainer, pictures):
    model = cycle_gan()
    images = torch.rand(3, 1, 12, 16) * 2 - 1
    with torch.no_grad():
        expected = model.eval().a_to_b(images)
    torch.testing.assert_close(model.translate(images, to="b"), expected)
    assert model.translate(images, to="a", batch_size=2).shape == images.shape


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape_b": [3, 8, 8]}, "set model.identity_weight=0"),
        ({"cycle_weight": -1.0}, "cycle_weight must be"),
        ({"generator": torch.nn.Identity()}, "must be a function that builds a network"),
        ({"penalties": {"r1": R1(weight=1.0)}}, "no player is named 'discriminator'"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        cycle_gan(**changes)
