"""Consensus optimisation: each player also minimises the length of the game's gradient."""

from collections.abc import Sequence

import torch

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.optim.base import SteppingPlayer, UpdateRule
from ganzoo.optim.derivatives import by_player, gradients, inner_product, mean_vectors, weighted_sum


@defaults_from("optimizer/update_rule/consensus")
class ConsensusOptimization(UpdateRule):
    """Every player minimises its objective plus ``weight / 2 |v|^2``, all at once.

    Mescheder et al. (2017), "The Numerics of GANs", algorithm 2 (arXiv 1705.10461). The vector v
    holds every player's gradient of its own objective by its own parameters. The term pulls
    towards points where no player has a gradient, so that what circles converges; with a large
    weight it also makes such points attractive that are no equilibrium.

    With several processes v is their mean. A player that steps alone on a minibatch has only its
    own gradient in v. The rule differentiates twice, in float32 or better, and costs about three
    times a plain update. Departure: any number of players.

    Args:
        weight: The weight of the term, at least 0; 0 gives simultaneous updates.

    Raises:
        InputError: if the weight is negative or not finite.
    """

    differentiates_twice = True

    def __init__(self, *, weight: float = FROM_CONFIG) -> None:
        check_not_negative(weight=weight)
        self.weight = weight

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Compute all gradients, then those of half their squared length, then let all step."""
        everything = [parameter for player in players for parameter in player.parameters]
        own = [
            gradients(player.loss(), player.parameters, differentiable=True) for player in players
        ]
        # The slope of half of |v|^2 is v times v's slope; this v is the mean of all, a constant.
        along = [inner_product(*pair) for pair in zip(own, mean_vectors(own), strict=True)]
        slopes = by_player(gradients(torch.stack(along).sum(), everything), players)
        for player, gradient, slope in zip(players, own, slopes, strict=True):
            player.set_gradients(weighted_sum(gradient, self.weight, slope))
            player.step()
