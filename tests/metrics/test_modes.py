import math

import pytest
import torch
from scipy.stats import chi2, entropy

from ganzoo.errors import InputError
from ganzoo.metrics import ModeCoverage


class Ring:
    def __init__(self, count=8, deviation=0.02):
        angles = 2 * math.pi * torch.arange(count) / count
        self.modes = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
        self.deviation = deviation

    def sample(self, counts, seed=0):
        centers = self.modes.repeat_interleave(torch.tensor(counts), dim=0)
        noise = torch.randn(centers.shape, generator=torch.Generator().manual_seed(seed))
        return centers + self.deviation * noise


def measure(generated, ring=None):
    metric = ModeCoverage(distribution=ring or Ring())
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


def test_agrees_with_scipy_on_uneven_modes():
    counts = [50, 20, 0, 5, 1, 0, 100, 24]
    centers = Ring().modes.repeat_interleave(torch.tensor(counts), dim=0)
    values = measure(centers)
    assert values["modes"] == 6
    assert values["high_quality"] == 1
    assert values["mode_kl"] == pytest.approx(entropy(counts, [1] * 8), abs=1e-6)


def test_the_mixture_itself_covers_all_modes_evenly():
    values = measure(Ring().sample([2000] * 8))
    assert values["modes"] == 8
    assert values["high_quality"] == pytest.approx(chi2.cdf(9, df=2), abs=3e-3)
    assert 0 <= values["mode_kl"] < 1e-3


def test_three_deviations_are_the_border():
    step = torch.tensor([[1.0, 0.0]])
    ring = Ring()
    assert measure(ring.modes + 2.99 * 0.02 * step)["high_quality"] == 1
    assert measure(ring.modes + 3.01 * 0.02 * step)["high_quality"] == 0


def test_collapse_is_one_mode_and_the_worst_divergence():
    values = measure(Ring().modes[3:4].expand(100, -1))
    assert values == pytest.approx({"modes": 1, "high_quality": 1, "mode_kl": math.log(8)})


def test_no_high_quality_sample_is_the_worst_of_all():
    values = measure(torch.zeros(100, 2))
    assert values == pytest.approx({"modes": 0, "high_quality": 0, "mode_kl": math.log(8)})


def test_a_sample_far_from_its_mode_does_not_cover_it():
    ring = Ring()
    values = measure(torch.cat([ring.modes[:2], 1.2 * ring.modes[2:]]))
    assert values["modes"] == 2
    assert values["high_quality"] == 0.25
    assert values["mode_kl"] == pytest.approx(math.log(4), abs=1e-6)


def test_neither_order_nor_batches_matter_and_real_samples_are_passed_over():
    ring = Ring()
    points = ring.sample([5, 0, 9, 1, 4, 4, 7, 2])
    metric = ModeCoverage(distribution=ring)
    metric.update(ring.modes, real=True)
    for batch in points.flip(0).split(5):
        metric.update(batch, real=False)
    assert {name: value.item() for name, value in metric.compute().items()} == measure(points)


def test_a_distribution_without_modes_is_an_error():
    class SwissRoll:
        pass

    metric = ModeCoverage(distribution=SwissRoll())  # other metrics of an evaluation go on
    with pytest.raises(InputError, match="SwissRoll has no modes"):
        metric.update(torch.zeros(3, 2), real=False)


@pytest.mark.parametrize("deviation", [0.0, -1.0, float("nan")])
def test_the_deviation_must_be_positive(deviation):
    with pytest.raises(InputError, match="deviation"):
        ModeCoverage(distribution=Ring(deviation=deviation))
