"""A prior of latents of which some are codes, to be recovered from the data."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.latents import Normal, Prior, Uniform


class LatentParts(NamedTuple):
    """What latents [B, Z] of a `CodePrior` consist of.

    Attributes:
        categories: int64 [B] for each categorical code, from 0 to K_i - 1.
        continuous: [B, M] in [-1, 1].
        noise: [B, N].
    """

    categories: list[Tensor]
    continuous: Tensor
    noise: Tensor


@defaults_from("network/latent/codes")
class CodePrior(Prior):
    """One-hot uniform categories, then uniform numbers on [-1, 1], then standard normal noise.

    InfoGAN (Chen et al. 2016, arXiv 1606.03657), sections 3 to 5: the latents of a generator are
    incompressible noise z and codes c that are independent of it and of one another.

    Departures: the paper does not say what its noise is; truncation restricts the noise alone.

    Args:
        latent_dim: Z; what the codes leave of it is noise, and that may be nothing.
        categories: K_i, the number of values of each categorical code.
        continuous: M, the number of continuous codes.

    Raises:
        InputError: if a number is out of range, there are no codes, or latent_dim has no room for
            them.
    """

    def __init__(
        self,
        *,
        latent_dim: int = FROM_CONFIG,
        categories: Sequence[int] = FROM_CONFIG,
        continuous: int = FROM_CONFIG,
    ) -> None:
        super().__init__(latent_dim=latent_dim)
        self.categories, self.continuous = _checked(categories), continuous
        check_whole(0, continuous=continuous)
        width = sum(self.categories) + continuous
        if not width:
            raise InputError("a prior of codes has at least one: give it categories, as [10]")
        if latent_dim < width:
            raise InputError(
                f"network.latent.latent_dim must be at least {width}, not {latent_dim}: categories"
                f" {list(self.categories)} and {continuous} continuous codes take as many numbers"
            )
        self.noise_dim = latent_dim - width

    def codes(self, latents: Tensor) -> LatentParts:
        """Split latents [B, Z] into what they consist of."""
        widths = [*self.categories, self.continuous, self.noise_dim]
        *categories, continuous, noise = torch.split(latents, widths, dim=1)
        return LatentParts([block.argmax(dim=1) for block in categories], continuous, noise)

    @property
    def entropy(self) -> float:
        """The entropy of the codes in nats, sum of log K_i + M log 2; differential where M > 0."""
        return sum(self.entropies.values())

    @property
    def entropies(self) -> dict[str, float]:
        """The entropies in nats of the ``categorical`` and ``continuous`` codes, if there are any.

        They have the names of `ganzoo.networks.encoders.CodeClassifier.negative_log_likelihoods`.
        What an entropy exceeds that by is a lower bound of the mutual information between codes
        and data (equation 5).
        """
        found = {}
        if self.categories:
            found["categorical"] = sum(math.log(values) for values in self.categories)
        if self.continuous:
            found["continuous"] = self.continuous * math.log(2)
        return found

    def _draw(
        self,
        shape: tuple[int, int],
        generator: torch.Generator | None,
        device: torch.device | str | None,
        truncation: float | None,
    ) -> Tensor:
        count = shape[0]
        parts = []
        for values in self.categories:
            chosen = torch.randint(values, (count,), generator=generator, device=device)
            parts.append(one_hot(chosen, values).float())
        if self.continuous:
            uniform = Uniform(latent_dim=self.continuous)
            parts.append(uniform.sample(count, generator=generator, device=device))
        if self.noise_dim:
            normal = Normal(latent_dim=self.noise_dim)
            drawn = normal.sample(count, generator=generator, device=device, truncation=truncation)
            parts.append(drawn)
        return torch.cat(parts, dim=1)


def _checked(categories: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(categories, Sequence) or isinstance(categories, str):
        raise InputError(
            "categories must be a list with the number of values of each categorical code,"
            f" as [10], not {categories!r}"
        )
    for values in categories:
        check_whole(2, categories=values)
    return tuple(categories)
