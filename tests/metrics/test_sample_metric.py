from pathlib import Path

import pytest
import torch

from ganzoo import metrics
from ganzoo.errors import InputError
from ganzoo.metrics import (
    PRDC,
    FrechetDistance,
    FrechetInfinity,
    KernelDistance,
    MemorizationInformedFrechetDistance,
    ModeCoverage,
    SinkhornDivergence,
    SlicedWasserstein1,
    SlicedWasserstein2,
    Wasserstein1,
    Wasserstein2,
)


class Pair:
    modes = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    deviation = 0.2


TRANSPORT = {"limit": 100, "floor": False}
SLICED = TRANSPORT | {"projections": 20, "seed": 0}
BUILDERS = {
    PRDC: lambda **options: PRDC(neighbors=3, **options),
    Wasserstein1: lambda **options: Wasserstein1(**TRANSPORT, **options),
    Wasserstein2: lambda **options: Wasserstein2(**TRANSPORT, **options),
    SlicedWasserstein1: lambda **options: SlicedWasserstein1(**SLICED, **options),
    SlicedWasserstein2: lambda **options: SlicedWasserstein2(**SLICED, **options),
    SinkhornDivergence: lambda **options: SinkhornDivergence(
        regularization=0.1, iterations=100, tolerance=1e-4, **TRANSPORT, **options
    ),
    ModeCoverage: lambda **options: ModeCoverage(distribution=Pair(), **options),
    FrechetDistance: lambda **options: FrechetDistance(**options),
    FrechetInfinity: lambda **options: FrechetInfinity(points=3, smallest=0.5, seed=0, **options),
    KernelDistance: lambda **options: KernelDistance(subsets=5, subset_size=20, seed=0, **options),
    MemorizationInformedFrechetDistance: lambda **options: MemorizationInformedFrechetDistance(
        threshold=1e-9, limit=100, **options
    ),
}
every_metric = pytest.mark.parametrize("build", BUILDERS.values(), ids=lambda _: "")


def samples(count=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    modes = Pair.modes[torch.randint(2, (count,), generator=generator)]
    return modes + 0.3 * torch.randn(count, 2, generator=generator)


def plain(values):
    return {name: value.item() for name, value in values.items()}


def test_every_public_metric_is_tested_here_or_in_a_file_of_its_own():
    # Those that take no points, need more than two sets of them, or have no values of their own.
    own = Path(__file__)
    others = "".join(path.read_text() for path in own.parent.glob("test_*.py") if path != own)
    elsewhere = {name for name in metrics.__all__ if f"{name}(" in others}
    bases = {"SampleMetric", "TwoSampleMetric"}
    assert set(metrics.__all__) <= {kind.__name__ for kind in BUILDERS} | elsewhere | bases


@every_metric
def test_values_are_scalars_with_a_direction_each(build):
    metric = build()
    metric.update(samples(), real=True)
    metric.update(samples(seed=1), real=False)
    values = metric.compute()
    assert metric.directions and metric.directions.keys() <= values.keys()
    assert set(metric.directions.values()) <= {"maximize", "minimize"}
    assert all(value.shape == () and value.dtype == torch.float32 for value in values.values())


@every_metric
def test_directions_prefer_samples_of_the_distribution_to_bad_ones(build):
    good, bad = build(), build()
    for metric, generated in ((good, samples(seed=1)), (bad, 0.1 * samples(seed=1) + 1.8)):
        metric.update(samples(), real=True)
        metric.update(generated, real=False)
    better, worse = plain(good.compute()), plain(bad.compute())
    for name, direction in good.directions.items():
        assert (better[name] > worse[name]) == (direction == "maximize")
        assert better[name] != worse[name]


@every_metric
def test_two_devices_with_half_the_samples_agree_with_one(build):
    # The gathering is played by handing over the other device's state of the same shape.
    whole, halves = build(), [build(), build()]
    for real, data in ((True, samples()), (False, samples(seed=1))):
        whole.update(data, real=real)
        for metric, half in zip(halves, data.chunk(2), strict=True):
            metric.update(half, real=real)
    states = [list(half.metric_state.values()) for half in halves]
    pairs = iter([[_joined(state) for state in pair] for pair in zip(*states, strict=True)])
    first = halves[0]
    first.dist_sync_fn = lambda tensor, group: next(pairs)
    first.distributed_available_fn = lambda: True
    assert plain(first.compute()) == pytest.approx(plain(whole.compute()), abs=1e-6)


def _joined(state):
    return torch.cat(state) if isinstance(state, list) else state


@every_metric
def test_reset_forgets_all_samples(build):
    metric = build()
    metric.update(samples() + 5, real=True)
    metric.update(samples(seed=3) - 5, real=False)
    metric.reset()
    metric.update(samples(), real=True)
    metric.update(samples(seed=1), real=False)
    fresh = build()
    fresh.update(samples(), real=True)
    fresh.update(samples(seed=1), real=False)
    assert plain(metric.compute()) == plain(fresh.compute())


@every_metric
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_samples_are_one_line_of_error(build):
    with pytest.raises(InputError, match="needs at least") as caught:
        build().compute()
    assert "\n" not in str(caught.value)


@every_metric
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_samples_that_are_not_finite_are_counted_and_refused(build, real, value):
    broken = samples()
    broken[[2, 7], 1] = value
    with pytest.raises(InputError, match=r"2 of 24 (real|generated) samples are NaN or infinite"):
        build().update(broken, real=real)


@every_metric
@pytest.mark.parametrize(
    "data, message",
    [
        (torch.zeros(5), "shape"),
        (torch.zeros(5, 2, dtype=torch.uint8), "floating point"),
    ],
)
def test_data_of_another_kind_are_refused(build, data, message):
    with pytest.raises(InputError, match=message):
        build().update(data, real=False)


@every_metric
def test_samples_of_another_size_are_refused(build):
    metric = build()
    metric.update(samples(), real=True)
    with pytest.raises(InputError, match="got 3 (values|features)|samples of 3 values"):
        metric.update(torch.zeros(5, 3), real=False)


@every_metric
def test_half_precision_samples_and_gradients_are_taken(build):
    metric = build()
    metric.update(samples().bfloat16(), real=True)
    metric.update(samples().bfloat16().requires_grad_(), real=False)
    assert not any(value.requires_grad for value in metric.compute().values())


@every_metric
def test_an_unknown_argument_fails_at_once(build):
    with pytest.raises(ValueError, match="neighbours"):
        build(neighbours=3)
