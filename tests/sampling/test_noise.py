"""Noise inside generators: seeds make samples again, whoever is made beside them."""

from functools import partial

import pytest
import scipy.stats
import torch
from torch import nn

from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.penalties import PathLength
from ganzoo.penalties.context import Context
from ganzoo.penalties.path_length import path_lengths
from ganzoo.sampling.generated import AveragedGenerator, GeneratedSamples
from ganzoo.sampling.noise import SeededNoise, fresh_noise

SHAPE = (1, 4, 4)


class Styled(nn.Module):
    """The narrowest generator of style and noise: a mapping, and layers that take both."""

    takes_noise = True

    def __init__(self):
        super().__init__()
        self.to_style = nn.Linear(4, 3)
        self.first, self.second = nn.Linear(3, 2 * 16), nn.Conv2d(2, 1, 3, padding=1)
        self.strength = nn.Parameter(torch.tensor(0.5))
        self.register_buffer("mean_style", torch.zeros(3))

    def mapping(self, latents):
        styles = self.to_style(latents).tanh()
        if self.training:
            self.mean_style.lerp_(styles.detach().mean(0), 0.1)
        return styles

    def synthesis(self, styles, noise=fresh_noise):
        features = self.first(styles).view(-1, 2, 4, 4)
        features = (features + self.strength * noise(features)).relu()
        pictures = self.second(features)
        return pictures + self.strength * noise(pictures)

    def forward(self, latents, noise=fresh_noise, truncation=None):
        styles = self.mapping(latents)
        if truncation is not None:
            styles = self.mean_style.lerp(styles, truncation)
        return self.synthesis(styles, noise)


@pytest.fixture
def model(gan):
    def make(**changes):
        torch.manual_seed(0)
        judge = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
        return gan(**{"generator": Styled(), "discriminator": judge} | changes)

    return make


def test_a_seed_makes_the_same_samples_whatever_the_batch_size(model):
    game = model()
    state = torch.get_rng_state()
    first = game.sample(7, seed=0)
    for batch_size in (1, 3, 7, 256):
        again = game.sample(7, seed=0, batch_size=batch_size)
        torch.testing.assert_close(again, first, rtol=0, atol=1e-6)
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
    found = torch.cat([parts.part(0, 4), parts.part(4, 6)])
    expected = game.sample(6, seed=3).clamp(-1, 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_latents_alone_are_decoded_with_one_noise_for_all(model):
    """So that what a metric sees between two latents comes of the latents."""
    generator = AveragedGenerator(model())
    latents = generator.latents(1, seed=0).expand(3, -1)
    found = generator.decode(latents)
    torch.testing.assert_close(found, found[:1].expand_as(found), rtol=0, atol=1e-6)


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


def test_training_draws_fresh_noise_and_goes_on_exactly(model, trainer, batches, tmp_path):
    settings = {"plugins": [AtomicCheckpointIO()]}

    class Later(batches):
        def __iter__(self):
            stream = super().__iter__()
            for _ in range(3):
                next(stream)
            return stream

    def parts():
        penalties = {"path_length": PathLength(weight=0.1, interval=2, decay=0.9)}
        return {"penalties": penalties, "ema": partial(ExponentialMovingAverage, decay=0.9)}

    whole = model(**parts())
    trainer(6, **settings).fit(whole, batches(8, *SHAPE))
    stopped, run = model(**parts()), trainer(3, **settings)
    run.fit(stopped, batches(8, *SHAPE))
    run.save_checkpoint(tmp_path / "at3.ckpt")
    resumed = model(**parts())
    trainer(6, **settings).fit(resumed, Later(8, *SHAPE), ckpt_path=tmp_path / "at3.ckpt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert whole.state_dict()["generator.mean_style"].abs().sum() > 0
    assert torch.equal(whole.sample(3, seed=0), resumed.sample(3, seed=0))


def test_truncation_draws_styles_to_their_mean_and_leaves_latents_alone(model):
    game = model()
    game.generator.mean_style.copy_(torch.tensor([0.3, -0.2, 0.1]))
    latents = game.latent_prior.sample(4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        game.generator.strength.zero_()
        styles = game.generator.eval().mapping(latents)
        for truncation in (0.0, 0.4, 1.0):
            mixed = game.generator.mean_style + truncation * (styles - game.generator.mean_style)
            expected = game.generator.synthesis(mixed)
            found = game.sample(4, seed=0, truncation=truncation)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(found, game.sample(4, seed=0), rtol=0, atol=1e-6)


def test_path_lengths_are_those_of_steps_in_style():
    """Of a linear synthesis the mean square is that of its matrix, whatever the mapping's scale."""

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.randn(3, 5))

        def mapping(self, latents):
            return 100 * latents

        def synthesis(self, styles):
            return styles @ self.matrix

    torch.manual_seed(0)
    network = Linear()
    context = Context(generator=network, draw_latents=lambda count: torch.randn(count, 3))
    lengths = path_lengths(context, context.draw_latents(20_000))
    expected = network.matrix.square().sum().item() / 5
    assert lengths.square().mean().item() == pytest.approx(expected, rel=0.03)
