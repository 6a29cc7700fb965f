"""The weight clipping of WGAN, for any game."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.penalties.base import Regularizer
from ganzoo.penalties.scene import Scene


@defaults_from("penalty/weight_clipping")
class WeightClipping(Regularizer):
    """Clip every weight of a player to [-c, c] after each of its updates; no term of its loss.

    Arjovsky et al. (2017, arXiv:1701.07875), algorithm 1: the critic's weights stay in a compact
    set, so that it is Lipschitz, with a constant that depends on c and on the network alone. The
    scales and shifts of normalisation layers are clipped as any other weight, as in the authors'
    code; running statistics are not weights.

    Args:
        clip_value: c, positive.
        player: whose weights, "discriminator" or "generator".

    Raises:
        InputError: if ``clip_value`` is not positive.
    """

    def __init__(self, *, clip_value: float = FROM_CONFIG, player: str = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(clip_value=clip_value)
        self.clip_value = clip_value
        self.player = player

    def due(self, update: int) -> bool:
        """Never: it has no term."""
        return False

    def term(self, scene: Scene) -> Tensor:
        """Zero, of the game's data type."""
        return scene.real.new_zeros(())

    @torch.no_grad()
    def project(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the parameters in place."""
        weights: list[Tensor] = list(parameters)
        torch._foreach_clamp_min_(weights, -self.clip_value)
        torch._foreach_clamp_max_(weights, self.clip_value)
