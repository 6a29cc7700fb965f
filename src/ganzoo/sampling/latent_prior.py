"""What a distribution of latents has to be able to do."""

import inspect
from typing import Any, Protocol

import torch
from torch import Tensor

from ganzoo.errors import InputError, described


class LatentPrior(Protocol):
    """A distribution of latents, see ``ganzoo.networks.latents``."""

    latent_dim: int

    def sample(
        self,
        count: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Draw latents ``[count, Z]``."""


def check_prior(prior: Any) -> None:
    """Refuse what latents cannot be drawn from.

    Raises:
        InputError: saying what a prior must have.
    """
    try:
        arguments = {"generator": None, "device": None, "truncation": None}
        inspect.signature(prior.sample).bind(1, **arguments)
        fits = isinstance(prior.latent_dim, int) and not isinstance(prior, type)
    except (AttributeError, TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError(
            "latent_prior must have a whole number latent_dim and sample(count, *, "
            "generator=None, device=None, truncation=None), which draws latents [count, "
            f"latent_dim]; it is {described(prior)}"
        )
