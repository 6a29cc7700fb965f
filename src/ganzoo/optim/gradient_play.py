"""Gradient play: each player follows the gradient of its own objective."""

from collections.abc import Sequence

from ganzoo.optim.base import SteppingPlayer, UpdateRule


class Alternating(UpdateRule):
    """Players step one after another, and each one sees the steps of those before it.

    Goodfellow et al. (2014), algorithm 1 (arXiv 1406.2661).
    """

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Differentiate and step, player by player."""
        for player in players:
            player.compute_gradients()
            player.step()


class Simultaneous(UpdateRule):
    """Players step at once, each by a gradient at the parameters from before all of the steps.

    Mescheder et al. (2017), algorithm 1 (arXiv 1705.10461). On a bilinear game with gradient
    descent it diverges at every learning rate, where alternating updates cycle.
    """

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Compute the gradients of all players, then let all of them step."""
        for player in players:
            player.compute_gradients()
        for player in players:
            player.step()
