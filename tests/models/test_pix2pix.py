"""pix2pix: the game against a loop written by hand, and what its users get."""

import copy
from functools import partial

import pytest
import torch
from torch.nn.functional import l1_loss, softplus
from torch.optim import Adam
from torch.utils.data import DataLoader

from ganzoo.errors import InputError
from ganzoo.losses import NonSaturating
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.networks.normalization import NoNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator
from ganzoo.networks.unet import UNetGenerator
from ganzoo.penalties import R1

ADAM = partial(Adam, lr=2e-3, betas=(0.5, 0.999))
GENERATOR = partial(UNetGenerator, width=4, downsamplings=2, dropout=0.0, normalization=NoNorm())
DISCRIMINATOR = partial(PatchGANDiscriminator, width=4, downsamplings=1, normalization=NoNorm())


def pix2pix(**changes):
    torch.manual_seed(0)
    settings = {
        "generator": GENERATOR,
        "discriminator": DISCRIMINATOR,
        "shape_a": [1, 8, 8],
        "shape_b": [3, 8, 8],
        "loss": NonSaturating(label_smoothing=0.0),
        "optimizers": ADAM,
        "ema": None,
    }
    return Pix2Pix(**settings | changes)


@pytest.fixture
def pairs():
    torch.manual_seed(1)
    return [{"a": torch.rand(1, 8, 8) * 2 - 1, "b": torch.rand(3, 8, 8) * 2 - 1} for _ in range(8)]


def test_three_iterations_of_a_loop_written_by_hand(trainer, pairs, take_step, assert_same_weights):
    model = pix2pix()
    generator, discriminator = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    of_generator, of_discriminator = ADAM(generator.parameters()), ADAM(discriminator.parameters())
    loader = DataLoader(pairs, batch_size=2)
    trainer(3).fit(model, loader)
    for batch in [*loader][:3]:
        a, b = batch["a"], batch["b"]
        real = discriminator(torch.cat([a, b], 1))
        fake = discriminator(torch.cat([a, generator(a).detach()], 1))
        take_step(of_discriminator, (softplus(-real).mean() + softplus(fake).mean()) / 2)
        made = generator(a)
        fooled = softplus(-discriminator(torch.cat([a, made], 1))).mean()
        take_step(of_generator, fooled + 100 * l1_loss(made, b))
    assert_same_weights([model.generator, model.discriminator], [generator, discriminator])


def test_penalties_act_on_pairs(trainer, pairs):
    model = pix2pix(penalties={"r1": R1(weight=1.0)})
    trainer(1).fit(model, DataLoader(pairs, batch_size=4))
    assert model.latest_terms["discriminator/r1"] > 0


def test_the_other_way(trainer, pairs):
    model = pix2pix(target="a")
    trainer(1).fit(model, DataLoader(pairs, batch_size=4))
    assert model.translate(torch.zeros(2, 3, 8, 8), to="a").shape == (2, 1, 8, 8)
    with pytest.raises(InputError, match="does not translate to 'b'"):
        model.translate(torch.zeros(2, 3, 8, 8), to="b")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "c"}, "model.target must be a or b, not c"),
        ({"reconstruction_weight": -1.0}, "reconstruction_weight must be"),
        ({"generator": 3}, "generator must be a torch.nn.Module, or a function"),
        ({"penalties": {"r1": R1(weight=1.0, on="generator")}}, "acts on a discriminator"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        pix2pix(**changes)


def test_batches_without_domains_are_refused(trainer):
    with pytest.raises(InputError, match="pictures of domains a and b"):
        trainer(1).fit(pix2pix(), DataLoader(torch.zeros(4, 1, 8, 8), batch_size=2))
