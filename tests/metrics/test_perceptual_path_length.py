import pytest
import torch
from torchmetrics.functional.image import perceptual_path_length

from ganzoo.errors import InputError
from ganzoo.metrics.features import IdentityFeatures, RandomFeatures
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.perceptual_path_length import PerceptualPathLength
from ganzoo.metrics.resizing import unrounded
from ganzoo.sampling.generated import AveragedGenerator

SETTINGS = {
    "pairs": 200,
    "epsilon": 1e-4,
    "interpolation": "linear",
    "discard": 0.0,
    "seed": 0,
}
NAME = "perceptual_path_length"


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Linear:
    """Latents of some dimensions, on the unit sphere or not, times a matrix."""

    def __init__(self, matrix, unit=False):
        self.matrix, self.unit = matrix, unit

    def latents(self, count, *, seed):
        drawn = normal(count, len(self.matrix), seed=seed)
        return drawn / drawn.norm(dim=1, keepdim=True) if self.unit else drawn

    def decode(self, latents):
        assert latents.dtype == torch.float32
        return latents @ self.matrix


class Pictures(Linear):
    """Smooth pictures in (-1, 1) of one channel."""

    def decode(self, latents):
        coarse = super().decode(latents).view(-1, 1, 4, 4)
        return torch.nn.functional.interpolate(coarse, size=16, mode="bilinear").mul(0.5).tanh()


def measure(generator, features=None, **settings):
    metric = PerceptualPathLength(**(SETTINGS | settings))
    metric.update(generator, features or IdentityFeatures())
    return {name: value.item() for name, value in metric.compute().items()}


def test_of_a_linear_generator_it_is_the_mean_squared_distance_of_the_ends():
    generator = Linear(normal(5, 8))
    ends = [generator.decode(generator.latents(200, seed=seed)) for seed in (0, 1)]
    squared = (ends[1] - ends[0]).double().square().sum(dim=1)
    values = measure(generator)
    assert values[NAME] == pytest.approx(squared.mean().item(), rel=1e-3)
    deviation = squared.std(correction=0).item()
    assert values[f"{NAME}_deviation"] == pytest.approx(deviation, rel=1e-3)
    # And that is twice the trace of A A^T, give or take.
    expected = 2 * generator.matrix.square().sum().item()
    assert measure(generator, pairs=4000)[NAME] == pytest.approx(expected, rel=0.05)


def test_along_arcs_of_the_unit_sphere_it_is_the_mean_squared_angle():
    generator = Linear(torch.eye(6), unit=True)
    first, second = (generator.latents(200, seed=seed).double() for seed in (0, 1))
    angles = (first * second).sum(dim=1).acos()
    measured = measure(generator, interpolation="spherical")[NAME]
    assert measured == pytest.approx(angles.square().mean().item(), rel=1e-3)


def test_agrees_with_torchmetrics_where_the_place_on_the_path_does_not_matter():
    class Reference(torch.nn.Module):
        def __init__(self, generator):
            super().__init__()
            self.generator, self.seeds = generator, iter((0, 1))

        def sample(self, count):
            return self.generator.latents(count, seed=next(self.seeds)).double()

        def forward(self, latents):
            return 127.5 * (latents @ self.generator.matrix.double() + 1)

    class Distance(torch.nn.Module):
        def forward(self, first, second):
            return (first - second).square().sum(dim=1)

    generator = Linear(normal(5, 8))
    mean, _, kept = perceptual_path_length(
        Reference(generator),
        num_samples=200,
        interpolation_method="lerp",
        lower_discard=0.1,
        upper_discard=0.9,
        sim_net=Distance(),
    )
    values = measure(generator, discard=0.1)
    assert len(kept) < 180
    assert values[NAME] == pytest.approx(mean.item(), rel=1e-3)
    deviation = kept.std(correction=0).item()
    assert values[f"{NAME}_deviation"] == pytest.approx(deviation, rel=1e-3)


