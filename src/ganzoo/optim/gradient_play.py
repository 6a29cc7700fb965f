"""Gradient play: everybody follows the gradient of its own objective."""

from collections.abc import Sequence

from ganzoo.optim.base import Player, UpdateRule


class Alternating(UpdateRule):
    """Players move one after another, and each one sees the moves of those before it.

    Goodfellow et al. (2014), algorithm 1 (arXiv 1406.2661).
    """

    def step(self, players: Sequence[Player]) -> None:
        """Differentiate and step, player by player."""
        for player in players:
            player.compute_gradients()
            player.step()


class Simultaneous(UpdateRule):
    """Players move at once, each from where the others were before the round.

    Mescheder et al. (2017), algorithm 1 (arXiv 1705.10461). On a bilinear game with gradient
    descent it diverges at every learning rate, where alternating updates cycle.
    """

    def step(self, players: Sequence[Player]) -> None:
        """Differentiate everybody, then step everybody."""
        for player in players:
            player.compute_gradients()
        for player in players:
            player.step()
