"""Every argument of Lightning's Trainer works, or one line says what to write instead."""

import csv
import logging
import re
import warnings
from datetime import timedelta
from inspect import signature
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import Checkpoint, ModelSummary, ProgressBar, Timer
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.profilers import SimpleProfiler
from lightning.pytorch.utilities import rank_zero_warn

from ganzoo.callbacks.progress import TrainingProgress
from ganzoo.callbacks.throughput import MEMORY, SAMPLES
from ganzoo.composition.compose import compose_config
from ganzoo.composition.left_out import trainer_arguments
from ganzoo.composition.quiet import is_news, quieten
from ganzoo.errors import InputError
from ganzoo.strategies.player_parallel import PlayerParallelStrategy

ARGUMENTS = set(signature(Trainer.__init__).parameters) - {"self"}
PLUGIN = "lightning.pytorch.plugins.environments.LightningEnvironment"


def has(trainer, kind):
    return any(isinstance(callback, kind) for callback in trainer.callbacks)


WORKS = {
    "accelerator": ("cpu", lambda t: isinstance(t.accelerator, CPUAccelerator)),
    "strategy": ("player_parallel", lambda t: isinstance(t.strategy, PlayerParallelStrategy)),
    "devices": ("2", lambda t: isinstance(t.strategy, PlayerParallelStrategy)),
    "num_nodes": ("2", lambda t: isinstance(t.strategy, PlayerParallelStrategy)),
    "precision": ("bf16-mixed", lambda t: t.precision == "bf16-mixed"),
    "max_steps": ("7", lambda t: t.max_steps == 7),
    "max_epochs": ("3", lambda t: t.max_epochs == 3),
    "min_steps": ("2", lambda t: t.min_steps == 2),
    "min_epochs": ("2 & trainer.max_epochs=3", lambda t: t.min_epochs == 2),
    "max_time": ("00:00:10:00", lambda t: has(t, Timer)),
    "fast_dev_run": ("2", lambda t: t.max_steps == 2 and not t.loggers),
    "overfit_batches": ("1", lambda t: t.limit_train_batches == 1),
    "limit_train_batches": ("5", lambda t: t.limit_train_batches == 5),
    "log_every_n_steps": ("3", lambda t: t.log_every_n_steps == 3),
    "enable_checkpointing": ("false", lambda t: not has(t, Checkpoint)),
    "enable_progress_bar": ("false", lambda t: not has(t, ProgressBar)),
    "enable_model_summary": ("true", lambda t: has(t, ModelSummary)),
    "enable_autolog_hparams": ("false", lambda t: not t.enable_autolog_hparams),
    "deterministic": ("true", lambda t: torch.are_deterministic_algorithms_enabled()),
    "benchmark": ("true", lambda t: torch.backends.cudnn.benchmark),
    "inference_mode": ("false", lambda t: not t.validate_loop.inference_mode),
    "use_distributed_sampler": (
        "true",
        lambda t: t._accelerator_connector.use_distributed_sampler,
    ),
    "profiler": ("simple", lambda t: isinstance(t.profiler, SimpleProfiler)),
    "detect_anomaly": ("true", lambda t: t._detect_anomaly),
    "barebones": ("true", lambda t: t.barebones and not t.callbacks and not t.loggers),
    "plugins": (
        f"[{{_target_: {PLUGIN}}}]",
        lambda t: isinstance(t._accelerator_connector.cluster_environment, LightningEnvironment),
    ),
    "sync_batchnorm": ("true", lambda t: t._accelerator_connector._layer_sync is not None),
    "reload_dataloaders_every_n_epochs": (
        "1",
        lambda t: t.reload_dataloaders_every_n_epochs == 1,
    ),
    "default_root_dir": ("somewhere", lambda t: t.default_root_dir.endswith("somewhere")),
}
REFUSED = {
    "logger": ("false", "logger=csv"),
    "callbacks": ("[]", "callbacks=[default"),
    "accumulate_grad_batches": ("2", "model.micro_batches=2"),
    "gradient_clip_val": (
        "0.5",
        "optimizer.gradient_clipping=norm optimizer.gradient_clipping.max_norm=0.5",
    ),
    "gradient_clip_algorithm": ("value", "optimizer.gradient_clipping=value"),
    "limit_val_batches": ("2", "metrics.evaluator.samples"),
    "val_check_interval": ("10", "callbacks.evaluation.every_n_steps"),
    "check_val_every_n_epoch": ("2", "callbacks.evaluation.every_n_steps"),
    "num_sanity_val_steps": ("2", "tried before training"),
    "limit_test_batches": ("2", "ganzoo.evaluate"),
    "limit_predict_batches": ("2", "ganzoo.sample"),
    "model_registry": ("mine", "best.ckpt"),
}


