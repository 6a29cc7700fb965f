"""Priors: the distributions that latents are drawn from.

All coordinates are independent and alike, but for those of codes (`code_prior`). A prior holds no
state: the same generator state gives the same latents, on any device (a generator draws on its own
device and the result is moved).
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole


class Prior(ABC):
    """A distribution of latents [B, Z].

    Args:
        latent_dim: Z.
    """

    def __init__(self, *, latent_dim: int) -> None:
        check_whole(latent_dim=latent_dim)
        self.latent_dim = latent_dim

    def sample(
        self,
        count: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Draw latents.

        Args:
            count: how many.
            generator: source of randomness; torch's global one where it is None.
            device: where the latents are wanted; the generator's device where it is None.
            truncation: draw from the prior restricted to [-truncation, truncation] in each
                coordinate, which trades variety for typicality (the truncation trick, Brock et al.
                2018, arXiv 1809.11096, section 3.1).

        Returns:
            float32 [count, Z].

        Raises:
            InputError: if truncation is not positive or exceeds the support of the prior.
        """
        if count < 1:
            check_whole(count=count)
        if truncation is not None:
            check_positive(truncation=truncation)
        source = device if generator is None else generator.device
        shape = (count, self.latent_dim)
        return self._draw(shape, generator, source, truncation).to(device or source)

    @abstractmethod
    def _draw(
        self,
        shape: tuple[int, int],
        generator: torch.Generator | None,
        device: torch.device | str | None,
        truncation: float | None,
    ) -> Tensor:
        """Draw float32 latents on the device."""


class Normal(Prior):
    """The standard normal distribution N(0, I)."""

    def _draw(
        self,
        shape: tuple[int, int],
        generator: torch.Generator | None,
        device: torch.device | str | None,
        truncation: float | None,
    ) -> Tensor:
        if truncation is None:
            return torch.randn(shape, generator=generator, device=device, dtype=torch.float32)
        return _truncated_normal(_uniform(shape, generator, device), truncation)


class Uniform(Prior):
    """The uniform distribution on [-1, 1], the prior of DCGAN (arXiv 1511.06434)."""

    def _draw(
        self,
        shape: tuple[int, int],
        generator: torch.Generator | None,
        device: torch.device | str | None,
        truncation: float | None,
    ) -> Tensor:
        bound = 1.0 if truncation is None else truncation
        if bound > 1:
            raise InputError(f"truncation of a uniform prior is at most 1, not {bound}")
        return bound * _uniform(shape, generator, device)


@defaults_from("network/latent/truncated_normal")
class TruncatedNormal(Prior):
    """The standard normal distribution restricted to [-threshold, threshold] in each coordinate.

    Args:
        latent_dim: Z.
        threshold: in standard deviations. A truncation when sampling can only lower it.
    """

    def __init__(self, *, latent_dim: int, threshold: float = FROM_CONFIG) -> None:
        super().__init__(latent_dim=latent_dim)
        check_positive(threshold=threshold)
        self.threshold = threshold

    def _draw(
        self,
        shape: tuple[int, int],
        generator: torch.Generator | None,
        device: torch.device | str | None,
        truncation: float | None,
    ) -> Tensor:
        threshold = min(self.threshold, truncation or math.inf)
        return _truncated_normal(_uniform(shape, generator, device), threshold)


def _uniform(
    shape: tuple[int, int],
    generator: torch.Generator | None,
    device: torch.device | str | None,
) -> Tensor:
    draws = torch.rand(shape, generator=generator, device=device, dtype=torch.float32)
    return 2 * draws - 1


def _truncated_normal(uniform: Tensor, threshold: float) -> Tensor:
    """Map uniform draws on [-1, 1] through the inverse of the truncated distribution function."""
    mass = math.erf(threshold / math.sqrt(2))
    latents = math.sqrt(2) * torch.erfinv(mass * uniform)
    return latents.clamp(-threshold, threshold)
