"""What every penalty offers to the game: whom it acts on, when it applies, and its value."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from ganzoo.annealing import Setting, check_setting, value_before
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.penalties.context import Context
from ganzoo.precision import gradients_without_autocast
from ganzoo.progress import Progress


@defaults_from()
class Penalty(nn.Module, ABC):
    """A term that is added to a player's loss in every ``interval``-th of its steps.

    Lazy regularisation is that of Karras et al. (2020, arXiv:1912.04958), appendix B: a term
    that is computed in one step of ``interval`` is multiplied by ``interval``, which leaves its
    average share of the gradient as it was. Departure: the optimizer's learning rate and decay
    rates are not rescaled.

    Everything is computed in float32 (float64 stays as it is) with autocast off, because squares
    of gradients leave the range of half precision; a pass through the networks that the loss
    takes too is so where gradients are taken by its data, or its logits are compared with others'
    (``differentiates``, ``compares``). The gradients by the data are taken of plain logits, before
    any scaling of the loss.

    A penalty that adapts to the game keeps what it remembers in buffers, and changes them in
    ``after_step(player)``, which the game calls once after each step of each player.

    Args:
        weight: Factor of the term, at least 0, or how it changes
            (:class:`~ganzoo.annealing.CosineAnnealing`).
        interval: The term applies in every interval-th step of its player; 1 is always.
        on: Name of the player whose loss it is part of.

    Attributes:
        role: The role of players that it can act on; "" for any.
        needs: The role of a player that there must be; "" for none.
        differentiates: Which of ``"real"`` and ``"fake"`` it takes gradients by.
        compares: Which of them it compares the logits of with those of other data;
            ``"generated"`` where it compares generated data themselves.

    Raises:
        InputError: if weight is negative or not finite, or interval is not a whole number from 1.
    """

    role: ClassVar[str] = "discriminator"
    needs: ClassVar[str] = ""
    differentiates: ClassVar[tuple[str, ...]] = ()
    compares: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, *, weight: Setting = FROM_CONFIG, interval: int = FROM_CONFIG, on: str = FROM_CONFIG
    ) -> None:
        super().__init__()
        check_setting("weight", weight)
        check_whole(interval=interval)
        self.weight, self.interval, self.on = weight, interval, on
        self.begin_iteration(Progress())

    def begin_iteration(self, progress: Progress) -> None:
        """Take the weight of this iteration."""
        self.present_weight = value_before(self.weight, progress)

    def attach(self, modules: Sequence[nn.Module]) -> None:
        """Make ready for the modules of its player, once, when the model is built."""

    def applies_at(self, step: int) -> bool:
        """Tell whether the term is part of the player's step of this number, from 0."""
        return step % self.interval == 0

    def forward(self, context: Context) -> Tensor:
        """Compute the term as it enters the loss.

        Args:
            context: The data of the step, and the networks as functions.

        Returns:
            A scalar: the value, times the weight, times the interval.
        """
        with gradients_without_autocast(context.device):
            return self.present_weight * self.interval * self.value(context)

    @abstractmethod
    def value(self, context: Context) -> Tensor:
        """Compute the unweighted value, a mean over the batch: a scalar."""
