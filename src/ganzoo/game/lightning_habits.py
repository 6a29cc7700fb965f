"""What a model does in Lightning beside training: validate, test, load."""

import warnings
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from torch.utils.data import DataLoader
from typing_extensions import Self

import ganzoo
from ganzoo.errors import InputError

_PREDICTED = 64
"""Samples that ``Trainer.predict`` gives of a data module, which has no latents."""


class LightningHabits(LightningModule):
    """The part of a model by which Lightning measures and loads it.

    ``Trainer.validate`` and ``Trainer.test`` measure what an ``Evaluation`` callback is set to,
    against a data module's real samples or those of a loader.
    """

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Callbacks measure."""

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Callbacks measure."""

    def on_validation_epoch_end(self) -> None:
        """Refuse to validate where nothing was measured."""
        self._check_measured()

    def on_test_epoch_end(self) -> None:
        """Refuse to test where nothing was measured."""
        self._check_measured()

    def configure_callbacks(self) -> list[Any]:
        """Add no callback, and keep Lightning from missing a validation set in training."""
        message = "You defined a `validation_step` but have no `val_dataloader`"
        warnings.filterwarnings("ignore", message)  # the step is there for Trainer.validate
        return []

    def setup(self, stage: str) -> None:
        """Where there is no loader to validate, test or predict, take a data module's samples."""
        loops: dict[TrainerFn, tuple[Any, int]] = {
            TrainerFn.VALIDATING: (self.trainer.validate_loop, 1),
            TrainerFn.TESTING: (self.trainer.test_loop, 1),
            TrainerFn.PREDICTING: (self.trainer.predict_loop, _PREDICTED),
        }
        loop, count = loops.get(TrainerFn(stage), (None, 0))
        if loop is not None and not loop._data_source.is_defined():
            loop._data_source.instance = self._real(count)

    def _real(self, count: int) -> DataLoader[Any]:
        datamodule: Any = getattr(self.trainer, "datamodule", None)
        if not hasattr(datamodule, "real"):
            raise InputError(
                "give the Trainer data: Trainer.validate(model, loader) of real samples, "
                "Trainer.predict(model, loader) of latents, or datamodule=, one of ganzoo's"
            )
        data, labels = datamodule.real(count, 0)
        batch = [data] if labels is None else [data, labels]
        return DataLoader([batch], batch_size=None)  # type: ignore[arg-type]

    def _check_measured(self) -> None:
        if self.trainer.state.fn != TrainerFn.FITTING and not self.trainer.callback_metrics:
            raise InputError(
                "nothing is measured: choose metrics, as metrics=fid, or give the Trainer "
                "callbacks=[ganzoo.callbacks.evaluation.Evaluation(...)]"
            )

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls,
        checkpoint_path: str | Path,
        map_location: Any = None,
        hparams_file: Any = None,
        strict: bool | None = None,
        weights_only: bool | None = None,
        **objects: Any,
    ) -> Self:
        """Do what :func:`ganzoo.load` does, and check the class.

        Args:
            checkpoint_path: A checkpoint that a run wrote.
            map_location: The device of the model, the CPU where it is None.
            hparams_file: Refused: the checkpoint says how its model was made.
            strict: Refused where it is False: all weights must be there.
            weights_only: Without effect: only tensors and plain values are ever loaded.
            objects: Arguments of :func:`ganzoo.load`.

        Raises:
            InputError: if the checkpoint is of another class, or as ``ganzoo.load`` says.
        """
        if hparams_file is not None or strict is False:
            raise InputError("load_from_checkpoint takes neither hparams_file nor strict=False")
        model: Any = ganzoo.load(checkpoint_path, **objects)
        if not isinstance(model, cls):
            raise InputError(
                f"{checkpoint_path} is of a {type(model).__name__}, not of a {cls.__name__}: "
                f"{type(model).__name__}.load_from_checkpoint or ganzoo.load gives it"
            )
        found: Self = model if map_location is None else model.to(map_location)
        return found
