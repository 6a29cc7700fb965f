"""Extragradient: look one step ahead, then step along the gradient found there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.optim.base import Mover, UpdateRule


class Extragradient(UpdateRule):
    """Players step at once, look at their gradients there, go back and step along those.

    Korpelevich (1976); for the training of GANs Gidel et al. (2019, arXiv 1802.10551), algorithm
    2, and with optimizers of Adam's kind their algorithm 4 (ExtraAdam): an optimizer makes both
    steps and learns its moments from both gradients. On a bilinear game gradient descent by this
    rule converges where that at once diverges and that in turns goes in circles.

    An iteration costs two gradients for each player, and one copy of the parameters. Only the
    second step counts as an update. Departures: both gradients are taken on the same real data
    (the algorithms draw new ones), with latents of their own, and iterates are not averaged:
    that is what ``ema=uniform`` does. Constraints on weights also hold at the point ahead.
    """

    def play(self, movers: Sequence[Mover]) -> None:
        """Extrapolate everybody, differentiate there, go back, step."""
        start = positions(movers)
        for mover in movers:
            mover.differentiate()
        for mover in movers:
            mover.extrapolate()
        for mover in movers:
            mover.differentiate()
        go_back(movers, start)
        for mover in movers:
            mover.step()


def positions(movers: Sequence[Mover]) -> list[list[Tensor]]:
    """Copies of the players' parameters."""
    return [[p.detach().clone() for p in mover.parameters] for mover in movers]


@torch.no_grad()
def go_back(movers: Sequence[Mover], positions: Sequence[list[Tensor]]) -> None:
    """Put the players where they were."""
    for mover, position in zip(movers, positions, strict=True):
        torch._foreach_copy_([*mover.parameters], position)
