"""What happens to an update that would carry a NaN or an infinity into the weights."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import check_whole
from ganzoo.models.player import Player, Terms
from ganzoo.models.record import GRADIENT_NORM, LOSS

log = logging.getLogger("ganzoo")


class NonFiniteError(RuntimeError):
    """A term of a loss or its gradient is not finite, and no checkpoint has what came of it."""


@dataclass(frozen=True)
class _Underway:
    """An update whose check is on its way from an accelerator to the host."""

    player: Player
    terms: Terms
    step: int
    finite: Tensor
    arrival: torch.cuda.Event | None


class FiniteCheck:
    """Leaves out updates that are not finite, a number of times, then stops the run.

    Where none may be left out, the host does not wait for a GPU to tell: it looks an iteration
    later, and before anything is saved.

    Args:
        tolerance: Updates of a whole run, of all players, that may be left out; 0 stops at once.

    Raises:
        InputError: if ``tolerance`` is not a whole number of at least 0.
    """

    def __init__(self, tolerance: int) -> None:
        check_whole(0, non_finite_tolerance=tolerance)
        self.tolerance = tolerance
        self.skipped = 0
        self._underway: deque[_Underway] = deque()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes along: nothing that is underway."""
        return {**vars(self), "_underway": deque()}

    def may_look_later(self, norm: Tensor, scale: float) -> bool:
        """Whether the norm of an update's gradient is on a GPU, and decides nothing but the end."""
        return norm.is_cuda and self.tolerance == 0 and scale == 1.0

    def look_later(self, player: Player, terms: Terms, step: int) -> None:
        """Send the check of an update on its way to the host.

        Args:
            player: Whose update it is.
            terms: The terms of its objective, their sum and its gradient's norm.
            step: Number of generator updates so far.
        """
        found = terms[GRADIENT_NORM].isfinite()
        finite = torch.empty((), dtype=torch.bool, pin_memory=found.is_cuda)
        finite.copy_(found, non_blocking=True)
        arrival = torch.cuda.Event() if found.is_cuda else None  # type: ignore[no-untyped-call]
        if arrival is not None:
            arrival.record()
        self._underway.append(_Underway(player, terms, step, finite, arrival))

    def look(self, before: int | None = None) -> None:
        """Look at what was sent: in the steps before this one, or at all of it.

        Raises:
            NonFiniteError: naming the terms and the step.
        """
        while self._underway and (before is None or self._underway[0].step < before):
            update = self._underway.popleft()
            if update.arrival is not None:
                update.arrival.synchronize()
            if not update.finite:
                self.refuse(update.player, update.terms, 1.0, update.step)

    def refuse(self, player: Player, terms: Terms, scale: float, step: int) -> None:
        """Tell what to do about an update whose terms or gradient are not finite.

        A gradient scaler tries larger and larger scales until gradients overflow, and leaves such
        a step out by itself; only at a scale of 1 or below the gradients themselves are to blame.

        Args:
            player: Whose update it is.
            terms: The terms of its objective, their sum and its gradient's norm.
            scale: By what the loss was multiplied before its backward pass, 1 without a scaler.
            step: Number of generator updates so far.

        Raises:
            NonFiniteError: naming the terms and the step, once the tolerance is used up.
        """
        bad = [name for name, term in terms.items() if not term.isfinite()]
        if bad == [GRADIENT_NORM] and scale > 1.0:
            return
        culprits = [name for name in bad if name not in {LOSS, GRADIENT_NORM}] or bad[:1]
        found = f"{' and '.join(f'{player.name}/{name}' for name in culprits)} is not finite"
        if self.skipped >= self.tolerance:
            raise NonFiniteError(f"{found} at step {step}{_advice(player)}")
        self.skipped += 1
        log.warning(
            "%s at step %d: this update is left out (%d of %d that may be)",
            found,
            step,
            self.skipped,
            self.tolerance,
        )


def _advice(player: Player) -> str:
    if all(weight.dtype != torch.float16 for weight in player.parameters()):
        return ""
    return " (float16 ends at 65504: set trainer.precision=bf16-true or 16-mixed)"


@torch.no_grad()
def spoil(parameters: list[nn.Parameter], loss: Tensor) -> None:
    """Make gradients not finite where their loss is not, without waiting for the device.

    Some terms are infinite with finite gradients. Once a loss shows in the gradients, averaging
    them tells all processes, and one look at their norm covers both.
    """
    first = next((p.grad for p in parameters if p.grad is not None), None)
    if first is not None:
        first.add_(loss.detach() * 0.0)


def gradient_norm(parameters: list[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together, a scalar."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
