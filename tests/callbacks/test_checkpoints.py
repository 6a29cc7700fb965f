"""Which checkpoints a run keeps, when, and what Lightning's users find of them."""

import math
import os
import signal
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import DummyLogger
from torch.utils.data import DataLoader

from ganzoo.callbacks.checkpoints import Checkpoints
from ganzoo.callbacks.interruption import Interruption
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError, Interrupted
from ganzoo.saving import ContinueOnSaveError, SaveError, StopOnSaveError


class Scores(Callback):
    """Measures one value after each update."""

    def __init__(self, *values, name="score"):
        self.values, self.name = values, name

    def on_train_batch_end(self, trainer, *_):
        value = torch.tensor(self.values[trainer.global_step - 1])
        trainer.callback_metrics[self.name] = value


class Told(Callback):
    """Sends its own process a signal after an update."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def keeping(folder, **changes):
    settings = {"every_n_steps": 100, "keep_every_n_steps": None, "objective": "score",
                "direction": "minimize", "on_save_error": StopOnSaveError()}  # fmt: skip
    return Checkpoints(folder=folder, **settings | changes)


@pytest.fixture
def fit(gan, trainer, batches):
    """Train with these callbacks, and return the trainer."""

    def run(steps, *callbacks, checkpoint=None, **settings):
        io = {"plugins": [AtomicCheckpointIO()], "enable_checkpointing": True}
        fitted = trainer(steps, callbacks=list(callbacks), **io | settings)
        fitted.fit(gan(), batches(8, 2), ckpt_path=checkpoint)
        return fitted

    return run


def step(path):
    return torch.load(path, weights_only=True)["global_step"]


@pytest.mark.parametrize(
    ("direction", "best", "broken"), [("minimize", 2, -math.inf), ("maximize", 3, math.inf)]
)
def test_the_best_the_last_two_and_those_of_every_so_many_steps(
    fit, tmp_path, direction, best, broken
):
    values = (math.nan, 1.0, 9.0, broken, 4.0)
    keep = keeping(tmp_path, every_n_steps=2, keep_every_n_steps=3, direction=direction)
    run = fit(5, keep, Scores(*values))  # those that measure come first all the same
    found = {path.name: step(path) for path in tmp_path.iterdir()}
    expected = {"best": best, "last": 5, "previous": 4, "step_00000003": 3}
    assert found == {f"{name}.ckpt": at for name, at in expected.items()}
    assert run.checkpoint_callback is keep and keep.newest_path == tmp_path / "last.ckpt"
    assert keep.best_model_path == str(tmp_path / "best.ckpt")
    assert keep.best_model_score == values[best - 1]
    assert keep.last_model_path == str(tmp_path / "last.ckpt")


def test_direction_is_one_of_two_words(tmp_path):
    with pytest.raises(InputError, match="direction must be minimize or maximize, not 'up'"):
        keeping(tmp_path, direction="up")


def test_the_best_and_the_last_can_be_asked_for_by_name(fit, tmp_path):
    keep = keeping(tmp_path)
    run = fit(3, keep, Scores(3.0, 1.0, 2.0))
    latents = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    saved = {name: torch.load(tmp_path / f"{name}.ckpt", weights_only=True) for name in
             ("best", "last")}  # fmt: skip
    for name, checkpoint in saved.items():
        (found,) = run.predict(run.lightning_module, DataLoader(latents, 4), ckpt_path=name)
        run.lightning_module.load_state_dict(checkpoint["state_dict"])
        with torch.no_grad():
            assert torch.equal(found, run.lightning_module(latents)), name
    assert not torch.equal(*(s["state_dict"]["generator.0.weight"] for s in saved.values()))


@pytest.mark.parametrize("measured", ["other", "metrics/fid@1000"])
def test_a_value_that_is_never_measured_or_never_finite_has_no_best(
    fit, tmp_path, caplog, measured
):
    keep = keeping(tmp_path, objective="metrics/fid@1000")
    run = fit(2, keep, Scores(math.nan, math.nan, name=measured))
    assert keep.best_model_path == "" and [path.name for path in tmp_path.iterdir()] == [
        "last.ckpt"
    ]
    assert "metrics/fid" not in caplog.text
    with pytest.raises(ValueError, match="not configured to save the best"):
        run.predict(run.lightning_module, DataLoader(torch.zeros(1, 4)), ckpt_path="best")


def test_a_misspelt_term_is_refused(fit, tmp_path):
    with pytest.raises(InputError, match="Checkpoints monitors 'generator/lozz'"):
        fit(2, keeping(tmp_path, objective="generator/lozz"))


def test_a_run_goes_on_from_the_best_value_wherever_its_folder_is(fit, tmp_path):
    fit(2, keeping(tmp_path / "a"), Scores(3.0, 5.0))
    (tmp_path / "a").rename(tmp_path / "b")
    keep, last = keeping(tmp_path / "b"), tmp_path / "b" / "last.ckpt"
    fit(4, keep, Scores(0.0, 0.0, 4.0, 6.0), checkpoint=last)
    assert step(tmp_path / "b" / "best.ckpt") == 1 and keep.best_model_score == 3.0
    assert keep.best_model_path == str(tmp_path / "b" / "best.ckpt")
    fit(6, keeping(tmp_path / "b"), Scores(*[0.0] * 4, 2.0, 9.0), checkpoint=last)
    assert step(tmp_path / "b" / "best.ckpt") == 5
    other = keeping(tmp_path / "b", objective="other")
    fit(7, other, checkpoint=last)
    assert other.best_model_score is None
    rarer = keeping(tmp_path / "b", every_n_steps=9)
    fit(8, rarer, Scores(*[5.0] * 8), checkpoint=tmp_path / "b" / "previous.ckpt")
    assert rarer.best_model_score == 2.0


def test_the_checkpoint_names_no_folder(fit, tmp_path):
    fit(1, keeping(tmp_path), Scores(1.0))
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"]
    assert str(tmp_path) not in repr(saved)


def test_a_run_that_is_told_to_stop_keeps_what_was_just_measured(fit, tmp_path):
    keep = keeping(tmp_path)
    stop = Interruption(agree_every_n_steps=1)
    with pytest.raises(Interrupted, match=r"SIGTERM at step 2: .* goes on from .*last\.ckpt"):
        fit(5, Scores(5.0, 1.0, 0.0), Told(2), stop, keep)
    assert (step(tmp_path / "best.ckpt"), step(tmp_path / "last.ckpt")) == (2, 2)


def test_two_that_save_stand_beside_each_other(fit, tmp_path):
    keep, theirs = keeping(tmp_path / "a"), ModelCheckpoint(tmp_path / "b", every_n_train_steps=2)
    run = fit(3, keep, theirs, Scores(2.0, 1.0, 3.0))
    assert run.checkpoint_callbacks == [keep, theirs]
    assert step(keep.best_model_path) == 2 and step(theirs.best_model_path) == 2


def test_a_dry_run_saves_nothing(fit, tmp_path):
    keep = keeping(tmp_path / "a", every_n_steps=1, keep_every_n_steps=1)
    fit(-1, keep, Scores(1.0, 2.0), fast_dev_run=2)
    assert not (tmp_path / "a").exists()
    assert keep.best_model_path == keep.last_model_path == ""


class Witness(DummyLogger):
    """Notes what it is told and which files there were."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.seen = folder, []

    def note(self, what):
        files = sorted((path.stem, step(path)) for path in self.folder.glob("*.ckpt"))
        self.seen.append((what, files))

    def resume(self, at):
        self.seen.append(("resume", at))

    def save(self):
        self.note("save")

    def after_save_checkpoint(self, checkpoint_callback):
        self.note(Path(checkpoint_callback._last_checkpoint_saved).stem)


