"""A model's samples of latents and its generator, as evaluation sees them."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.inputs import Generator
from ganzoo.sampling.evaluable import clamped, protocol_of

if TYPE_CHECKING:
    from ganzoo.sampling.latents import LatentSampler


class GeneratedSamples:
    """N samples of a model's averaged weights, made a batch at a time.

    Latents and classes are drawn at once, so that any batch can be made by any process.

    Args:
        model: What makes the samples.
        count: N.
        real_labels: Classes of real samples ``[M]``, which a model with classes takes in turn, so
            that classes are as frequent as they are there; None lets it choose.
        seed: Chooses the latents.
    """

    def __init__(
        self, model: "LatentSampler", *, count: int, real_labels: Tensor | None, seed: int
    ) -> None:
        wanted: Any = None
        if real_labels is not None and getattr(model, "num_classes", None):
            wanted = real_labels.repeat(-(-count // len(real_labels)))[:count]
        self.generator: Generator | None = AveragedGenerator(model)
        self.protocol = protocol_of(model, "of latents")
        self._model = model
        self._latents, self.labels = model.draw(count, labels=wanted, seed=seed, truncation=None)
        self._noise_seeds = noise_seeds(count, seed)

    def __len__(self) -> int:
        """N."""
        return len(self._latents)

    def batch(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]`` on the model's device, images clamped to [-1, 1]."""
        labels = None if self.labels is None else self.labels[start:stop]
        made = self._model.decode(
            self._latents[start:stop],
            labels,
            averaged=True,
            batch_size=stop - start,
            noise_seeds=self._noise_seeds[start:stop],
        )
        return clamped(made)


class AveragedGenerator:
    """A model's generator with averaged weights.

    Args:
        model: Whose generator it is.
    """

    def __init__(self, model: "LatentSampler") -> None:
        self._model = model

    def latents(self, count: int, *, seed: int) -> Tensor:
        """Draw latents ``[count, Z]``, the same for the same seed, on the model's device."""
        drawn, _ = self._model.draw(count, labels=None, seed=seed, truncation=None)
        return drawn.to(self._model.device)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples ``[B, ...]`` of latents ``[B, Z]``, images clamped to [-1, 1].

        Raises:
            InputError: if the model has classes, which latents alone do not choose.
        """
        classes = getattr(self._model, "num_classes", None)
        if classes:
            raise InputError(
                f"samples of latents alone need a model without classes, this one has {classes}: "
                "leave such metrics out"
            )
        return clamped(self._model.decode(latents, None, averaged=True, batch_size=len(latents)))


def noise_seeds(count: int, seed: int) -> Tensor:
    """Seeds of the noise inside ``count`` samples, int64 ``[count]``."""
    return torch.randint(2**62, (count,), generator=torch.Generator().manual_seed(seed))
