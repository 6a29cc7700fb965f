"""Spectral norm regularisation."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.penalties.weights import WeightPenalty, chosen_weights

# Steps from a random start; later the weights move little from one update to the next.
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
        weight: lambda in the paper, at least 0.
        interval: see :class:`Term`.
        player: see :class:`WeightPenalty`.
        layers: see :class:`WeightPenalty`.
        power_iterations: steps of the power method at each update, at least 1 (the paper's).

    Raises:
        InputError: if a number is out of range; later, if a pattern fits no layer.
    """

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        player: str = FROM_CONFIG,
        layers: Sequence[str] = FROM_CONFIG,
        power_iterations: int = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval, player=player, layers=layers)
        check_whole(power_iterations=power_iterations)
        self.power_iterations = power_iterations

    def attach(self, networks: Mapping[str, nn.Module]) -> None:
        """Find a first singular vector of each weight."""
        if self.player in networks:
            self._begin(chosen_weights(networks[self.player], self.layers))

    def value(self, weights: list[Tensor]) -> Tensor:
        """Sum half the squared spectral norms."""
        if not any(True for _ in self.buffers()):
            self._begin(weights)
        pairs = zip(weights, self.buffers(), strict=True)
        norms = [_spectral_norm(weight, right, self.power_iterations) for weight, right in pairs]
        return torch.stack(norms).square().sum() / 2

    def _begin(self, weights: list[Tensor]) -> None:
        for index, weight in enumerate(weights):
            right = torch.randn(weight.shape[1], device=weight.device, dtype=weight.dtype)
            _spectral_norm(weight.detach(), right, FIRST_ITERATIONS)
            self.register_buffer(f"right_vector_{index}", right)


def _spectral_norm(weight: Tensor, right: Tensor, iterations: int) -> Tensor:
    """Estimate the norm of a weight ``[out, in]``, moving its right singular vector in place."""
    with torch.no_grad():
        now = right.to(weight.dtype, copy=True)
        for _ in range(iterations):
            left = normalize(weight @ now, dim=0)
            now = normalize(left @ weight, dim=0)
        left = normalize(weight @ now, dim=0)
        right.copy_(now)
    return left @ weight @ now
