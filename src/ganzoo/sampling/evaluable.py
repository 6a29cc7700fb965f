"""Models that say which of their samples are compared with which real ones."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.game.module import AdversarialModule
from ganzoo.metrics.inputs import Generator
from ganzoo.metrics.real_data import RealData, held_out
from ganzoo.metrics.sample_batches import SampleBatches


@runtime_checkable
class Evaluable(Protocol):
    """A model whose samples can be compared with real ones, or samples that take its place."""

    def reference_data(self, data: RealData) -> RealData:
        """What of a data set the samples are compared with: equal for equal data."""

    def evaluation_samples(
        self, data: RealData, *, count: int, real_labels: Tensor | None, seed: int
    ) -> SampleBatches:
        """Samples by averaged weights where there are any, in evaluation mode.

        Args:
            data: The data set that they are compared with, in training's form.
            count: Number of samples.
            real_labels: Classes of the real samples ``[M]``, or None.
            seed: Chooses latents, or what of the data the samples are made from.

        Raises:
            InputError: if the data do not give what the samples are made from.
        """


class ProcessedSamples:
    """What a model makes of N samples, a batch at a time.

    Args:
        inputs: The samples ``[N, ...]``.
        function: From a batch of them to as many of the model.
        protocol: What a report says of how the results are made.
    """

    labels: Tensor | None = None
    generator: Generator | None = None

    def __init__(
        self,
        inputs: Tensor,
        function: Callable[[Tensor], Tensor],
        protocol: Mapping[str, str],
    ) -> None:
        self.protocol = protocol
        self._inputs, self._function = inputs, function

    def __len__(self) -> int:
        """N."""
        return len(self._inputs)

    def batch(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]``, images clamped to [-1, 1]."""
        return clamped(self._function(self._inputs[start:stop]))


def protocol_of(model: AdversarialModule, samples: str) -> dict[str, str]:
    """What a report says of how samples are made: what they are, and by which weights."""
    return {"samples": samples, "weights": "averaged" if len(model.ema) else "raw"}


def inputs_from(data: RealData, count: int, seed: int) -> tuple[Tensor, str]:
    """Samples that training does not see, else those that it sees, and which these are.

    Raises:
        InputError: if there are fewer than ``count``.
    """
    apart = held_out(data, count, seed)
    inputs: Tensor = (data.real(count, seed) if apart is None else apart)[0]
    words = f"{'training' if apart is None else 'held-out'} samples"
    if len(inputs) < count:
        raise InputError(
            f"{count} samples are asked for, and there are {len(inputs)} {words} to make them "
            f"from: set dataset.evaluation_samples={len(inputs)}"
        )
    return inputs, words


def clamped(samples: Tensor) -> Tensor:
    """Images clamped to [-1, 1], as a picture file does; infinite values stay, to be found."""
    if samples.ndim != 4:
        return samples
    return torch.where(samples.isinf(), samples, samples.clamp(-1, 1))