def test_every_argument_is_a_setting_a_row_of_the_table_and_tested():
    page = (Path(__file__).parents[2] / "docs" / "trainer.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert sorted(rows) == sorted(ARGUMENTS)
    assert trainer_arguments() == ARGUMENTS
    assert set(compose_config([]).trainer) - {"_target_"} <= ARGUMENTS
    assert WORKS.keys() | REFUSED.keys() == ARGUMENTS


@pytest.mark.parametrize("name", sorted(WORKS))
def test_arguments_that_work(built, name):
    value, holds = WORKS[name]
    assert holds(built(*f"trainer.{name}={value}".split(" & ")))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_arguments_that_are_refused(built, name):
    value, instead = REFUSED[name]
    with pytest.raises(InputError, match=rf"{name}=.*{re.escape(instead)}"):
        built(f"trainer.{name}={value}")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("max_time=10", "00:00:10:00"),
        ("max_time=00:10:00", "00:00:10:00"),
        ("max_time={minuts:3}", "minutes"),
        ("devices=abc", "write auto, how many"),
        ("devices=0", "write auto, how many"),
        ("devices=null", "must be a list, a word or a whole number"),
        ("accelerator=xyz", "choose from auto, cpu"),
        ("precision=foo", "bf16-mixed"),
        ("precision=17", "bf16-mixed"),
        ("strategy=xyz", "choose from auto, player_parallel"),
        ("strategy=ddp", "player_parallel"),
        ("profiler=foo", "choose from advanced, pytorch, simple"),
        ("plugins=[abc]", "_target_"),
        ("max_steps=abc", "a whole number"),
        ("max_steps=-3", "non-negative integer or -1"),
        ("min_steps=-1", "from 0 up"),
        ("min_epochs=2", "set trainer.min_steps"),
        ("log_every_n_steps=-1", "from 0 up"),
        ("limit_train_batches=2.5", "has to be in"),
        ("limit_train_batches=0.5", "set trainer.max_epochs too"),
        ("limit_train_batches=0", "nothing to train on"),
        ("overfit_batches=1.5", "has to be in"),
        ("fast_dev_run=abc", "a whole number or true or false"),
        ("num_nodes=0", "a positive integer"),
        ("deterministic=foo", "warn, true or false"),
        ("barebones=a", "true or false"),
        ("max_step=1", "did you mean 'max_steps'"),
        ("foo=1", "docs/trainer.md"),
    ],
)
def test_wrong_values_name_the_argument_and_what_is_right(built, wrong, right):
    name = wrong.partition("=")[0]
    add = "" if name in ARGUMENTS else "+"
    with pytest.raises(InputError) as caught:
        built(f"{add}trainer.{wrong}")
    line = str(caught.value)
    assert name in line
    assert right in line
    assert "\n" not in line
    assert len(line) < 300


@pytest.mark.parametrize(
    ("wrong", "instead"),
    [
        ({"gradient_clip_val": 1.0}, "optimizer.gradient_clipping=norm"),
        ({"gradient_clip_algorithm": "value"}, "optimizer.gradient_clipping=value"),
        ({"accumulate_grad_batches": 2}, r"model\.micro_batches=2"),
        ({"log_every_n_steps": -1}, "from 0 up"),
    ],
)
def test_a_model_refuses_them_of_a_trainer_of_ones_own(gan, trainer, batches, wrong, instead):
    with pytest.raises(InputError, match=instead):
        trainer(1, **wrong).fit(gan(), batches(8, 2))


def test_without_callbacks_the_progress_is_still_our_own(built):
    bars = [callback for callback in built().callbacks if isinstance(callback, ProgressBar)]
    assert [type(bar) for bar in bars] == [TrainingProgress]


def test_a_dry_run_leaves_nothing_and_writes_nothing(run, tmp_path, monkeypatch, caplog):
    _, folder = run("model=gan", "dataset=ring")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "kept").write_text("from before")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setenv("GANZOO_CACHE", str(cache))
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        words = (
            "trainer.fast_dev_run=true",
            "dataset=digits",
            "metrics=prdc",
            "metrics.features=random",
        )
        objective, _ = run(*words, "objective=metrics/precision@16", name="dry")
    assert "to step 1 on cpu, a dry run that keeps nothing" in caplog.text
    assert objective is not None  # measured all the same
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert not (tmp_path / "runs" / "dry").exists()
    assert (tmp_path / "runs" / "latest").resolve() == folder


def test_a_dry_run_goes_on_from_nothing(run):
    with pytest.raises(InputError, match="from its beginning"):
        run("dataset=ring", "trainer.fast_dev_run=true", "checkpoint=last")


def test_a_dry_run_of_ones_own_trainer_saves_nothing(gan, trainer, batches, tmp_path):
    from ganzoo.callbacks.checkpoints import Checkpoints
    from ganzoo.callbacks.samples import SampleGrid
    from ganzoo.saving import StopOnSaveError

    stop = StopOnSaveError()
    keep = Checkpoints(folder=tmp_path, every_n_steps=1, keep_every_n_steps=1, objective="x",
                       direction="minimize", on_save_error=stop)  # fmt: skip
    grid = SampleGrid(folder=tmp_path, every_n_steps=1, rows=2, columns=2, points=9, seed=1,
                      on_save_error=stop)  # fmt: skip
    dry = trainer(5, fast_dev_run=2, enable_checkpointing=True, callbacks=[keep, grid])
    dry.fit(gan(), batches(8, 2))
    assert dry.global_step == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["simple", "pytorch"])
