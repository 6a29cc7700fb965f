"""The objective of LSGAN."""

import math

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.losses.base import PointwiseLoss


@defaults_from("loss/least_squares")
class LeastSquares(PointwiseLoss):
    """Pull raw outputs to targets: Mao et al. (2017, arXiv:1611.04076), equation 2.

    The discriminator pays ``E (D(x) - b)^2 / 2 + E (D(G(z)) - a)^2 / 2`` and the generator
    ``E (D(G(z)) - c)^2 / 2``. The outputs are not squashed by a sigmoid.

    Args:
        fake_target: ``a``, the output wanted for generated data.
        real_target: ``b``, the output wanted for real data.
        generator_target: ``c``, the output that the generator wants for its samples. With
            ``b - c = 1`` and ``b - a = 2`` the game minimises a Pearson chi-squared divergence
            (the paper's theorem); ``c = b`` is its other choice.

    Raises:
        InputError: if a target is not finite, or if real_target equals fake_target.
    """

    def __init__(
        self,
        *,
        fake_target: float = FROM_CONFIG,
        real_target: float = FROM_CONFIG,
        generator_target: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        if not all(map(math.isfinite, (fake_target, real_target, generator_target))):
            raise InputError(
                "fake_target, real_target and generator_target must be finite numbers, not "
                f"{fake_target}, {real_target} and {generator_target}"
            )
        if real_target == fake_target:
            raise InputError(
                f"real_target must differ from fake_target, but both are {real_target}"
            )
        self.fake_target = fake_target
        self.real_target = real_target
        self.generator_target = generator_target

    def real_cost(self, logits: Tensor) -> Tensor:
        """Half the squared distance to real_target."""
        return (logits - self.real_target).square() / 2

    def fake_cost(self, logits: Tensor) -> Tensor:
        """Half the squared distance to fake_target."""
        return (logits - self.fake_target).square() / 2

    def generator_cost(self, logits: Tensor) -> Tensor:
        """Half the squared distance to generator_target."""
        return (logits - self.generator_target).square() / 2
