"""Penalties in the game: which terms belong to a player's update, and what they look at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from ganzoo.errors import InputError, nearest
from ganzoo.models.player import Player, Share, Terms
from ganzoo.models.presentation import Presentation
from ganzoo.penalties.base import Regularizer
from ganzoo.penalties.scene import Scene


class Game(Protocol):
    """The part of a model that penalties look at."""

    presentation: Presentation

    def players(self) -> Sequence[Player]:
        """All players."""

    def discriminate(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``[B]`` of data."""

    def imagine(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """What the generator makes of latents for the discriminator to see."""

    def latents(self, count: int) -> Tensor:
        """Fresh latents ``[count, Z]``."""


def terms_due(
    penalties: Mapping[str, Regularizer], player: str, update: int, scene: Scene
) -> Terms:
    """The terms of those of the named penalties that are this player's and due at its update."""
    return {
        name: penalty.term(scene)
        for name, penalty in penalties.items()
        if penalty.player == player and penalty.due(update)
    }


def scene_of(game: Game, share: Share, fake: Tensor) -> Scene:
    """What the penalties of one update may look at; functions get the labels of the real data."""

    def shown(latents: Tensor, labels: Tensor | None) -> Tensor:
        data: Tensor = game.presentation(game.imagine(latents, labels))
        return data

    return Scene(
        networks={player.name: player.network for player in game.players()},
        discriminator=_labelled(game.discriminate, share.labels),
        generator=_labelled(shown, share.labels),
        latents=lambda count: game.latents(count * game.presentation.packing),
        real=share.data,
        fake=fake,
    )


def project(penalties: Iterable[Any], player: Player) -> None:
    """Let a player's constraints move its parameters to where they may be."""
    for penalty in penalties:
        if penalty.player == player.name:
            penalty.project(player.parameters())


def check_players(penalties: Iterable[tuple[str, Any]], players: Sequence[Player]) -> None:
    """Refuse penalties of players that are not in the game.

    Raises:
        InputError: naming the first of them.
    """
    known = [player.name for player in players]
    for name, penalty in penalties:
        if penalty.player not in known:
            raise InputError(
                f"penalty {name}: no player is named {penalty.player!r}: "
                f"{nearest(penalty.player, known)}"
            )


def _labelled(
    function: Callable[[Tensor, Tensor | None], Tensor], labels: Tensor | None
) -> Callable[[Tensor], Tensor]:
    """The function of data (or latents) alone, with the labels of the first of the real data."""

    def of_data(data: Tensor) -> Tensor:
        return function(data, None if labels is None else labels[: len(data)])

    return of_data
