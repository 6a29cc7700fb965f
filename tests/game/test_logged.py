"""Who sees a loss when: callbacks after every iteration, loggers every so many."""

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.callbacks.checkpoints import Checkpoints
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError
from ganzoo.optim import linear_decay
from ganzoo.saving import StopOnSaveError


def ten_batches():
    data = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(data), batch_size=8)


class Losses(Callback):
    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, model, *_):
        assert trainer.callback_metrics["generator/loss"] is model.latest_terms["generator/loss"]
        self.seen.append(float(trainer.callback_metrics["generator/loss"]))


def test_callbacks_see_losses_after_every_iteration_of_a_short_epoch(gan, trainer, tmp_path):
    losses = Losses()
    keeper = ModelCheckpoint(dirpath=tmp_path, monitor="generator/loss", every_n_train_steps=1)
    stopper = EarlyStopping(monitor="generator/loss", mode="max", patience=1, min_delta=9.0)
    run = trainer(
        -1,
        max_epochs=5,
        callbacks=[losses, keeper, stopper],
        enable_checkpointing=True,
        log_every_n_steps=50,
    )
    run.fit(gan(), ten_batches())
    assert len(losses.seen) == 20  # after the second epoch there was nothing to wait for
    assert float(keeper.best_model_score) == pytest.approx(min(losses.seen))
    assert run.logged_metrics == {}


def test_zero_logs_never(gan, trainer, tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    run = trainer(3, log_every_n_steps=0, logger=logger)
    run.fit(gan(), ten_batches())
    assert not (tmp_path / "metrics.csv").exists()
    assert {"generator/loss", "discriminator/gradient_norm"} <= run.callback_metrics.keys()
    run = trainer(3, log_every_n_steps=2, logger=logger)
    run.fit(gan(), ten_batches())
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 2
    assert "generator/loss" in run.logged_metrics


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_checkpoint_by_a_term_is_chosen_where_terms_are_logged(
    gan, trainer, tmp_path, direction
):
    keeper = Checkpoints(
        folder=tmp_path,
        every_n_steps=100,
        keep_every_n_steps=None,
        objective="generator/loss",
        direction=direction,
        on_save_error=StopOnSaveError(),
    )
    io = [AtomicCheckpointIO()]
    run = trainer(7, log_every_n_steps=5, callbacks=[keeper], plugins=io, enable_checkpointing=True)
    run.fit(gan(), ten_batches())
    assert torch.load(keeper.best_model_path, weights_only=True)["global_step"] == 5


@pytest.mark.parametrize("kind", [ModelCheckpoint, EarlyStopping])
def test_a_misspelt_term_is_refused_with_what_is_near(gan, trainer, kind):
    run = trainer(5, callbacks=[kind(monitor="generator/lozz")], enable_checkpointing=True)
    with pytest.raises(InputError, match=r"monitors 'generator/lozz'.*mean 'generator/loss'"):
        run.fit(gan(), ten_batches())
    assert run.global_step == 1


def test_a_name_that_may_still_be_logged_is_a_warning(gan, trainer, caplog):
    class Later(Evaluation):
        def __init__(self):
            pass

        on_train_start = on_train_batch_end = on_train_end = lambda *_: None
        state_dict = lambda _: {}  # noqa: E731

        def directions(self):
            return {"metrics/fid@10": "minimize"}

    stoppers = [
        EarlyStopping(monitor=name, strict=False) for name in ("metrics/fid@10", "metrics/fid@1")
    ]
    trainer(2, callbacks=[Later(), *stoppers]).fit(gan(), ten_batches())
    assert len(caplog.messages) == 1
    assert (
        "monitors 'metrics/fid@1', which is not logged: did you mean 'metrics/fid@10'"
        in (caplog.messages[0])
    )


@pytest.mark.parametrize(
    ("schedule", "names"),
    [
        (lambda optimizer: linear_decay(optimizer, end=4, final_factor=0.0),
         ["lr-discriminator", "lr-generator"]),
        (None, ["lr-Adam/discriminator", "lr-Adam-1/generator"]),
    ],
)  # fmt: skip
def test_learning_rates_carry_their_players_names(gan, trainer, tmp_path, schedule, names):
    monitor = LearningRateMonitor()
    run = trainer(4, callbacks=[monitor], logger=CSVLogger(tmp_path, name="", version=""))
    run.fit(gan(schedule=schedule), ten_batches())
    assert list(monitor.lrs) == names
    expected = [1e-3, 0.75e-3, 0.5e-3, 0.25e-3] if schedule else [1e-3] * 4
    for name in names:
        assert monitor.lrs[name][:4] == pytest.approx(expected)
