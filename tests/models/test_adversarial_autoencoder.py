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


def test_section_2_written_out_by_hand(model, trainer, batches):
    game = model()
    encoder, discriminator, generator = (
        copy.deepcopy(part) for part in (game.encoder, game.discriminator, game.generator)
    )
    torch.manual_seed(1)
    trainer(2).fit(game, batches(8, 2))

    torch.manual_seed(1)
    steppers = [SGD(part.parameters()) for part in (discriminator, encoder, generator)]
    stream = iter(batches(8, 2))

    def step(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def error(data):
        return ((data - generator(encoder(data))) ** 2).sum() / 8 / 2

    for _ in range(2):
        (data,) = next(stream)
        codes, prior = encoder(data).detach(), torch.randn(8, 4)
        step(
            steppers[0],
            softplus(-discriminator(prior)).mean() + softplus(discriminator(codes)).mean(),
        )
        torch.randn(8, 4)  # the prior's latents are drawn in each turn
        fooled = softplus(-discriminator(encoder(data))).mean()
        step(steppers[1], 0.7 * error(data) + fooled)
        torch.randn(8, 4)
        step(steppers[2], error(data))

    for mine, theirs in (
        (game.encoder, encoder),
        (game.discriminator, discriminator),
        (game.generator, generator),
    ):
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_codes_come_to_the_prior_and_data_come_back(model, trainer, batches):
    adam = partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.999))
    hidden = {"in_features": 2, "out_features": 32}
    game = model(
        encoder=Encoder(
            network=lambda outputs: nn.Sequential(
                nn.Linear(**hidden), nn.ReLU(), nn.Linear(32, outputs)
            ),
            latent_dim=4,
        ),
        optimizers=dict.fromkeys(("encoder", "discriminator", "generator"), adam),
    )
    data = torch.rand(4000, 2) * 8 + 3
    with torch.no_grad():
        far = game.encode(data).mean(0).norm()
    trainer(1500).fit(game, DataLoader(TensorDataset(data), batch_size=100, shuffle=True))
    with torch.no_grad():
        codes = game.encode(data)
        errors = (game.generator(codes) - data).square().mean()
    assert errors < 0.05 * data.var()
    assert codes.mean(0).norm() < min(0.5, far)
    assert 0.7 < codes.square().sum(1).mean() / 4 < 1.3


def test_a_negative_weight_is_refused(model):
    with pytest.raises(InputError, match="reconstruction_weight must be zero or a positive"):
        model(reconstruction_weight=-1.0)
