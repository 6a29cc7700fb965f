"""Sampling from a generator."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_positive
from ganzoo.models.averaging import MovingAverage
from ganzoo.models.class_names import Labels


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


class Sampler:
    """The part of a model that makes samples, for people and for metrics.

    It needs a ``generator``, a ``latent_prior``, a ``device`` and, where the weights are
    averaged, an ``averaged`` copy.
    """

    generator: nn.Module
    latent_prior: LatentPrior
    averaged: MovingAverage | None
    device: torch.device

    @property
    def class_names(self) -> Sequence[str] | None:
        """The name of each class, where names are known."""
        return None

    def generate(self, network: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Data from latents by the generator or by its average."""
        return network(latents)  # type: ignore[no-any-return]

    def choose_labels(self, labels: Any, count: int, generator: torch.Generator) -> Tensor | None:
        """The classes ``[count]`` to sample; a model without classes takes none.

        Raises:
            InputError: if labels are given to a model that has no classes.
        """
        if labels is not None:
            raise InputError("this model has no classes: leave labels out")
        return None

    def sampling_network(self, *, averaged: bool) -> nn.Module:
        """The generator's average, or the generator itself where there is no average."""
        if averaged and self.averaged is not None:
            return self.averaged.network
        return self.generator

    def latents(self, count: int) -> Tensor:
        """Fresh latents ``[count, Z]`` on the model's device."""
        return self.latent_prior.sample(count, device=self.device)

    def sample(
        self,
        count: int,
        *,
        labels: Labels | None = None,
        seed: int | None = None,
        truncation: float | None = None,
        averaged: bool = True,
        batch_size: int = 256,
    ) -> Tensor:
        """Draw samples in evaluation mode.

        Args:
            count: Number of samples, at least 1.
            labels: Class of each sample ``[count]``, or one for all (conditional models): numbers,
                or names where the data set has names.
            seed: The same seed gives the same samples; None draws from torch's global state.
            truncation: Bound of the latents' magnitude, see the latent prior.
            averaged: Sample from the moving average where there is one.
            batch_size: Samples computed at once, at least 1.

        Returns:
            Samples ``[count, C, H, W]`` in [-1, 1] or ``[count, D]`` in the data's units, float32
            whatever the weights are, on the model's device.

        Raises:
            InputError: if ``count`` or ``batch_size`` is not positive, or labels do not fit.
        """
        check_positive(n=count, batch_size=batch_size)
        latents, chosen = self.draw(count, labels=labels, seed=seed, truncation=truncation)
        return self.decode(latents, chosen, averaged=averaged, batch_size=batch_size)

    def draw(
        self,
        count: int,
        *,
        labels: Labels | None,
        seed: int | None,
        truncation: float | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Draw what ``sample`` decodes: latents ``[count, Z]`` and classes ``[count]`` or None."""
        random = torch.Generator()
        random.manual_seed(int(torch.randint(2**31, ()).item()) if seed is None else seed)
        latents = self.latent_prior.sample(count, generator=random, truncation=truncation)
        return latents, self.choose_labels(labels, count, random)

    @torch.no_grad()
    def decode(
        self, latents: Tensor, labels: Tensor | None, *, averaged: bool, batch_size: int
    ) -> Tensor:
        """Samples of given latents ``[N, Z]`` in evaluation mode, ``batch_size`` at a time."""
        network = self.sampling_network(averaged=averaged)
        modes = {module: module.training for module in network.modules()}
        network.eval()
        try:
            parts = zip(
                torch.split(latents.to(self.device), batch_size),
                _split_labels(labels, len(latents), batch_size, self.device),
                strict=True,
            )
            return torch.cat([self.generate(network, z, y).float() for z, y in parts])
        finally:
            for module, training in modes.items():
                module.training = training


def _split_labels(
    labels: Tensor | None, count: int, batch_size: int, device: torch.device
) -> Sequence[Tensor | None]:
    if labels is None:
        return [None] * -(-count // batch_size)
    return torch.split(labels.to(device), batch_size)
