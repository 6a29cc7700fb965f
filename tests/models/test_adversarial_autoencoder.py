"""The game of Makhzani et al. against a loop written by hand, and what it promises of codes."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.errors import InputError
from ganzoo.models.adversarial_autoencoder import AdversarialAutoencoder
from ganzoo.networks.encoders import Encoder
from ganzoo.networks.latents import Normal

SGD = partial(torch.optim.SGD, lr=0.05)


@pytest.fixture
def model(gan):
    def make(**changes):
        judge = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Flatten(0))
        settings = {
            "encoder": Encoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4),
            "discriminator": judge,
            "reconstruction_weight": 0.7,
            "optimizers": dict.fromkeys(("encoder", "discriminator", "generator"), SGD),
        }
        return gan(AdversarialAutoencoder, **(settings | changes))

    return make


def test_section_2_written_out_by_hand(model, trainer, batches, take_step, assert_same_weights):
    game = model()
    encoder, discriminator, generator = (
        copy.deepcopy(part) for part in (game.encoder, game.discriminator, game.generator)
    )
    torch.manual_seed(1)
    trainer(2).fit(game, batches(8, 2))

    torch.manual_seed(1)
    steppers = [SGD(part.parameters()) for part in (discriminator, encoder, generator)]
    stream = iter(batches(8, 2))

    def error(data):
        return ((data - generator(encoder(data))) ** 2).sum() / 8 / 2

    for _ in range(2):
        (data,) = next(stream)
        codes, prior = encoder(data).detach(), torch.randn(8, 4)
        told = softplus(-discriminator(prior)).mean() + softplus(discriminator(codes)).mean()
        take_step(steppers[0], told)
        fooled = softplus(-discriminator(encoder(data))).mean()
        take_step(steppers[1], 0.7 * error(data) + fooled)
        take_step(steppers[2], error(data))

    mine = game.encoder, game.discriminator, game.generator
    assert_same_weights(mine, (encoder, discriminator, generator))


@pytest.mark.slow
def test_codes_come_to_the_prior_and_data_come_back(gan, trainer):
    """Data and codes are both of two numbers, so that a line each way is all that it takes."""
    slow, fast = (partial(torch.optim.Adam, lr=rate, betas=(0.5, 0.999)) for rate in (2e-3, 5e-3))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Flatten(0))
    game = gan(
        AdversarialAutoencoder,
        encoder=Encoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=2),
        discriminator=judge,
        generator=nn.Linear(2, 2),
        latent_prior=Normal(latent_dim=2),
        reconstruction_weight=1.0,
        optimizers={"encoder": slow, "discriminator": fast, "generator": fast},
    )
    data = torch.randn(4000, 2) * 0.5 + 1.5
    with torch.no_grad():
        before = game.encode(data)
    trainer(1000).fit(game, DataLoader(TensorDataset(data), batch_size=100, shuffle=True))
    with torch.no_grad():
        codes = game.encode(data)
        error = (game.generator(codes) - data).square().mean()
    assert error < 0.05 * data.var()
    assert codes.mean(0).norm() < 0.6 < before.mean(0).norm()
    (low, high), (least, most) = (
        torch.linalg.eigvalsh(torch.cov(found.T)) for found in (before, codes)
    )
    assert least > 2 * low
    assert high < 0.5 < most < 1.5


def test_a_negative_weight_is_refused(model):
    with pytest.raises(InputError, match="reconstruction_weight must be zero or a positive"):
        model(reconstruction_weight=-1.0)
