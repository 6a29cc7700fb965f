"""Eigenvalues of a game between networks, without ever building its Jacobian."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs
from torch import Tensor

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.optim.derivatives import Vector, gradients, inner_product
from ganzoo.theory.game import DifferentiableGame, as_vector


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
    game: DifferentiableGame, *, count: int, tolerance: float, iterations: int, seed: int
) -> Spectrum:
    """Find extreme eigenvalues by implicitly restarted Arnoldi iterations (ARPACK).

    At the players' present parameters, of any size and type. Only products of the transposed
    Jacobian with vectors are computed, about two backward passes for each, on the graph of one
    pass, which is kept. What the zoo's penalties take as constant, generated data for some, adds
    nothing to the Jacobian between the players.

    Args:
        game: the players; those of a model need the minibatch that they shall look at
            (``player.minibatch``).
        count: how many eigenvalues of each kind, at least 1 and below N - 1.
        tolerance: relative accuracy, positive; float32 networks do not reach below 1e-5.
        iterations: restarts at most, at least 1.
        seed: of the first vector.

    Returns:
        The eigenvalues. Those of a conjugate pair at the end of the list may lack the other one.

    Raises:
        InputError: if a number is out of range, the field is not finite, or the iterations do not
            converge.
    """
    check_whole(count=count, iterations=iterations)
    check_positive(tolerance=tolerance)
    if count >= game.size - 1:
        raise InputError(
            f"count must be below {game.size - 1} for a game of {game.size} parameters, not {count}"
        )
    product = transposed_product(game)
    first = np.random.default_rng(seed).normal(size=game.size)

    def extreme(which: str) -> Tensor:
        # The transpose has the same eigenvalues, and its products cost less.
        operator = LinearOperator((game.size, game.size), matvec=product, dtype=np.float64)
        settings = {"k": count, "which": which, "v0": first, "tol": tolerance}
        values = eigs(operator, **settings, maxiter=iterations, return_eigenvectors=False)
        return torch.from_numpy(np.asarray(values, dtype=np.complex128))

    try:
        return Spectrum(
            largest_modulus=_descending(extreme("LM"), torch.abs),
            largest_real=_descending(extreme("LR"), torch.real),
            smallest_real=_descending(extreme("SR"), lambda values: -values.real),
        )
    except ArpackNoConvergence as error:
        raise InputError(
            f"the eigenvalues did not converge in {iterations} iterations: allow more, or a larger "
            "tolerance"
        ) from error


def transposed_product(game: DifferentiableGame) -> Callable[[np.ndarray], np.ndarray]:
    """From a vector u ``[N]`` to ``J^T u``, the gradient of ``<v, u>`` where the players are now.

    Raises:
        InputError: if the field is not finite there.
    """
    field: Vector = game.gradients(differentiable=True)
    if not all(bool(part.isfinite().all()) for part in field):
        raise InputError("the field of the game is not finite at the present parameters")

    def product(vector: np.ndarray) -> np.ndarray:
        along = inner_product(field, game.unflatten(torch.from_numpy(vector.ravel())))
        return as_vector(gradients(along, game.parameters)).double().cpu().numpy()

    return product


def _descending(values: Tensor, key: Callable[[Tensor], Tensor]) -> Tensor:
    return values[key(values).argsort(descending=True, stable=True)]
