"""Which players are shown generated data as real."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.player import Player


def assign_shown_as_real(modules: Iterable[nn.Module], players: Sequence[Player]) -> None:
    """Give the parts of a model that show generated data as real to its discriminators.

    Args:
        modules: All modules of the model; such parts have ``shown_as_real(real, fake)``.
        players: All players.

    Raises:
        InputError: if there are such parts, and no discriminator that could be shown anything.
    """
    parts: list[Any] = [part for part in modules if hasattr(part, "shown_as_real")]
    judges = [p for p in players if p.role == "discriminator" and p.context is not None]
    if parts and not judges:
        raise InputError("no discriminator plays here that could be shown generated data as real")
    for player in judges:
        player.shown_as_real = [part.shown_as_real for part in parts]
