"""The training command as a user types it, in a process and a folder of its own."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.train import main
from tests.forked import Forked

SMALL = ["trainer=smoke", "trainer.accelerator=cpu", "dataset=ring", "dataset.batch_size=8"]
FEW = ["metrics.evaluator.samples=16", "callbacks.samples.points=16"]


@pytest.fixture
def train(tmp_path):
    """Run the command to its end; return its exit code and both outputs."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()

    def call(*words):
        command = Forked(main, words, tmp_path, outputs / str(len(list(outputs.iterdir()))))
        return subprocess.CompletedProcess(words, command.wait(200), *command.communicate())

    return call


def test_a_run_ends_by_saying_where_everything_is(tmp_path):
    words = [sys.executable, "-c", "from ganzoo.train import main; main()"]
    done = subprocess.run(
        [*words, "model=gan", *SMALL, *FEW], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    places = dict(line.split(None, 1) for line in done.stdout.splitlines())
    for name in ("samples", "metrics", "checkpoint"):
        assert tmp_path in Path(places[name]).parents
    assert (tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt").is_file()
    assert (tmp_path / "runs" / "latest" / "train.log").is_file()


def test_a_sweep_leaves_one_table_and_failed_runs_are_rows(train, tmp_path):
    done = train("-m", "model=gan,lsgan", "network.latent.latent_dim=2,-1", "seed=3", *SMALL, *FEW)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("latent_dim must be a whole number from 1 up, not -1")
    (table,) = (tmp_path / "runs" / "sweeps").glob("*/sweep.csv")
    rows = list(csv.DictReader(table.open()))
    assert [(row["model"], row["network.latent.latent_dim"]) for row in rows] == [
        ("gan", "2"), ("gan", "-1"), ("lsgan", "2"), ("lsgan", "-1"),
    ]  # fmt: skip
    assert [row["status"] == "finished" for row in rows] == [True, False, True, False]
    assert float(rows[0]["metrics/wasserstein@16"]) > 0


def test_a_run_of_a_sweep_is_the_run_on_its_own(train, tmp_path):
    """Nothing leaks from one run to the next: the second equals the same run alone."""
    train("-m", "model=gan", "seed=0,1", *SMALL, *FEW)
    train("model=gan", "seed=1", *SMALL, *FEW)
    (table,) = (tmp_path / "runs" / "sweeps").glob("*/sweep.csv")
    second = list(csv.DictReader(table.open()))[1]
    alone = list(csv.DictReader((tmp_path / "runs" / "latest" / "metrics.csv").open()))
    losses = [float(row["generator/loss"]) for row in alone if row.get("generator/loss")]
    assert float(second["generator/loss"]) == pytest.approx(losses[-1], rel=1e-4)


def test_own_networks_by_name_from_an_own_package(train, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "class Generator(nn.Linear):\n"
        "    def __init__(self, *, latent_dim): super().__init__(latent_dim, 2)\n"
        "class Discriminator(nn.Sequential):\n"
        "    def __init__(self): super().__init__(nn.Linear(2, 1), nn.Flatten(0))\n"
    )
    folder = tmp_path / "my_conf" / "network"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        'generator: {_target_: mine.Generator, latent_dim: "${network.latent.latent_dim}"}\n'
        "discriminator: {_target_: mine.Discriminator}\n"
    )
    done = train("--config-dir", "my_conf", "model=gan", "network=mine", *SMALL, *FEW)
    assert done.returncode == 0, done.stderr
    assert "discriminator 3, generator 6 parameters" in done.stderr


def test_a_new_run_starts_from_the_best_checkpoint_of_the_latest(train, tmp_path):
    """The link to the latest run is part of the path, and moves while the new run begins."""
    first = train("model=gan", *SMALL, *FEW)
    assert first.returncode == 0, first.stderr
    best = "checkpoint=runs/latest/checkpoints/best.ckpt"
    second = train("model=gan", *SMALL, *FEW, best, "trainer.max_steps=6")
    assert second.returncode == 0, second.stderr
    assert "going on from step 4 of" in second.stderr
    assert len(list((tmp_path / "runs" / "gan-ring").iterdir())) == 2
