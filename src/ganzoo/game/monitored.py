"""Whether what callbacks of one's own watch is ever logged."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from lightning.pytorch import Trainer

from ganzoo.errors import InputError, nearest

log = logging.getLogger("ganzoo")


def check_monitored(trainer: Trainer, terms: Mapping[str, Any]) -> None:
    """Say which callbacks (ModelCheckpoint, EarlyStopping) watch a name that nothing has.

    Asked once the first iteration has logged. What callbacks measure later is known by their
    ``directions``; anything else may still come, so that it is a warning, which a callback that
    does without (``monitor_is_optional``) is spared.

    Args:
        trainer: Whose callbacks they are.
        terms: The terms of the players by their names.

    Raises:
        InputError: if the name is that of a player and none of its terms.
    """
    known = {*terms, *trainer.callback_metrics, *_announced(trainer)}
    players = {name.split("/")[0] for name in terms}
    for callback, name in _monitors(trainer):
        if name in known:
            continue
        line = f"{type(callback).__name__} monitors {name!r}, which is not logged: "
        line += nearest(name, known)
        if name.split("/")[0] in players:
            raise InputError(line)
        if not getattr(callback, "monitor_is_optional", False):
            log.warning("%s", line)


def _monitors(trainer: Trainer) -> Iterable[tuple[Any, str]]:
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    found = ((callback, getattr(callback, "monitor", None)) for callback in callbacks)
    return [(callback, name) for callback, name in found if isinstance(name, str)]


def _announced(trainer: Trainer) -> set[str]:
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return {
        name
        for callback in callbacks
        if callable(getattr(callback, "directions", None))
        for name in callback.directions()
    }
