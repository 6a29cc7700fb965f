"""Discriminators that return probabilities, where losses take logits."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ganzoo.game.evaluating import evaluating
from ganzoo.progress import Progress
from ganzoo.sampling.first_batch import same_random_state

log = logging.getLogger("ganzoo")

ITERATIONS = 5
"""The first ones, over which outputs are looked at."""

# Inputs as many times as large: no logit stays where it was.
_FACTORS = (1e3, -1e3)
_ROWS = 8


class ProbabilityWatch:
    """Notices a discriminator that ends in a sigmoid, where the loss takes logits.

    It keeps the smallest and the largest output of the first iterations on the device. If none
    was outside [0, 1], it shows the network inputs a thousand times as large, of both signs: only
    what is bounded stays there.

    Args:
        model: What the discriminator is part of.
        discriminator: The network; it is watched until :meth:`end`.
        at_end: Called with this object then.
    """

    def __init__(self, model: Any, discriminator: nn.Module, at_end: Callable[[Any], None]) -> None:
        self._model, self._discriminator, self._at_end = model, discriminator, at_end
        self._range: Tensor | None = None
        self._inputs: tuple[Any, ...] = ()
        self._handle: RemovableHandle | None = discriminator.register_forward_hook(self._see)

    def begin_iteration(self, progress: Progress) -> None:
        """Stop watching after the first iterations."""
        if progress.iterations == ITERATIONS:
            self.end()

    def end(self) -> None:
        """Stop watching, and say what is wrong if all outputs are probabilities."""
        if self._handle is None:
            return
        self._handle.remove()
        self._handle = None
        self._at_end(self)
        if self._are_probabilities() and self._model.global_rank == 0:
            log.warning(
                "all outputs of the discriminator lie between 0 and 1, and the loss takes logits, "
                "which any number can be: leave out the sigmoid at its end"
            )

    def _are_probabilities(self) -> bool:
        if self._range is None or not _inside(self._range):
            return False
        first, *rest = self._inputs
        with evaluating(self._model), same_random_state(first.device):
            outputs = [self._discriminator(factor * first, *rest) for factor in _FACTORS]
        return all(_inside(_range_of(found)) for found in outputs)

    def _see(self, module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        if isinstance(outputs, Tensor) and outputs.numel():
            found = _range_of(outputs)
            self._range = found if self._range is None else _joined(self._range, found)
            self._inputs = tuple(
                value.detach()[:_ROWS] if isinstance(value, Tensor) else value for value in inputs
            )


def _range_of(outputs: Tensor) -> Tensor:
    return torch.stack(outputs.detach().aminmax())


def _joined(one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([torch.minimum(one[0], other[0]), torch.maximum(one[1], other[1])])


def _inside(found: Tensor) -> bool:
    low, high = found.tolist()
    return bool(0 <= low <= high <= 1)
