import pytest

from ganzoo.composition.seeds import over_seeds


def summary(*overrides, status="finished", **values):
    return {
        "overrides": list(overrides),
        "status": status,
        "values": {f"metrics/{name}": value for name, value in values.items()}
        | {"generator/loss": 1.0},
    }


def test_means_and_sample_deviations_of_runs_that_differ_in_their_seed():
    runs = [
        summary("model=gan", "seed=0", modes=6.0),
        summary("model=wgan", "seed=0", modes=8.0),
        summary("model=gan", "seed=1", modes=8.0),
        summary("model=gan", "seed=2", modes=7.0),
    ]
    assert over_seeds(runs) == [
        {"model": "gan", "runs": "3 of 3", "metrics/modes": "7 ± 1"},
        {"model": "wgan", "runs": "1 of 1", "metrics/modes": "8"},
    ]


def test_runs_that_failed_and_values_that_are_not_finite_are_left_out():
    runs = [
        summary("seed=0", modes=6.0),
        summary("seed=1", status="ganzoo: no"),
        summary("seed=2", modes=float("nan")),
    ]
    assert over_seeds(runs) == [{"runs": "2 of 3", "metrics/modes": "6"}]


@pytest.mark.parametrize("runs", [[], [summary("model=gan", modes=1.0)]])
def test_without_seeds_there_is_nothing_to_average(runs):
    assert over_seeds(runs) == []
