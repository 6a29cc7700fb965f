"""R1 and R2 by differences of the discriminator's outputs, without a second derivative."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.logits import mean_logits
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context


@defaults_from("penalty/approximate_r1")
class ApproximateR1(Penalty):
    """R1 without double backward: ``E (D(x + s e) - D(x))^2 / (2 s^2)`` with ``e`` from N(0, I).

    Lin et al. (2025, arXiv:2501.08316), Diffusion Adversarial Post-Training, whose approximated R1
    is the same without the divisor, with a weight of 100 and s of 0.01 for images. Divided by
    ``2 s^2``, its expectation tends to that of R1 as s becomes small, since the variance of
    ``grad D(x) . e`` is ``||grad D(x)||^2``, so that R1's weights can be kept; theirs is then
    2 * 100 * 0.01^2 = 0.02. It costs a second forward in place of a second derivative, runs
    through layers that have none, and sees one direction a sample: its value has the relative
    variance of a chi-square of one degree, 2 for each sample.

    Args:
        deviation: s, in the data's units (images span [-1, 1]), positive. Much below 0.001 the
            difference is lost in the rounding of float32.
        term: see :class:`~ganzoo.penalties.base.Penalty`; ``weight`` is gamma as in R1.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    compares: ClassVar[tuple[str, ...]] = ("real",)

    def __init__(self, *, deviation: float = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        check_positive(deviation=deviation)
        self.deviation = deviation

    def value(self, context: Context) -> Tensor:
        """Average over the real batch."""
        return self.sensitivity(context, context.points("real"), context.real_logits)

    def sensitivity(self, context: Context, data: Tensor, logits: Tensor) -> Tensor:
        """Average the squared slopes in random directions at data ``[B, ...]``, and halve them."""
        near = data + self.deviation * torch.randn_like(data)
        slopes = mean_logits(context.score(near) - logits) / self.deviation
        return slopes.square().mean() / 2


@defaults_from("penalty/approximate_r2")
class ApproximateR2(ApproximateR1):
    """The same on generated data, as R2 is to R1.

    Lin et al. (2025, arXiv:2506.09350) use it beside the approximated R1.
    """

    compares: ClassVar[tuple[str, ...]] = ("fake",)

    def value(self, context: Context) -> Tensor:
        """Average over the generated batch."""
        return self.sensitivity(context, context.points("fake"), context.fake_logits)