def test_loggers_write_before_a_checkpoint_and_hear_of_it_after(fit, tmp_path):
    logger = Witness(tmp_path)
    fit(1, keeping(tmp_path), Scores(1.0), logger=logger)
    both = [("best", 1), ("last", 1)]
    expected = [("save", []), ("best", both[:1]), ("save", both[:1]), ("last", both)]
    seen = logger.seen[logger.seen.index(("resume", 0)) + 1 :]
    assert [entry for entry, _ in groupby(seen)][:4] == expected


def test_wandb_uploads_the_best_and_the_last(fit, tmp_path, monkeypatch):
    logged = []
    experiment = SimpleNamespace(id="run", name="name", config=SimpleNamespace(update=print))
    experiment.log_artifact = lambda artifact, aliases: logged.append((artifact.metadata, aliases))
    experiment.log = experiment.define_metric = lambda *_, **__: None
    monkeypatch.setattr(WandbLogger, "experiment", experiment)
    logger = WandbLogger(save_dir=tmp_path, log_model="all", version="run")
    fit(3, keeping(tmp_path), Scores(3.0, 1.0, 2.0), logger=logger)
    found = [(data["original_filename"], data["score"], tags) for data, tags in logged]
    best = ["latest", "best"]
    assert found == [
        ("best.ckpt", 3.0, best), ("best.ckpt", 1.0, best), ("last.ckpt", 1.0, best[:1]),
    ]  # fmt: skip
    assert logged[0][0]["Checkpoints"]["monitor"] == "score"


class Full(AtomicCheckpointIO):
    """A disk that is full at the second file, and later has room again."""

    def __init__(self):
        self.asked = 0

    def save_checkpoint(self, *args, **named):
        self.asked += 1
        if self.asked == 2:
            raise OSError(28, "No space left on device")
        super().save_checkpoint(*args, **named)


def test_a_full_disk_ends_a_run_in_one_line_or_is_waited_for(fit, tmp_path, caplog):
    with pytest.raises(SaveError, match=r"^cannot write .*/last.ckpt: No space left on device$"):
        fit(3, keeping(tmp_path, every_n_steps=1), plugins=[Full()])
    assert step(tmp_path / "last.ckpt") == step(tmp_path / "previous.ckpt") == 1
    logger = Witness(tmp_path)
    patient = keeping(tmp_path, every_n_steps=1, on_save_error=ContinueOnSaveError())
    fit(3, patient, plugins=[Full()], logger=logger)
    assert sum("the run goes on" in message for message in caplog.messages) == 1
    assert [what for what, _ in logger.seen].count("last") == 3  # 1, 3, and 3 when it ends
    assert step(tmp_path / "last.ckpt") == 3
