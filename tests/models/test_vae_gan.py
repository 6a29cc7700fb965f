"""Algorithm 1 of Larsen et al. against a loop written by hand."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganzoo.errors import InputError
from ganzoo.models.vae_gan import VAEGAN
from ganzoo.networks.encoders import GaussianEncoder
from ganzoo.networks.latents import Uniform
from ganzoo.optim.gradient_play import Simultaneous

SGD = partial(torch.optim.SGD, lr=0.05)
WEIGHT = 0.3


class Halves(nn.Module):
    """A discriminator whose features are known."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(2, 6), nn.Tanh())
        self.last = nn.Linear(6, 1)

    def forward(self, data):
        return self.last(self.hidden(data)).squeeze(1)


@pytest.fixture
def model(gan):
    def make(**changes):
        settings = {
            "encoder": GaussianEncoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4),
            "discriminator": Halves(),
            "reconstruction_weight": WEIGHT,
            "optimizers": dict.fromkeys(("encoder", "discriminator", "generator"), SGD),
        }
        return gan(VAEGAN, **(settings | changes))

    return make


def test_algorithm_1_written_out_by_hand(model, trainer, batches):
    game = model(update_rule=Simultaneous())
    encoder, discriminator, generator = (
        copy.deepcopy(part) for part in (game.encoder, game.discriminator, game.generator)
    )
    torch.manual_seed(1)
    trainer(1).fit(game, batches(8, 2))

    torch.manual_seed(1)
    (data,) = next(iter(batches(8, 2)))

    def codes():
        outputs = encoder(data)
        noise = torch.randn(8, 4)
        return outputs, outputs.mean + (outputs.log_variance / 2).exp() * noise

    def likeness(rebuilt):
        return ((discriminator.hidden(data) - discriminator.hidden(rebuilt)) ** 2).sum() / 8 / 2

    outputs, drawn = codes()
    prior = (outputs.mean**2 + outputs.log_variance.exp() - outputs.log_variance - 1).sum() / 8 / 2
    of_encoder = torch.autograd.grad(prior + likeness(generator(drawn)), [*encoder.parameters()])

    # The draws come in the order of the model's own: reconstructions, then samples.
    rebuilt, real = generator(codes()[1]), softplus(-discriminator(data)).mean()
    sampled = generator(torch.randn(8, 4))
    fakes = [softplus(discriminator(fake)).mean() for fake in (sampled, rebuilt)]
    of_discriminator = torch.autograd.grad(real + sum(fakes) / 2, [*discriminator.parameters()])

    rebuilt = generator(codes()[1])
    sampled = generator(torch.randn(8, 4))
    fooled = [softplus(-discriminator(fake)).mean() for fake in (sampled, rebuilt)]
    loss = sum(fooled) / 2 + WEIGHT * likeness(rebuilt)
    of_generator = torch.autograd.grad(loss, [*generator.parameters()])

    for network, start, gradients in (
        (game.encoder, encoder, of_encoder),
        (game.discriminator, discriminator, of_discriminator),
        (game.generator, generator, of_generator),
    ):
        for after, before, slope in zip(
            network.parameters(), start.parameters(), gradients, strict=True
        ):
            torch.testing.assert_close(after, before - 0.05 * slope, rtol=1e-4, atol=1e-6)


def test_terms_and_players(model, trainer, batches):
    game = model()
    trainer(2).fit(game, batches(8, 2))
    kept = {name for name in game.latest_terms if not name.endswith(("/loss", "_norm"))}
    assert kept == {
        "encoder/kullback_leibler",
        "encoder/reconstruction",
        "discriminator/real",
        "discriminator/fake",
        "generator/adversarial",
        "generator/reconstruction",
    }
    assert [player.name for player in game.players] == ["encoder", "discriminator", "generator"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reconstruction_weight": -1.0}, "reconstruction_weight must be zero or a positive"),
        ({"latent_prior": Uniform(latent_dim=4)}, "set network.latent=normal"),
        ({"packing": 2}, "set packing=1"),
    ],
)
def test_what_does_not_fit_is_refused(model, changes, words):
    with pytest.raises(InputError, match=words):
        model(**changes)
