"""Extragradient: look one step ahead, then step along the gradient found there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.optim.base import Player, UpdateRule


class Extragradient(UpdateRule):
    """Players step at once, look at their gradients there, go back and step along those.

    Korpelevich (1976); for the training of GANs Gidel et al. (2019, arXiv 1802.10551), algorithm
    2, and with optimizers of Adam's kind their algorithm 4 (ExtraAdam): an optimizer makes both
    steps and learns its moments from both gradients. On a bilinear game gradient descent by this
    rule converges where that at once diverges and that in turns goes in circles.

    An iteration costs two gradients for each player, and one copy of the parameters. Only the
    second step counts as an update. Departures: both gradients are taken on the same real data
    (the algorithms draw new ones), with latents of their own, and iterates are not averaged:
    that is what ``optimizer.ema=uniform`` does. Constraints on weights hold at the point ahead too.
    """

    def step(self, players: Sequence[Player]) -> None:
        """Extrapolate everybody, differentiate there, go back, step."""
        start = positions(players)
        for player in players:
            player.compute_gradients()
        for player in players:
            player.extrapolate()
        for player in players:
            player.compute_gradients()
        go_back(players, start)
        for player in players:
            player.step()


def positions(players: Sequence[Player]) -> list[list[Tensor]]:
    """Copies of the players' parameters."""
    return [[p.detach().clone() for p in player.parameters] for player in players]


@torch.no_grad()
def go_back(players: Sequence[Player], positions: Sequence[list[Tensor]]) -> None:
    """Put the players where they were."""
    for player, position in zip(players, positions, strict=True):
        torch._foreach_copy_([*player.parameters], position)