def test_a_profiler_prints_its_report_and_leaves_it(run, capsys, kind):
    _, folder = run(
        "model=gan", "dataset=ring", "callbacks=none", f"trainer.profiler={kind}",
        "trainer.max_steps=6",
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "FIT Profiler Report" in printed
    assert "run_training_batch" in printed
    report = folder / f"fit-profile-{kind}.txt"
    assert "run_training_batch" in report.read_text()
    assert f"profile  {report}" in printed


def test_barebones_trains_and_keeps_only_its_config(run, caplog):
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        _, folder = run("model=gan", "dataset=ring", "trainer.barebones=true")
    assert "without callbacks, loggers, checkpoints and progress" in caplog.text
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "summary.json"}


def test_loggers_hear_of_no_run_that_cannot_be(run, monkeypatch):
    from ganzoo.loggers.metrics_file import MetricsFile

    monkeypatch.setattr(MetricsFile, "log_hyperparams", lambda *_: pytest.fail("it has begun"))
    with pytest.raises(InputError, match=r"trainer\.limit_train_batches=2\.5"):
        run("model=gan", "dataset=ring", "trainer.limit_train_batches=2.5")


def test_hyperparameters_are_logged_unless_that_is_switched_off(built, monkeypatch):
    from ganzoo.loggers.metrics_file import MetricsFile

    seen = []
    monkeypatch.setattr(MetricsFile, "log_hyperparams", lambda self, given: seen.append(given))
    file = "{_target_: ganzoo.loggers.metrics_file.MetricsFile, folder: x, on_save_error: null}"
    built(f"logger.csv={file}", "trainer.enable_autolog_hparams=false")
    assert seen == []
    built(f"logger.csv={file}")
    assert seen[0]["trainer"]["max_steps"] == 4


@pytest.mark.filterwarnings("ignore:Error detected in")
def test_anomalies_are_detected_where_they_arise(gan, trainer, batches):
    class Wrong(torch.nn.Linear):
        def forward(self, data):
            score = super().forward(data).squeeze(1)
            return score + (0 * score).sqrt()  # its gradient is 0 * inf

    run = trainer(1, detect_anomaly=True)
    with pytest.raises(RuntimeError, match="Backward0.* returned nan"):
        run.fit(gan(discriminator=Wrong(2, 1)), batches(8, 2))


def test_training_ends_when_its_time_is_over(gan, trainer, batches):
    run = trainer(10**6, max_time=timedelta(seconds=0.3))
    run.fit(gan(), batches(8, 2))
    assert 0 < run.global_step < 10**6


def test_what_is_noise_is_named_and_all_else_is_said():
    def says(text):
        return is_news(logging.LogRecord("lightning", logging.INFO, "", 0, text, None, None))

    assert not says("GPU available: False, used: False")
    assert not says("`Trainer.fit` stopped: `max_steps=4` reached.")
    assert says("`Trainer.fit` stopped: No training batches.")
    assert says("Time limit reached. Elapsed time is 0:00:05. Signaling Trainer to stop.")


def test_warnings_of_lightning_are_shown_but_for_those_that_are_named():
    shown = "`ModelCheckpoint(monitor='generator/lozz')` could not find the monitored key"
    hidden = "GPU available but not used. You can set it by doing `Trainer(accelerator='gpu')`."
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        quieten()
        for message in (shown, hidden):
            rank_zero_warn(message)
    assert [str(warning.message) for warning in caught] == [shown]


def test_early_stopping_on_what_is_not_there_is_one_line(run):
    stopping = "+callbacks.own._target_=lightning.pytorch.callbacks.EarlyStopping"
    with pytest.raises(InputError, match="metric `metrics/lost` which is not available") as error:
        run("model=gan", "dataset=ring", "callbacks=none", stopping,
            "+callbacks.own.monitor=metrics/lost")  # fmt: skip
    assert "\n" not in str(error.value)


def test_speed_and_memory_are_logged_beside_what_is_reproducible(run):
    _, folder = run("model=gan", "dataset=ring", "callbacks=[throughput]")
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[SAMPLES]]
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert all(float(row[SAMPLES]) > 0 and 0.05 < float(row[MEMORY]) < 50 for row in rows)


def test_no_switch_of_one_run_is_left_to_the_next(run):
    before = torch.get_float32_matmul_precision()
    run("model=gan", "dataset=ring", "callbacks=none", "trainer.deterministic=warn",
        "trainer.benchmark=true", "float32_matmul_precision=medium")  # fmt: skip
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert torch.get_float32_matmul_precision() == before
