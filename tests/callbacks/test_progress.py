"""What a user sees of a run: on a terminal of any width, and in a log file."""

import io
import itertools
import re
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback
from torch.utils.data import DataLoader

from ganzoo.callbacks.progress import TrainingProgress, clock, fitting
from ganzoo.errors import InputError

TERMS = ["discriminator/loss", "generator/loss", "metrics/distance@50"]


def progress(**changes):
    settings = {"refresh_seconds": 1e-9, "line_seconds": 1e-9, "first_line_steps": 1}
    return TrainingProgress(**(settings | {"terms": TERMS} | changes))


class MeasureAtTheEnd(Callback):
    def on_train_end(self, trainer, pl_module):
        trainer.callback_metrics["metrics/distance@50"] = torch.tensor(0.25)


def lines_of(trainer, gan, batches, capsys, bar, **settings):
    run = trainer(callbacks=[MeasureAtTheEnd(), bar], enable_progress_bar=True, **settings)
    run.fit(gan(), batches(8, 2))
    return capsys.readouterr().err.splitlines()


def test_a_log_file_has_the_time_left_and_each_step_once(gan, trainer, batches, capsys):
    lines = lines_of(trainer, gan, batches, capsys, progress(), steps=3)
    assert [line.split("  ")[0] for line in lines] == ["step 1/3", "step 2/3", "step 3/3"]
    for line in lines[:-1]:
        assert re.search(
            r"  \d:\d\d:\d\d left  discriminator/loss: .* generator/loss: .* steps/s: ", line
        )
    assert "took 0:00:0" in lines[-1]
    assert "metrics/distance@50: 0.25" in lines[-1]


def test_the_first_line_comes_when_the_end_can_be_estimated(gan, trainer, batches, capsys):
    rare = progress(line_seconds=1000, first_line_steps=4)
    lines = lines_of(trainer, gan, batches, capsys, rare, steps=9)
    assert [line.split("  ")[0] for line in lines] == ["step 4/9", "step 9/9"]


def test_a_run_that_goes_on_is_as_fast_as_its_own_steps(
    gan, trainer, batches, capsys, tmp_path, monkeypatch
):
    seconds = SimpleNamespace(monotonic=itertools.count().__next__)  # one for each step
    monkeypatch.setattr("ganzoo.callbacks.progress.time", seconds)
    first = trainer(4)
    first.fit(gan(), batches(8, 2))
    first.save_checkpoint(tmp_path / "four.ckpt")
    run = trainer(9, callbacks=[progress(line_seconds=1000, first_line_steps=2)],
                  enable_progress_bar=True)  # fmt: skip
    run.fit(gan(), batches(8, 2), ckpt_path=tmp_path / "four.ckpt")
    lines = capsys.readouterr().err.splitlines()
    ends = ["step 6/9  0:00:03 left", "step 9/9  took 0:00:05"]
    assert ["  ".join(line.split("  ")[:2]) for line in lines] == ends
    assert all(line.endswith("steps/s: 1.0") for line in lines)


def test_without_an_end_in_steps_the_time_counts(gan, trainer, batches, capsys):
    bar, end = progress(line_seconds=0.05), {"max_time": timedelta(seconds=0.4)}
    *lines, last = lines_of(trainer, gan, batches, capsys, bar, steps=-1, **end)
    assert all(re.match(r"step \d+  0:00:00 left  ", line) for line in lines)
    assert re.match(r"step \d+  took 0:00:0", last)


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self):
        return True

    def lines(self):
        """What is drawn, one drawing after another, without colours and the moves of the cursor."""
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())
        return [line.strip() for line in re.split(r"[\r\n]", plain)]


@pytest.fixture
def terminal(monkeypatch):
    """Make the process write to a terminal of a width."""

    def make(width):
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(width))
        return screen

    return make


@pytest.mark.parametrize(("width", "terms"), [(80, 2), (60, 1), (40, 0)])
def test_a_bar_has_its_bar_count_and_time_at_any_width(
    gan, trainer, batches, terminal, width, terms
):
    screen = terminal(width)
    trainer(30, callbacks=[progress()], enable_progress_bar=True).fit(gan(), batches(8, 2))
    drawn = [line for line in screen.lines() if "left" in line]
    assert len(drawn) > 5
    for line in drawn:
        assert len(line) <= width
        assert re.match(r"[━╸╺ ]{10,} ?\d+/30 \d:\d\d:\d\d left", line)
        assert len(re.findall(r"/loss: -?[\d.e-]+", line)) == terms
    assert re.search("30/30 took 0:00:0", screen.lines()[-2])


def test_a_bar_is_redrawn_no_more_often_than_asked_for(gan, trainer, batches, terminal):
    screen, bar = terminal(80), progress(refresh_seconds=1000)
    trainer(30, callbacks=[bar], enable_progress_bar=True).fit(gan(), batches(8, 2))
    counts = re.findall(r"\d+/30", " ".join(screen.lines()))
    assert list(dict.fromkeys(counts)) == ["0/30", "30/30"]


def test_a_prediction_has_the_bar_of_lightning(gan, trainer, terminal):
    screen = terminal(80)
    run = trainer(1, callbacks=[progress()], enable_progress_bar=True)
    run.predict(gan(), DataLoader(torch.zeros(12, 4), 4))
    assert any("Predicting" in line and "3/3" in line for line in screen.lines())


def test_values_that_fit_are_chosen_in_order():
    values = {"a": "1", "bbbb": "22", "c": "3"}
    assert fitting(values, len("a: 1  c: 3")) == {"a": "1", "c": "3"}
    assert fitting(values, 3) == {}
    assert clock(3725.4) == "1:02:05"
    assert clock(90_000) == "25:00:00"


@pytest.mark.parametrize("name", ["refresh_seconds", "line_seconds", "first_line_steps"])
def test_numbers_that_make_no_sense_are_refused(name):
    with pytest.raises(InputError, match=name):
        progress(**{name: 0})
