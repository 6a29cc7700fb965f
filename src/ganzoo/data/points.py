"""Points in the plane, drawn fresh from known distributions."""

import math

import torch
from torch import Tensor

from ganzoo.data.source import Distribution, Labelled
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive, check_whole


class GaussianMixture(Distribution):
    """Equally likely round Gaussians; the label of a point is the number of its Gaussian.

    Args:
        centers: float32 ``[K, 2]``.
        deviation: Standard deviation of each coordinate around its center.

    Attributes:
        modes: The centers, float32 ``[K, 2]``.
        deviation: As given.

    Raises:
        InputError: if the deviation is not positive.
    """

    shape = (2,)

    def __init__(self, *, centers: Tensor, deviation: float) -> None:
        check_positive(deviation=deviation)
        self.modes = centers
        self.deviation = deviation
        self.num_classes = len(centers)

    def sample(self, count: int, generator: torch.Generator) -> Labelled:
        """Draw points, float32 ``[count, 2]``, and labels, int64 ``[count]``."""
        labels = torch.randint(len(self.modes), (count,), generator=generator)
        noise = torch.randn(count, 2, generator=generator)
        return self.modes.index_select(0, labels).add_(noise, alpha=self.deviation), labels

    def log_density(self, points: Tensor) -> Tensor:
        """Return the logarithm of the density at points ``[N, 2]``, ``[N]``, in nats."""
        modes = self.modes.to(points)
        squares = (points[:, None] - modes).square().sum(dim=-1)
        exponents = torch.logsumexp(-squares / (2 * self.deviation**2), dim=1)
        return exponents - math.log(len(modes) * 2 * math.pi * self.deviation**2)


@defaults_from("dataset/ring")
class Ring(GaussianMixture):
    """Gaussians evenly spaced on a circle around the origin.

    Metz et al. (2016), "Unrolled Generative Adversarial Networks", arXiv 1611.02163, section
    3.3.1 and appendix A: 8 modes, radius 2, standard deviation 0.02. The first lies on the
    positive first axis, the others follow counter-clockwise.

    Args:
        modes: Number of Gaussians.
        radius: Of the circle.
        deviation: Standard deviation of each coordinate.

    Raises:
        InputError: if a number is not positive.
    """

    def __init__(
        self,
        *,
        modes: int = FROM_CONFIG,
        radius: float = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
    ) -> None:
        check_whole(modes=modes)
        check_positive(radius=radius)
        angles = torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)
        centers = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
        super().__init__(centers=centers.float(), deviation=deviation)


@defaults_from("dataset/grid")
class Grid(GaussianMixture):
    """Gaussians on a square grid around the origin.

    Srivastava et al. (2017), "VEEGAN", arXiv 1705.07761, section 4.1, and Lin et al. (2018),
    "PacGAN", arXiv 1712.04086, section 4.1: {-4, -2, 0, 2, 4}^2, standard deviation 0.05.

    Args:
        side: Gaussians on each side.
        spacing: Distance of neighbours.
        deviation: Standard deviation of each coordinate.

    Raises:
        InputError: if a number is not positive.
    """

    def __init__(
        self,
        *,
        side: int = FROM_CONFIG,
        spacing: float = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
    ) -> None:
        check_whole(side=side)
        check_positive(spacing=spacing)
        places = (torch.arange(side, dtype=torch.float32) - (side - 1) / 2) * spacing
        super().__init__(centers=torch.cartesian_prod(places, places), deviation=deviation)


@defaults_from("dataset/swiss_roll")
class SwissRoll(Distribution):
    """A spiral with noise, without labels.

    The toy data of Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv
    1704.00028, figure 2: scikit-learn's roll seen from its open side, made smaller. With u
    uniform in [0, 1] and t = 1.5 pi (1 + 2u), a point is (t cos t, t sin t), plus Gaussian
    noise, divided by ``scale``. The paper's code has noise 0.25 and scale 7.5.

    Args:
        noise: Standard deviation of each coordinate, before scaling.
        scale: What coordinates are divided by.

    Raises:
        InputError: if the noise is negative or the scale not positive.
    """

    shape = (2,)

    def __init__(self, *, noise: float = FROM_CONFIG, scale: float = FROM_CONFIG) -> None:
        check_not_negative(noise=noise)
        check_positive(scale=scale)
        self._noise = noise
        self._scale = scale

    def sample(self, count: int, generator: torch.Generator) -> Labelled:
        """Draw points, float32 ``[count, 2]``; there are no labels."""
        angles = 1.5 * math.pi * (1 + 2 * torch.rand(count, generator=generator))
        spiral = angles[:, None] * torch.stack([angles.cos(), angles.sin()], dim=1)
        noise = torch.randn(count, 2, generator=generator)
        return spiral.add_(noise, alpha=self._noise).div_(self._scale), None
