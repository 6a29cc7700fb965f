"""Eigenvalues of a game between networks, without ever building its Jacobian."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs
from torch import Tensor

from ganzoo.errors import InputError, check_positive, check_whole

Losses = Callable[[], Mapping[str, Tensor]]
"""What each player minimises, by its name, computed from the parameters as they are."""


class NetworkGame:
    """The field of a game between networks at their present weights, and its Jacobian's products.

    The field is the gradient of each player's loss by that player's parameters, as in
    :class:`~ganzoo.theory.game.Game`. Memory is that of the graph of one pass and its gradients,
    which is kept; the losses are computed once.

    The losses must be the same each time: fixed data and latents, no dropout. Gradients must be
    able to flow from one player's loss to the other's parameters. The zoo's penalties cut this
    off: on generated data they are taken of constant data, so that what they add to the Jacobian
    between the players is left out.

    Args:
        parameters: for each player, the tensors that it trains.
        losses: computes each player's loss, scalars.

    Raises:
        InputError: if parameters and losses name different players, a player has no parameters, or
            a loss is no single finite number.
    """

    def __init__(self, *, parameters: Mapping[str, Sequence[Tensor]], losses: Losses) -> None:
        self._parameters = {name: list(tensors) for name, tensors in parameters.items()}
        with torch.enable_grad():
            values = dict(losses())
            self._check(values)
            self._gradients = {
                player: _differentiate(values[player], tensors, keep_graph=True)
                for player, tensors in self._parameters.items()
            }
        self.size = sum(t.numel() for tensors in self._parameters.values() for t in tensors)

    def field(self) -> Tensor:
        """The field v ``[N]``, player by player and tensor by tensor."""
        return _flat(self._all_gradients()).detach()

    def gradient_norms(self) -> dict[str, float]:
        """The Euclidean norm of each player's gradient."""
        return {
            player: float(_flat(found).detach().norm()) for player, found in self._gradients.items()
        }

    def half_squared_norm(self) -> float:
        """``||v||^2 / 2``, zero at fixed points.

        It is what consensus optimization (Mescheder et al. 2017, arXiv:1705.10461) adds to every
        player's loss.
        """
        return float(self.field().double().square().sum() / 2)

    def transposed_product(self, vector: Tensor) -> Tensor:
        """``J^T u`` for a vector u ``[N]``: the gradient of ``<v, u>`` by all parameters.

        Raises:
            InputError: if the vector has another size.
        """
        if vector.shape != (self.size,):
            raise InputError(f"a vector must have {self.size} entries, not {list(vector.shape)}")
        with torch.enable_grad():
            gradients = self._all_gradients()
            parts = _like(vector, gradients)
            total = sum(((g * u).sum() for g, u in zip(gradients, parts, strict=True)), _zero())
        return _flat(_differentiate(total, self._all_parameters(), keep_graph=False))

    def _all_parameters(self) -> list[Tensor]:
        return [tensor for tensors in self._parameters.values() for tensor in tensors]

    def _all_gradients(self) -> list[Tensor]:
        return [found for gradients in self._gradients.values() for found in gradients]

    def _check(self, values: Mapping[str, Tensor]) -> None:
        if values.keys() != self._parameters.keys():
            raise InputError(
                "parameters and losses must name the same players, not "
                f"{', '.join(self._parameters)} and {', '.join(values)}"
            )
        for player, tensors in self._parameters.items():
            if not tensors or not all(tensor.requires_grad for tensor in tensors):
                raise InputError(
                    f"player {player} needs parameters, all of which require gradients"
                )
            if values[player].numel() != 1 or not values[player].isfinite().all():
                raise InputError(f"the loss of player {player} must be a single finite number")


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Extreme eigenvalues of the Jacobian of a game's field, complex ``[count]`` each.

    The flow ``dx/dt = -v(x)`` moves away from a fixed point where a real part is negative; gradient
    descent needs steps below ``2 Re(z) / |z|^2`` for each eigenvalue z.

    Attributes:
        largest_modulus: those of the largest modulus, largest first.
        largest_real: those of the largest real part, largest first.
        smallest_real: those of the smallest real part, smallest first.
    """

    largest_modulus: Tensor
    largest_real: Tensor
    smallest_real: Tensor


def spectrum(
    game: NetworkGame, *, count: int, tolerance: float, iterations: int, seed: int
) -> Spectrum:
    """Find extreme eigenvalues by implicitly restarted Arnoldi iterations (ARPACK).

    Only products of the Jacobian with vectors are computed, about two backward passes for each.

    Args:
        game: the field and its products.
        count: how many eigenvalues of each kind, at least 1 and below N - 1.
        tolerance: relative accuracy, positive; float32 networks do not reach below 1e-5.
        iterations: restarts at most, at least 1.
        seed: of the first vector.

    Returns:
        The eigenvalues. Those of a conjugate pair at the end of the list may lack the other one.

    Raises:
        InputError: if a number is out of range, or the iterations do not converge.
    """
    check_whole(count=count, iterations=iterations)
    check_positive(tolerance=tolerance)
    if count >= game.size - 1:
        raise InputError(
            f"count must be below {game.size - 1} for a game of {game.size} parameters, not {count}"
        )

    def extreme(which: str) -> Tensor:
        return _eigenvalues(game, which, count, tolerance, iterations, seed)

    return Spectrum(
        largest_modulus=_descending(extreme("LM"), torch.abs),
        largest_real=_descending(extreme("LR"), torch.real),
        smallest_real=_descending(extreme("SR"), lambda values: -values.real),
    )


def _eigenvalues(
    game: NetworkGame, which: str, count: int, tolerance: float, iterations: int, seed: int
) -> Tensor:
    def product(vector: np.ndarray) -> np.ndarray:
        found = game.transposed_product(torch.from_numpy(vector.ravel()))
        return found.double().cpu().numpy()

    # The transpose has the same eigenvalues, and its products cost less.
    operator = LinearOperator((game.size, game.size), matvec=product, dtype=np.float64)
    first = np.random.default_rng(seed).normal(size=game.size)
    try:
        values = eigs(
            operator,
            k=count,
            which=which,
            v0=first,
            tol=tolerance,
            maxiter=iterations,
            return_eigenvectors=False,
        )
    except ArpackNoConvergence as error:
        raise InputError(
            f"the eigenvalues did not converge in {iterations} iterations: allow more, or a larger "
            "tolerance"
        ) from error
    return torch.from_numpy(np.asarray(values, dtype=np.complex128))


def _descending(values: Tensor, key: Callable[[Tensor], Tensor]) -> Tensor:
    return values[key(values).argsort(descending=True, stable=True)]


def _differentiate(value: Tensor, tensors: Sequence[Tensor], *, keep_graph: bool) -> list[Tensor]:
    if not value.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    found = torch.autograd.grad(
        value,
        list(tensors),
        create_graph=keep_graph,
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return list(found)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _like(vector: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Cut a vector into the shapes, types and devices of tensors."""
    pieces = torch.split(vector, [tensor.numel() for tensor in tensors])
    return [piece.to(tensor).view_as(tensor) for piece, tensor in zip(pieces, tensors, strict=True)]


def _zero() -> Tensor:
    return torch.zeros(())
