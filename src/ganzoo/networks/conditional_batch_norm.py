"""Batch normalisation with a scale and shift for each class, and the generator that has it.

Dumoulin et al. 2017 (arXiv 1610.07629), section 2.2, with instance normalisation; de Vries et al.
2017 (arXiv 1707.00683), section 3.1, with batch normalisation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.networks.building import takes_argument
from ganzoo.networks.label_codes import check_labels, known_classes
from ganzoo.networks.normalization import BatchNorm


@defaults_from("network/conditioning/base/normalized_generator")
class ConditionalBatchNorm(BatchNorm):
    """Batch normalisation whose scale and shift are those of each sample's class.

    Mean and variance are those of the whole batch, whatever the classes in it.

    Args:
        num_classes: K.
        eps: added to the variance.
        momentum: share of the new batch in the running mean and variance, in (0, 1].

    Raises:
        InputError: if num_classes is None (data without labels), or a number is out of range.
    """

    def __init__(
        self, *, num_classes: int | None, eps: float = FROM_CONFIG, momentum: float = FROM_CONFIG
    ) -> None:
        super().__init__(eps=eps, momentum=momentum)
        self.num_classes = known_classes(num_classes)

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return a `ConditionalBatchLayer`."""
        statistics = (nn.BatchNorm2d if dimensions else nn.BatchNorm1d)(
            features, eps=self.eps, momentum=self.momentum, affine=False
        )
        return ConditionalBatchLayer(statistics=statistics, num_classes=self.num_classes)


class ConditionalBatchLayer(nn.Module):
    """Normalises a batch, then scales and shifts each sample as its class says.

    Scales are one and shifts zero at first, for all classes. A network's initialisation leaves
    them so: DCGAN's, which draws the scales of other normalisations about one, too.

    It has to be told the labels of a batch before its forward, see `labels_of`.

    Args:
        statistics: normalises [B, F] or [B, F, H, W], without a scale and shift.
        num_classes: K.
    """

    def __init__(self, *, statistics: nn.BatchNorm1d | nn.BatchNorm2d, num_classes: int) -> None:
        super().__init__()
        self.statistics = statistics
        self.scale = nn.Parameter(torch.ones(num_classes, statistics.num_features))
        self.shift = nn.Parameter(torch.zeros(num_classes, statistics.num_features))
        self.labels: Tensor | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Normalise [B, F] or [B, F, H, W], shape unchanged.

        Raises:
            InputError: if it was not told the labels.
        """
        if self.labels is None:
            raise InputError(
                "conditional batch normalization was not told the labels: call the network"
                " through its ConditionalNormGenerator, with latents and labels"
            )
        axes = (*self.labels.shape, -1, *[1] * (features.dim() - 2))
        scale = embedding(self.labels, self.scale).view(axes)
        shift = embedding(self.labels, self.shift).view(axes)
        output: Tensor = scale * self.statistics(features) + shift
        return output.to(features.dtype)


class ConditionalNormGenerator(nn.Module):
    """A generator that is told the label by its normalisations alone.

    Args:
        network: builds the generator when called with normalization, which takes the place of the
            one that it may have; all else is bound already.
        normalization: of its layers.

    Raises:
        InputError: if no layer of the generator is normalised.
    """

    def __init__(
        self, *, network: Callable[..., nn.Module], normalization: ConditionalBatchNorm
    ) -> None:
        super().__init__()
        self.num_classes = normalization.num_classes
        normalized = takes_argument(network, "normalization")
        self.network = network(normalization=normalization) if normalized else network()
        if not _layers(self.network):
            raise InputError(
                f"no layer of {type(self.network).__name__} is normalised, so that none could be"
                " told the label: choose network.conditioning=concatenation"
            )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents [B, Z] and labels [B] to points [B, D] or images [B, C, H, W].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_labels(labels, self.num_classes)
        with labels_of(self.network, labels):
            data: Tensor = self.network(latents)
        return data


@contextmanager
def labels_of(network: nn.Module, labels: Tensor) -> Iterator[None]:
    """Tell all conditional layers of a network the labels [B] of the batch it is about to see.

    Outside of it they know none, so that copies and pickles of the network hold no batch.
    """
    layers = _layers(network)
    for layer in layers:
        layer.labels = labels
    try:
        yield
    finally:
        for layer in layers:
            layer.labels = None


def _layers(network: nn.Module) -> list[ConditionalBatchLayer]:
    return [module for module in network.modules() if isinstance(module, ConditionalBatchLayer)]
