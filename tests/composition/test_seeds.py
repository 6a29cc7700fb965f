import csv
import json
import math
from types import SimpleNamespace

import pytest

from ganzoo.composition.seeds import over_seeds, readable_row
from ganzoo.composition.sweep import SweepTable


def summary(*overrides, status="finished", **values):
    return {
        "overrides": list(overrides),
        "status": status,
        "values": {f"metrics/{name}": value for name, value in values.items()}
        | ({"generator/loss": 1.0} if values else {}),
        "seconds": 2.5,
        "path": "runs/somewhere",
    }


RUNS = [
    summary("model=gan", "seed=0", modes=6.0),
    summary("model=wgan", "seed=0", modes=8.0),
    summary("model=gan", "seed=1", modes=8.0),
    summary("model=gan", "seed=2", modes=7.0),
]


def test_means_and_sample_deviations_of_runs_that_differ_in_their_seed():
    several, alone = over_seeds(RUNS)
    assert several == {
        "model": "gan", "runs": 3, "finished": 3,
        "metrics/modes_mean": 7.0, "metrics/modes_deviation": 1.0, "metrics/modes_n": 3,
    }  # fmt: skip
    assert alone["metrics/modes_deviation"] is None
    assert readable_row(several) == {
        "model": "gan", "runs": 3, "finished": 3, "metrics/modes": "7 ± 1"
    }  # fmt: skip
    assert readable_row(alone)["metrics/modes"] == "8"


def test_runs_that_failed_and_values_that_are_not_finite_are_left_out():
    runs = [
        summary("seed=0", modes=6.0),
        summary("seed=1", status="ganzoo: no"),
        summary("seed=2", modes=float("nan")),
    ]
    (row,) = over_seeds(runs)
    assert (row["runs"], row["finished"], row["metrics/modes_n"]) == (3, 2, 1)
    assert row["metrics/modes_mean"] == 6.0


@pytest.mark.parametrize("runs", [[], [summary("model=gan", modes=1.0)]])
def test_without_seeds_there_is_nothing_to_average(runs):
    assert over_seeds(runs) == []


def test_the_tables_of_a_sweep_hold_numbers_and_the_printed_ones_words(tmp_path, capsys):
    third = 1 / 3
    runs = [summary("model=gan", "seed=0", status="refused: no"), *RUNS[2:]]
    runs[1]["values"]["metrics/modes"] = third
    for number, run in enumerate(runs):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "summary.json").write_text(json.dumps(run))
    sweep = SimpleNamespace(dir=str(tmp_path))
    SweepTable().on_multirun_end(SimpleNamespace(hydra=SimpleNamespace(sweep=sweep)))
    rows = list(csv.DictReader((tmp_path / "sweep.csv").open(encoding="utf-8")))
    assert list(rows[0]) == [
        "model", "seed", "metrics/modes", "generator/loss", "seconds", "status", "path",
    ]  # fmt: skip
    assert rows[0]["metrics/modes"] == "" and rows[0]["status"] == "refused: no"
    assert float(rows[1]["metrics/modes"]) == third
    (row,) = csv.DictReader((tmp_path / "seeds.csv").open(encoding="utf-8"))
    assert float(row["metrics/modes_mean"]) == pytest.approx((third + 7) / 2, rel=1e-15)
    assert float(row["metrics/modes_deviation"]) == pytest.approx((7 - third) / math.sqrt(2))
    assert row["metrics/modes_n"] == row["finished"] == "2"
    assert "3.67 ± 4.7" in capsys.readouterr().out
