"""Arguments of Lightning's Trainer that a game does itself, one player at a time."""

from typing import Any

from lightning.pytorch import Trainer

from ganzoo.errors import InputError, check_whole

_CLIPPING = (
    "a game clips the gradients of one player at a time: write optimizer.gradient_clipping={}, in "
    "Python the model's gradient_clipping"
)
_ACCUMULATION = (
    "a game accumulates the gradients of one player at a time: write model.micro_batches={}, in "
    "Python the model's micro_batches"
)


def check_arguments(
    *,
    gradient_clip_val: float | None,
    gradient_clip_algorithm: Any,
    accumulate_grad_batches: int,
    log_every_n_steps: int,
) -> None:
    """Refuse what Lightning would do to all players at once.

    Args:
        gradient_clip_val: Of the Trainer; None and zero do not clip.
        gradient_clip_algorithm: Of the Trainer, or None.
        accumulate_grad_batches: Of the Trainer; 1 does not accumulate.
        log_every_n_steps: Of the Trainer; zero logs nothing.

    Raises:
        InputError: saying what to write instead.
    """
    asked = getattr(gradient_clip_algorithm, "value", gradient_clip_algorithm)
    way = asked if asked in ("norm", "value") else "norm"
    if gradient_clip_val:
        setting = f"{way} optimizer.gradient_clipping.max_{way}={gradient_clip_val}"
        raise InputError(f"gradient_clip_val={gradient_clip_val}: {_CLIPPING.format(setting)}")
    if asked is not None:
        raise InputError(f"gradient_clip_algorithm={asked}: {_CLIPPING.format(way)}")
    if accumulate_grad_batches != 1:
        instead = _ACCUMULATION.format(max(accumulate_grad_batches, 1))
        raise InputError(f"accumulate_grad_batches={accumulate_grad_batches}: {instead}")
    check_whole(0, log_every_n_steps=log_every_n_steps)


def check_trainer(trainer: Trainer) -> None:
    """The same for a Trainer that is there, before it starts its work.

    Raises:
        InputError: saying what to write instead.
    """
    check_arguments(
        gradient_clip_val=trainer.gradient_clip_val,
        gradient_clip_algorithm=trainer.gradient_clip_algorithm,
        accumulate_grad_batches=trainer.accumulate_grad_batches,
        log_every_n_steps=trainer.log_every_n_steps,  # type: ignore[attr-defined]
    )
