"""GANs that learn a Gaussian: a linear generator against a linear or quadratic discriminator."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.losses import AdversarialLoss, PointwiseLoss
from ganzoo.theory.games import VectorGame
from ganzoo.theory.hermite import normal_nodes


class GaussianGAN(VectorGame):
    """Data from a Gaussian that the generator can reach, with expectations by quadrature.

    Real data are what the generator makes of its best parameters. Expectations of costs of logits
    are weighted sums over Gauss-Hermite nodes of the latents: exact for costs that are polynomials
    of a low degree (the Wasserstein and the least squares ones), else to many digits.

    Args:
        loss: of costs of single logits.
        features: how many parameters the discriminator has.
        solution: the generator's best parameters.
        dimension: of data and latents.
        nodes: points of the quadrature along each axis, at least 1.

    Raises:
        InputError: if the loss compares logits with each other, or nodes is out of range.
    """

    def __init__(
        self, *, loss: AdversarialLoss, features: int, solution: Tensor, dimension: int, nodes: int
    ) -> None:
        if not isinstance(loss, PointwiseLoss):
            raise InputError(
                f"expectations need costs of single logits, and {type(loss).__name__} has none: "
                "choose minimax, non_saturating, wasserstein, hinge, least_squares or f_gan"
            )
        self.loss = loss
        self.solution = solution
        self._latents, self._weights = normal_nodes(nodes=nodes, dimension=dimension)
        # The equilibrium: a flat discriminator, and the generator at its best parameters.
        super().__init__(
            objectives={"discriminator": self._discriminator, "generator": self._generator},
            sizes={"discriminator": features, "generator": len(solution)},
            equilibrium=torch.cat([torch.zeros(features, dtype=torch.float64), solution]),
        )

    @abstractmethod
    def generate(self, parameters: Tensor, latents: Tensor) -> Tensor:
        """Data ``[M, d]`` from the generator's parameters and latents ``[M, d]``."""

    @abstractmethod
    def score(self, parameters: Tensor, data: Tensor) -> Tensor:
        """Logits ``[M]`` from the discriminator's parameters and data ``[M, d]``."""

    def _discriminator(self, vectors: Mapping[str, Tensor]) -> Tensor:
        real = self.score(vectors["discriminator"], self.generate(self.solution, self._latents))
        fake = self._fake_logits(vectors)
        return self._weights @ (self.loss.real_cost(real) + self.loss.fake_cost(fake))

    def _generator(self, vectors: Mapping[str, Tensor]) -> Tensor:
        return self._weights @ self.loss.generator_cost(self._fake_logits(vectors))

    def _fake_logits(self, vectors: Mapping[str, Tensor]) -> Tensor:
        data = self.generate(vectors["generator"], self._latents)
        return self.score(vectors["discriminator"], data)


@defaults_from("theory/game/gaussian_mean")
class GaussianMeanGAN(GaussianGAN):
    """Learn the mean: data from N(m, s^2 I), ``G(z) = theta + s z`` and ``D(x) = psi . x``.

    Daskalakis et al. (2018, arXiv:1711.00141) with the Wasserstein loss, where it is the bilinear
    game ``psi . (m - theta)`` for any s. In one dimension, with m = 0, it is the Dirac-GAN with
    instance noise of deviation s (Mescheder et al. 2018, arXiv:1801.04406): a loss with second
    derivative b of the discriminator's costs at a logit of zero (1/4 each for minimax) and slope a
    has the flow's eigenvalues ``-b s^2 +- sqrt(b^2 s^4 - a^2)``.

    Args:
        loss: of costs of single logits.
        mean: m, one number for each dimension.
        deviation: s, at least 0.
        nodes: points of the quadrature along each axis, at least 1.

    Raises:
        InputError: if a number is out of range, or the loss compares logits with each other.
    """

    def __init__(
        self,
        *,
        loss: AdversarialLoss = FROM_CONFIG,
        mean: Sequence[float] = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
        nodes: int = FROM_CONFIG,
    ) -> None:
        check_not_negative(deviation=deviation)
        if not mean or not all(map(math.isfinite, mean)):
            raise InputError(f"mean needs at least one number, all finite, not {mean}")
        self.deviation = deviation
        solution = torch.tensor(list(mean), dtype=torch.float64)
        size = len(solution)
        super().__init__(loss=loss, features=size, solution=solution, dimension=size, nodes=nodes)

    def generate(self, parameters: Tensor, latents: Tensor) -> Tensor:
        """Latents scaled and moved."""
        return parameters + self.deviation * latents

    def score(self, parameters: Tensor, data: Tensor) -> Tensor:
        """A linear function of the data."""
        return data @ parameters


@defaults_from("theory/game/gaussian_covariance")
class GaussianCovarianceGAN(GaussianGAN):
    """Learn the covariance: data from N(0, C), ``G(z) = L z`` and ``D(x) = x^T W x``.

    Daskalakis et al. (2018, arXiv:1711.00141) with the Wasserstein loss, where it is the game
    ``tr W (C - L L^T)``. Departures: L is lower triangular and W a lower triangle too, so that
    fixed points are isolated, where the paper has full matrices; the solution is the Cholesky
    factor of C, and it with the signs of its columns turned.

    Parameters are the entries of the lower triangles, row by row: d (d + 1) / 2 for each player.

    Args:
        loss: of costs of single logits.
        covariance: C, d rows of d numbers, symmetric and positive definite.
        nodes: points of the quadrature along each axis, at least 1.

    Raises:
        InputError: if the covariance is not one, nodes is out of range, or the loss compares
            logits with each other.
    """

    def __init__(
        self,
        *,
        loss: AdversarialLoss = FROM_CONFIG,
        covariance: Sequence[Sequence[float]] = FROM_CONFIG,
        nodes: int = FROM_CONFIG,
    ) -> None:
        factor = _factor(covariance)
        self._rows, self._columns = torch.tril_indices(len(factor), len(factor))
        solution = factor[self._rows, self._columns]
        super().__init__(
            loss=loss,
            features=len(solution),
            solution=solution,
            dimension=len(factor),
            nodes=nodes,
        )

    def generate(self, parameters: Tensor, latents: Tensor) -> Tensor:
        """Latents times the triangular matrix."""
        size = latents.shape[1]
        empty = torch.zeros(size, size, dtype=torch.float64)
        factor = empty.index_put((self._rows, self._columns), parameters)
        return latents @ factor.T

    def score(self, parameters: Tensor, data: Tensor) -> Tensor:
        """A quadratic form of the data."""
        return (data[:, self._rows] * data[:, self._columns]) @ parameters


def _factor(covariance: Sequence[Sequence[float]]) -> Tensor:
    """The Cholesky factor of a matrix given by its rows."""
    size = len(covariance)
    if not size or any(len(row) != size for row in covariance):
        raise InputError(
            "covariance needs as many rows as columns, not rows of lengths "
            f"{[len(row) for row in covariance]}"
        )
    matrix = torch.tensor([list(map(float, row)) for row in covariance], dtype=torch.float64)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if failed or not torch.allclose(matrix, matrix.T) or not matrix.isfinite().all():
        raise InputError("covariance must be symmetric and positive definite")
    lower: Tensor = factor
    return lower
