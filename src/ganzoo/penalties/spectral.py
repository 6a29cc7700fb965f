"""Spectral norm regularisation."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.penalties.weights import WeightPenalty, chosen_weights

# From a random start; later the weights change little from one step to the next.
FIRST_ITERATIONS = 20


@defaults_from("penalty/spectral")
class SpectralNormPenalty(WeightPenalty):
    """Shrink the largest singular value of each layer's weight: ``sum sigma(W)^2 / 2``.

    Yoshida and Miyato (2017, arXiv:1705.10941), algorithm 1. Unlike weight decay,
    which shrinks all singular values, it acts on the direction that a layer stretches most.
    sigma comes from the power method, whose vectors are remembered from one update to the next;
    its gradient is ``sigma u v^T`` with both vectors taken as constants.

    Departures: none. (Spectral normalisation, ``normalization=spectral``, sets sigma to 1 instead.)

    Args:
        power_iterations: steps of the power method at each update, at least 1 (the paper's).
        term: see :class:`WeightPenalty`; lambda in the paper is its ``weight``.

    Raises:
        InputError: if a number is out of range; later, if a pattern fits no layer.
    """

    def __init__(self, *, power_iterations: int = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        check_whole(power_iterations=power_iterations)
        self.power_iterations = power_iterations
        self._next_vectors: list[Tensor] = []

    def attach(self, modules: Sequence[nn.Module]) -> None:
        """Find a first singular vector of each weight."""
        self._begin(chosen_weights(modules, self.layers))

    def value_of(self, weights: list[Tensor]) -> Tensor:
        """Sum half the squared spectral norms."""
        pairs = zip(weights, self.buffers(), strict=True)
        self._next_vectors = [_right_vector(*pair, self.power_iterations) for pair in pairs]
        norms = [
            normalize(weight.detach() @ right, dim=0) @ weight @ right
            for weight, right in zip(weights, self._next_vectors, strict=True)
        ]
        return torch.stack(norms).square().sum() / 2

    @torch.no_grad()
    def after_step(self, player: Any) -> None:
        """Keep the vectors of the power method, if the term was part of its player's step."""
        if player.name == self.on:
            for right, following in zip(self.buffers(), self._next_vectors, strict=False):
                right.copy_(following)
        self._next_vectors = []

    def _begin(self, weights: list[Tensor]) -> None:
        for index, weight in enumerate(weights):
            right = torch.randn(weight.shape[1], device=weight.device, dtype=weight.dtype)
            self.register_buffer(
                f"right_vector_{index}", _right_vector(weight, right, FIRST_ITERATIONS)
            )


@torch.no_grad()
def _right_vector(weight: Tensor, right: Tensor, iterations: int) -> Tensor:
    """The right singular vector of a weight ``[out, in]`` after steps of the power method."""
    now = right.to(weight.dtype)
    for _ in range(iterations):
        left = normalize(weight @ now, dim=0)
        now = normalize(left @ weight, dim=0)
    return now
