"""What a model does in Lightning beside training: forward, predict, validate, test, load."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor
from typing_extensions import Self

import ganzoo
from ganzoo.errors import InputError
from ganzoo.models.sampling import Sampler


class Inference(Sampler, LightningModule):
    """The part of a model by which Lightning samples, measures and loads it.

    ``Trainer.predict`` gives the samples of a loader's latents ``[B, Z]``, or of pairs of latents
    and classes ``[B]``; where a batch is real data, as a data module's is, as many samples as it
    has, of its classes. ``Trainer.validate`` and ``Trainer.test`` measure what an ``Evaluation``
    callback is set to, against a data module's real samples or those of a loader.
    """

    def forward(self, latents: Tensor, labels: Tensor | Sequence[int] | int | None = None) -> Tensor:
        """Samples of given latents, which gradients flow through.

        In evaluation mode they are those of the average of the weights, where there is one.

        Args:
            latents: ``[B, Z]``.
            labels: Classes ``[B]``, or one for all (conditional models).

        Returns:
            Samples ``[B, C, H, W]`` or ``[B, D]``.

        Raises:
            InputError: if the latents have another shape, or the labels do not fit.
        """
        if latents.ndim != 2 or latents.shape[1] != self.latent_prior.latent_dim:
            raise InputError(
                f"latents must have shape [B, {self.latent_prior.latent_dim}], "
                f"not {list(latents.shape)}"
            )
        wanted = None if labels is None else torch.as_tensor(labels).reshape(-1)
        chosen = self.choose_labels(wanted, len(latents), torch.default_generator)
        if chosen is not None and labels is None:
            raise InputError("this model has classes: give latents and labels, model(z, labels)")
        classes = None if chosen is None else chosen.to(latents.device)
        return self.generate(
            self.sampling_network(averaged=not self.training), latents, classes
        )

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Samples, float32, of a batch's latents and classes, or as many as it has data."""
        parts = [*batch, None] if isinstance(batch, Sequence) else [batch, None]
        latents, labels = parts[0], parts[1]
        if latents.ndim != 2 or hasattr(_datamodule(self), "real"):
            latents = self.latents(len(latents))
        if getattr(self, "num_classes", None) is None:
            labels = None
        elif labels is None:
            labels = self.choose_labels(None, len(latents), torch.default_generator)
        return self(latents, labels).float()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Callbacks measure."""

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Callbacks measure."""

    def on_validation_epoch_end(self) -> None:
        """Refuse to validate where nothing was measured."""
        self._check_measured()

    def on_test_epoch_end(self) -> None:
        """Refuse to test where nothing was measured."""
        self._check_measured()

    def configure_callbacks(self) -> list[Any]:
        """Lend a data module that has none the loaders that measuring needs; add no callback."""
        datamodule, trainer = _datamodule(self), self.trainer
        loops = {
            "val_dataloader": (trainer.validate_loop, trainer.fit_loop.epoch_loop.val_loop),
            "test_dataloader": (trainer.test_loop,),
            "predict_dataloader": (trainer.predict_loop,),
        }
        for name, users in loops.items():
            if datamodule is not None and not is_overridden(name, datamodule):
                for loop in users:
                    loop._data_source.instance = self
        return []

    def val_dataloader(self) -> Any:
        """One real sample of a data module to begin with; none while training, which measures."""
        fitting = self.trainer.state.fn == TrainerFn.FITTING
        return [] if fitting else [self._real(1)]

    def test_dataloader(self) -> Any:
        """One real sample of a data module to begin with."""
        return [self._real(1)]

    def predict_dataloader(self) -> Any:
        """Real samples of a data module, as many as it has in a batch."""
        return [self._real(getattr(_datamodule(self), "batch_size", 64))]

    def _real(self, count: int) -> list[Tensor]:
        datamodule = _datamodule(self)
        if not hasattr(datamodule, "real"):
            raise InputError(
                "give the Trainer data: Trainer.validate(model, loader) of real samples, "
                "Trainer.predict(model, loader) of latents, or datamodule=, one of ganzoo's"
            )
        data, labels = datamodule.real(count, 0)
        return [data] if labels is None else [data, labels]

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
        return model if map_location is None else model.to(map_location)


def _datamodule(model: LightningModule) -> Any:
    return getattr(model.trainer, "datamodule", None)
