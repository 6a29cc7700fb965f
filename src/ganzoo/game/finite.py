"""What happens to an update that would carry a NaN or an infinity into the weights."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import check_whole
from ganzoo.losses.base import GRADIENT_NORM, LOSS, LossTerms

log = logging.getLogger("ganzoo")


class NonFiniteError(RuntimeError):
    """A term of a loss or its gradient is not finite, and no checkpoint has what came of it."""


@dataclass(frozen=True)
class _Underway:
    """An update whose check is on its way from an accelerator to the host."""

    player: Any
    terms: LossTerms
    step: int
    finite: Tensor
    arrival: torch.cuda.Event | None


class FiniteCheck:
    """Leaves out updates that are not finite, a number of times, then stops the run.

    Where none may be left out, the host does not wait for a GPU to tell: it looks an iteration
    later, and before anything is saved.

    Args:
        tolerance: Steps of a whole run, of all players, that may be left out; 0 stops at once.

    Raises:
        InputError: if ``tolerance`` is not a whole number of at least 0.
    """

    def __init__(self, tolerance: int) -> None:
        check_whole(0, non_finite_tolerance=tolerance)
        self.tolerance = tolerance
        self.skipped = 0
        self.underway: deque[_Underway] = deque()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes along: nothing that is underway."""
        return {**vars(self), "underway": deque()}

    def may_look_later(self, scale: float) -> bool:
        """Whether what a check finds decides nothing but the end of the run."""
        return self.tolerance == 0 and scale == 1.0

    def look_later(self, player: Any, terms: LossTerms, step: int) -> None:
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
        self.underway.append(_Underway(player, terms, step, finite, arrival))

    def look(self, before: int | None = None) -> None:
        """Look at what was sent: in the steps before this one, or at all of it.

        Raises:
            NonFiniteError: naming the terms and the step.
        """
        while self.underway and (before is None or self.underway[0].step < before):
            update = self.underway.popleft()
            if update.arrival is not None:
                update.arrival.synchronize()
            if not update.finite:
                self.refuse(update.player, update.terms, 1.0, update.step)

    def refuse(self, player: Any, terms: LossTerms, scale: float, step: int) -> None:
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


def _advice(player: Any) -> str:
    if all(weight.dtype != torch.float16 for weight in player.parameters):
        return ""
    return " (float16 ends at 65504: set trainer.precision=bf16-true or 16-mixed)"
