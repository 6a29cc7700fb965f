"""The constraint of the first Wasserstein GAN."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.penalties.constraint import Constraint


@defaults_from("penalty/weight_clipping")
class WeightClipping(Constraint):
    """Clip every weight of a player to [-c, c] after each of its steps; no term of its loss.

    Arjovsky et al. (2017, arXiv:1701.07875), algorithm 1: the critic's weights stay in a compact
    set, so that it is Lipschitz, with a constant that depends on c and on the network alone. The
    scales and shifts of normalisation layers are clipped as any other weight, as in the authors'
    code; running statistics are not weights.

    Args:
        clip_value: c, positive.
        on: Name of the player whose weights are clipped.

    Raises:
        InputError: if ``clip_value`` is not positive.
    """

    def __init__(self, *, clip_value: float = FROM_CONFIG, on: str = FROM_CONFIG) -> None:
        super().__init__(on=on)
        check_positive(clip_value=clip_value)
        self.clip_value = clip_value

    @torch.no_grad()
    def project(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the parameters in place."""
        weights: list[Tensor] = list(parameters)
        torch._foreach_clamp_min_(weights, -self.clip_value)
        torch._foreach_clamp_max_(weights, self.clip_value)
