"""Extragradient: look one step ahead, then step along the gradient found there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.optim.base import SteppingPlayer, UpdateRule


class Extragradient(UpdateRule):
    """Players step at once, look at their gradients there, go back and step along those.

    Korpelevich (1976); for the training of GANs Gidel et al. (2019, arXiv 1802.10551), algorithm
    2, and with optimizers of Adam's kind their algorithm 4 (ExtraAdam): an optimizer makes both
    steps and learns its moments from both gradients. On a bilinear game gradient descent by this
    rule converges where simultaneous steps diverge and alternating ones go in circles.

    An iteration costs two gradients for each player, and one copy of the parameters. Only the
    second step counts as an update. Departures: both gradients are taken on the same real data
    (the algorithms draw new ones), with latents of their own, and iterates are not averaged:
    that is what ``optimizer.ema=uniform`` does. Constraints on weights hold at the point ahead too.
    """

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Extrapolate all players, compute gradients there, restore, step."""
        start = copied_parameters(players)
        for player in players:
            player.compute_gradients()
        for player in players:
            player.extrapolate()
        for player in players:
            player.compute_gradients()
        restore_parameters(players, start)
        for player in players:
            player.step()


def copied_parameters(players: Sequence[SteppingPlayer]) -> list[list[Tensor]]:
    """Copies of the players' parameters."""
    return [[p.detach().clone() for p in player.parameters] for player in players]


@torch.no_grad()
def restore_parameters(players: Sequence[SteppingPlayer], copies: Sequence[list[Tensor]]) -> None:
    """Give the players' parameters the values of copies."""
    for player, copy in zip(players, copies, strict=True):
        torch._foreach_copy_([*player.parameters], copy)
