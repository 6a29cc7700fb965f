"""Noise inside generators: seeds make samples again, whoever is made beside them."""

from functools import partial

import pytest
import scipy.stats
import torch
from torch import nn

from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.networks.noise import SeededNoise
from ganzoo.networks.style import StyleGenerator
from ganzoo.sampling.generated import AveragedGenerator, GeneratedSamples


@pytest.fixture
def model(gan):
    """A game whose generator has styles and, as after some training, noise."""

    def make(**changes):
        torch.manual_seed(0)
        generator = StyleGenerator(latent_dim=4, shape=[1, 8, 8], width=4, style_dim=8)
        for layer in generator.synthesis.layers:
            layer.noise_strength.data.fill_(0.5)
        judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 1))
        return gan(**{"generator": generator, "discriminator": judge} | changes)

    return make


def test_a_seed_makes_the_same_samples_whatever_the_batch_size(model):
    game = model()
    state = torch.get_rng_state()
    first = game.sample(7, seed=0)
    for batch_size in (1, 3, 7, 256):
        again = game.sample(7, seed=0, batch_size=batch_size)
        torch.testing.assert_close(again, first, rtol=0, atol=1e-5)
    assert torch.equal(first, game.sample(7, seed=0))
    assert torch.equal(torch.get_rng_state(), state), "and leaves no trace"
    assert not torch.allclose(game.sample(7, seed=1), first, atol=0.1)


def test_without_a_seed_noise_follows_torchs_global_state(model):
    game = model()
    torch.manual_seed(1)
    first = game.sample(4)
    assert not torch.equal(game.sample(4), first)
    torch.manual_seed(1)
    assert torch.equal(game.sample(4), first)


def test_each_sample_has_noise_of_its_own(model):
    """With one style for all, what differs is the noise."""
    found = model().sample(5, seed=0, truncation=0.0)
    distances = torch.cdist(found.flatten(1), found.flatten(1))
    assert (distances + torch.eye(5) > 0.5).all()


def test_evaluation_sees_the_samples_of_the_seed(model):
    game = model(ema=partial(ExponentialMovingAverage, decay=0.9))
    parts = GeneratedSamples(game, count=6, real_labels=None, seed=3)
    found = torch.cat([parts.batch(0, 4), parts.batch(4, 6)])
    expected = game.sample(6, seed=3).clamp(-1, 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_latents_alone_are_decoded_with_one_noise_for_all(model):
    """So that what a metric sees between two latents comes of the latents."""
    generator = AveragedGenerator(model())
    latents = generator.latents(1, seed=0).expand(3, -1)
    found = generator.decode(latents)
    torch.testing.assert_close(found, found[:1].expand_as(found), rtol=0, atol=1e-5)


def test_seeded_noise_is_standard_normal_and_goes_on_from_layer_to_layer():
    draw = SeededNoise(torch.arange(40))
    first, second = (draw(torch.zeros(40, 5, 8, 6, dtype=torch.float64)) for _ in range(2))
    assert first.shape == (40, 1, 8, 6)
    assert first.dtype == torch.float64
    values = torch.stack([first, second]).flatten().numpy()
    assert scipy.stats.kstest(values, "norm").pvalue > 0.01
    assert abs(scipy.stats.pearsonr(first.flatten(), second.flatten()).statistic) < 0.05
    alone = SeededNoise(torch.tensor([17]))(torch.zeros(1, 2, 8, 6, dtype=torch.float64))
    assert torch.equal(alone[0], first[17])
