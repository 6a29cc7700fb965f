"""Zero-centred gradient penalties, on real data (R1) or on generated data (R2)."""

from typing import ClassVar

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context


@defaults_from("penalty/r1")
class R1(Penalty):
    """Flatten the discriminator on real data: ``E ||grad D(x)||^2 / 2``.

    Mescheder et al. (2018, arXiv:1801.04406), equation 9, where the weight is called gamma. The
    factor 1/2 is the paper's; the authors' code leaves it out, so that its weights count twice.
    """

    differentiates: ClassVar[tuple[str, ...]] = ("real",)

    def value(self, context: Context) -> Tensor:
        """Average half the squared gradient norm over the real batch."""
        return half_mean_square(context.input_gradients("real"))


@defaults_from("penalty/r2")
class R2(Penalty):
    """Flatten the discriminator on generated data: ``E ||grad D(G(z))||^2 / 2``.

    Mescheder et al. (2018, arXiv:1801.04406), equation 10, with the factor 1/2 as in :class:`R1`.
    """

    differentiates: ClassVar[tuple[str, ...]] = ("fake",)

    def value(self, context: Context) -> Tensor:
        """Average half the squared gradient norm over the generated batch."""
        return half_mean_square(context.input_gradients("fake"))


def half_mean_square(gradients: Tensor) -> Tensor:
    """Halve the batch's mean squared norm of gradients ``[B, N]``: a scalar."""
    return gradients.square().sum(dim=1).mean() / 2