def test_places_are_spread_over_the_whole_path():
    class Square(Linear):
        """From 0 to 1 the square of a number, whose speed at t is 2 t."""

        def latents(self, count, *, seed):
            return torch.full((count, 1), float(seed))

        def decode(self, latents):
            return latents.square()

    values = measure(Square(None), pairs=4000, epsilon=1e-3)
    assert values[NAME] == pytest.approx(4 / 3, rel=0.05)


def test_rounding_to_eight_bits_does_not_hide_small_steps():
    generator, features = Pictures(normal(4, 16)), RandomFeatures(dimension=16, seed=0)
    lengths = [
        measure(generator, features, interpolation="spherical", epsilon=epsilon)[NAME]
        for epsilon in (1e-4, 1e-3)
    ]
    # Rounded, pictures would jump by whole levels: ten times less for ten times the step.
    assert lengths[0] == pytest.approx(lengths[1], rel=0.1)


def test_features_round_again_after_a_measurement():
    features, pictures = RandomFeatures(dimension=16, seed=0), Pictures(normal(4, 16))
    before = features(pictures.decode(normal(9, 4)))
    measure(pictures, features)
    assert features(pictures.decode(normal(9, 4))).equal(before)
    with unrounded():
        exact = features(pictures.decode(normal(9, 4)))
    assert not exact.equal(before)
    torch.testing.assert_close(exact, before, rtol=0.02, atol=0.02)


def test_a_generator_of_one_picture_has_no_length_and_a_faster_one_a_longer():
    slow, fast = normal(4, 16), 3 * normal(4, 16)
    assert measure(Pictures(0 * slow))[NAME] == 0
    assert 0 < 5 * measure(Pictures(0.1 * slow))[NAME] < measure(Pictures(0.1 * fast))[NAME]


def test_the_seed_decides_and_the_random_state_is_left_alone():
    class Noisy(Linear):
        def decode(self, latents):
            torch.randn(5)
            return super().decode(latents)

    generator = Noisy(normal(5, 8))
    state = torch.get_rng_state()
    assert measure(generator) == measure(generator)
    assert measure(generator, seed=1) != measure(generator)
    assert torch.equal(torch.get_rng_state(), state)


def comparison(generator):
    samples = SampleSet(normal(5, 2), None, normal(5, 2), IdentityFeatures())
    return MetricInputs(samples, samples, generator=generator)


def test_a_models_own_generator_is_measured(gan):
    model = gan()
    metric = PerceptualPathLength(**SETTINGS)
    values = metric.measure(comparison(AveragedGenerator(model)))
    # By the derivative of the network along each path, at many places.
    first, second = (model.draw(200, labels=None, seed=s, truncation=None)[0] for s in (0, 1))
    place = torch.linspace(0, 1, 20)[:, None, None]
    path, along = torch.lerp(first, second, place), (second - first).expand(20, -1, -1)
    _, speed = torch.func.jvp(model.generator, (path,), (along,))
    expected = speed.square().sum(dim=2).mean().item()
    assert values[NAME].item() == pytest.approx(expected, rel=0.1)


def test_samples_alone_have_no_path():
    with pytest.raises(InputError, match="PerceptualPathLength needs the generator itself"):
        PerceptualPathLength(**SETTINGS).measure(comparison(None))
    metric = PerceptualPathLength(**SETTINGS)
    metric.update(Linear(normal(2, 2)), IdentityFeatures())
    metric.reset()
    with pytest.raises(InputError, match="at least 1 generator, got 0"):
        metric.compute()


@pytest.mark.parametrize(
    "setting",
    [{"pairs": 0}, {"epsilon": 0.0}, {"interpolation": "cubic"}, {"discard": 0.5}, {"discard": -1}],
)
def test_settings_are_checked(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        PerceptualPathLength(**(SETTINGS | setting))
