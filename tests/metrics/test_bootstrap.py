from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy import stats

from ganzoo.errors import InputError
from ganzoo.metrics import Memorization, MultiScaleSimilarity, SlicedWasserstein1
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.intra_class import IntraClassFrechetDistance
from ganzoo.metrics.samples import SampleMetric


class Shift(SampleMetric):
    directions: ClassVar[dict[str, str]] = {"shift": "minimize"}

    def compute(self):
        real, generated = self.gather(at_least=1)
        return {"shift": (generated.mean() - real.mean()).to(self.device)}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(real, generated, metric=None, **settings):
    settings = {"resamples": 100, "confidence": 0.9, "seed": 0} | settings
    bootstrap = Bootstrap(metric=metric or Shift(), **settings)
    bootstrap.update(real, real=True)
    bootstrap.update(generated, real=False)
    return {name: value.item() for name, value in bootstrap.compute().items()}


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_agrees_with_scipy_on_the_same_resamples(confidence):
    real, generated = normal(50, 1).double(), normal(30, 1, seed=1).double().exp()
    low, high = stats.bootstrap(
        (real[:, 0].numpy(), generated[:, 0].numpy()),
        lambda a, b, axis: b.mean(axis) - a.mean(axis),
        n_resamples=200,
        batch=1,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    values = measure(real, generated, confidence=confidence, resamples=200, seed=3)
    expected = {"shift": (generated.mean() - real.mean()).item()}
    expected |= {"shift_low": low, "shift_high": high}
    assert values == pytest.approx(expected, rel=1e-12)


def test_the_interval_of_means_is_about_that_of_the_normal_distribution():
    real, generated = normal(200, 1).double(), 2 * normal(300, 1, seed=1).double()
    deviation = (real.var() / 200 + generated.var() / 300).sqrt().item()
    values = measure(real, generated, confidence=0.9, resamples=1000)
    for end, score in (("low", -1.645), ("high", 1.645)):
        apart = (values[f"shift_{end}"] - values["shift"]) / deviation
        assert apart == pytest.approx(score, abs=0.2)


def test_both_sets_are_resampled():
    constant = torch.ones(20, 1)
    for real, generated in ((constant, normal(20, 1)), (normal(20, 1), constant)):
        values = measure(real, generated)
        assert values["shift_low"] < values["shift"] < values["shift_high"]
    values = measure(constant, constant)
    assert values["shift_low"] == values["shift_high"] == 0


def test_more_samples_and_less_confidence_narrow_the_interval():
    def width(count, **settings):
        values = measure(normal(count, 1), normal(count, 1, seed=1), **settings)
        return values["shift_high"] - values["shift_low"]

    assert width(400) < 0.7 * width(100)
    assert width(100, confidence=0.5) < 0.7 * width(100)


def test_the_seed_decides_and_the_random_state_is_left_alone():
    real, generated = normal(30, 2), normal(30, 2, seed=1)
    state = torch.get_rng_state()
    assert measure(real, generated) == measure(real, generated)
    assert measure(real, generated, seed=1) != measure(real, generated)
    assert torch.equal(torch.get_rng_state(), state)


def test_wraps_a_metric_of_the_library():
    inner = SlicedWasserstein1(projections=20, seed=0, limit=100, floor=False)
    real, generated = normal(50, 2), normal(50, 2, seed=1) + 3
    values = measure(real, generated, metric=inner, resamples=30)
    name = "sliced_wasserstein"
    assert values.keys() == {name, f"{name}_low", f"{name}_high"}
    assert values[f"{name}_low"] < values[name] < values[f"{name}_high"]
    inner.update(real, real=True)
    inner.update(generated, real=False)
    assert inner.compute()[name].item() == values[name]
    wrapped = Bootstrap(metric=inner, resamples=2, confidence=0.5, seed=0)
    assert wrapped.directions == {name: "minimize"}


def compared(real, generated, held_out=None):
    """A comparison of rows, whose first value, positive or not, is their class."""
    sets = [
        SampleSet(rows, (rows[:, 0] > 0).long(), rows, IdentityFeatures())
        for rows in (real, generated, held_out if held_out is not None else real)
    ]
    return MetricInputs(sets[0], sets[1], held_out=sets[2])


def values_of(metric, comparison):
    return {name: value.item() for name, value in metric.measure(comparison).items()}


def test_a_comparison_gives_what_its_features_give():
    comparison = compared(normal(50, 1), normal(30, 1, seed=1))
    settings = {"resamples": 100, "confidence": 0.9, "seed": 0}
    bootstrap = Bootstrap(metric=Shift(), **settings)
    assert values_of(bootstrap, comparison) == measure(normal(50, 1), normal(30, 1, seed=1))


def test_labels_follow_their_samples_and_held_out_ones_stay():
    class Agreement(Shift):
        """How many labels belong to their samples, and how many rows to their features."""

        def measure(self, comparison):
            assert comparison.require_held_out(self) is held_out
            right = [
                (side.labels == (side.features[:, 0] > 0)) & (side.samples == side.features).all(1)
                for side in (comparison.real, comparison.generated)
            ]
            return {"agreement": torch.cat(right).float().mean()}

    comparison = compared(normal(50, 2), normal(30, 2, seed=1))
    held_out = comparison.held_out
    bootstrap = Bootstrap(metric=Agreement(), resamples=10, confidence=0.9, seed=0)
    assert set(values_of(bootstrap, comparison).values()) == {1.0}


def test_metrics_of_labels_of_held_out_samples_and_of_images_have_intervals():
    rows, others = normal(200, 3), 1.3 * normal(150, 3, seed=1)
    for inner, name in ((IntraClassFrechetDistance(), "intra_fid"), (Memorization(), "copying")):
        bootstrap = Bootstrap(metric=inner, resamples=40, confidence=0.9, seed=0)
        comparison = compared(rows, others, held_out=normal(100, 3, seed=2))
        values = values_of(bootstrap, comparison)
        assert values[name] == pytest.approx(values_of(inner, comparison)[name])
        assert values[f"{name}_low"] < values[f"{name}_high"]
    images = normal(20, 1, 16, 16).tanh(), 0.5 * normal(20, 1, 16, 16, seed=1).tanh()
    inner = MultiScaleSimilarity(pairs=20, deviation=0.7, scales=2, batch_size=20, seed=0)
    bootstrap = Bootstrap(metric=inner, resamples=20, confidence=0.9, seed=0)
    sets = [SampleSet(side, None, side.flatten(1), IdentityFeatures()) for side in images]
    values = values_of(bootstrap, MetricInputs(*sets))
    assert values["ms_ssim_low"] < values["ms_ssim_high"]
    assert not bootstrap.depends_on_features


def test_the_protocol_tells_the_settings_of_both():
    inner = SlicedWasserstein1(projections=20, seed=3, limit=100, floor=False)
    bootstrap = Bootstrap(metric=inner, resamples=30, confidence=0.5, seed=7)
    protocol = bootstrap.protocol()
    assert protocol["seed"] == 7 and protocol["resamples"] == 30
    assert protocol["of"]["metric"] == "SlicedWasserstein1" and protocol["of"]["seed"] == 3


@pytest.mark.parametrize("settings", [{"resamples": 1}, {"confidence": 0}, {"confidence": 1}])
def test_settings_are_checked(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        measure(normal(5, 1), normal(5, 1), **settings)


@pytest.mark.parametrize(("counts", "name"), [((1, 5), "real"), ((5, 1), "generated")])
def test_a_single_sample_has_no_interval(counts, name):
    real, generated = (normal(count, 1) for count in counts)
    with pytest.raises(InputError, match=f"Bootstrap needs at least 2 {name} samples, got 1"):
        measure(real, generated)
    bootstrap = Bootstrap(metric=Shift(), resamples=5, confidence=0.9, seed=0)
    with pytest.raises(InputError, match=f"at least 2 {name} samples, got 1"):
        bootstrap.measure(compared(real, generated))
