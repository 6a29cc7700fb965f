"""What a discriminator returns: logits, in the shape and of the range that losses take."""

import logging
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, described
from ganzoo.models.fit import looking, same_random_state

log = logging.getLogger("ganzoo")

ITERATIONS = 5
"""The first ones, over which outputs are looked at."""

# Inputs as many times as large: no logit stays where it was.
_FACTORS = (1e3, -1e3)
_ROWS = 8


def logits_of(outputs: Any) -> Tensor:
    """Logits ``[B]`` from a discriminator's outputs ``[B]``, ``[B, 1]`` or ``[B, 1, 1, 1]``.

    Raises:
        InputError: if it returned something else than one tensor.
    """
    if not isinstance(outputs, Tensor):
        raise InputError(
            f"the discriminator must return logits [B]; what it returns is {described(outputs)}"
        )
    single = outputs.dim() > 1 and outputs.shape[1:].numel() == 1
    return outputs.flatten() if single else outputs


class ProbabilityWatch:
    """Notices a discriminator that ends in a sigmoid, where the loss takes logits.

    It keeps the smallest and the largest output of the first iterations on the device. If none
    was outside [0, 1], it shows the network inputs a thousand times as large, of both signs: only
    what is bounded stays there.

    Args:
        discriminator: The network; it is watched until :meth:`end`.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        self._discriminator = discriminator
        self._range: Tensor | None = None
        self._inputs: tuple[Any, ...] = ()
        self._handle = discriminator.register_forward_hook(self._see)

    def end(self, model: nn.Module) -> bool:
        """Stop watching, and tell whether all outputs are probabilities.

        Args:
            model: What the discriminator is part of.
        """
        self._handle.remove()
        if self._range is None or not _inside(self._range):
            return False
        first, *rest = self._inputs
        with looking(model), same_random_state(first.device):
            outputs = [self._discriminator(factor * first, *rest) for factor in _FACTORS]
        return all(_inside(_range_of(found)) for found in outputs)

    def _see(self, module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        if isinstance(outputs, Tensor) and outputs.numel():
            found = _range_of(outputs)
            self._range = found if self._range is None else _joined(self._range, found)
            self._inputs = tuple(
                value.detach()[:_ROWS] if isinstance(value, Tensor) else value for value in inputs
            )


def warn_of_probabilities() -> None:
    """Say what is wrong with such a discriminator."""
    log.warning(
        "all outputs of the discriminator lie between 0 and 1, and the loss takes logits, which "
        "any number can be: leave out the sigmoid at its end"
    )


def _range_of(outputs: Tensor) -> Tensor:
    return torch.stack(outputs.detach().aminmax())


def _joined(one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([torch.minimum(one[0], other[0]), torch.maximum(one[1], other[1])])


def _inside(found: Tensor) -> bool:
    low, high = found.tolist()
    return bool(0 <= low <= high <= 1)
