"""The networks of R3GAN from the authors' words."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.foreign_weights.names import Table
from ganzoo.foreign_weights.r3gan import KERNEL
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from tests.reference.cases import Case, load

Told = Mapping[str, Any]


def told(words: Told, start: str) -> Any:
    """The setting whose description starts with these words."""
    (found,) = (value for name, value in words.items() if name.startswith(start))
    return found


def taps(given: list[float]) -> list[float]:
    """The filter that the authors use, which is theirs after one more mean of neighbours."""
    return [left + right for left, right in zip([0, *given], [*given, 0], strict=True)]


def common(words: Told, smallest_first: bool) -> dict[str, Any]:
    order = slice(None) if smallest_first else slice(None, None, -1)
    widths, groups = told(words, "width")[order], told(words, "cardinality")[order]
    return {
        "num_classes": words.get("c_dim") or None,
        "embedding_dim": told(words, "condition embedding"),
        "width": widths,
        "max_width": max(widths),
        "group_width": [width // count for width, count in zip(widths, groups, strict=True)],
        "blocks": told(words, "residual blocks")[order],
        "expansion": told(words, "expansion"),
        "taps": taps(words.get("resampling filter given", [1, 2, 1])),
        "negative_slope": 0.2,
        "bfloat16_sizes": 0,
    }


def generator(words: Told) -> R3GANGenerator:
    size = words["image resolution"]
    dim = words["noise dimension"]
    return R3GANGenerator(latent_dim=dim, shape=[3, size, size], **common(words, True))


def discriminator(words: Told) -> R3GANDiscriminator:
    size = 4 * 2 ** (len(told(words, "width")) - 1)
    return R3GANDiscriminator(shape=[3, size, size], **common(words, False))


def loaded(network: nn.Module, table: Table, case: Case, dtype: torch.dtype, name: str = "") -> Any:
    """Our network with the weights of a case."""
    weights = case.weights(dtype, name)
    kernels = {key: weights.pop(key) for key in list(weights) if key.endswith(KERNEL)}
    load(network, weights, table)
    for kernel, transition in zip(kernels.values(), network.transitions, strict=True):
        torch.testing.assert_close(transition.kernel, kernel)
    return network


def labels(inputs: Mapping[str, Tensor]) -> Tensor | None:
    """Classes from the authors' one-hot vectors."""
    return inputs["c"].argmax(dim=1) if "c" in inputs else None
