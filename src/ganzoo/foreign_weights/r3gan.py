"""The networks of R3GAN as their authors save them (Huang et al. 2024, arXiv 2501.05441)."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.foreign_weights.names import Table, translated
from ganzoo.foreign_weights.networks import Imported, Network, Weights, one_number, players_of

KERNEL = "Kernel"
"""What ours has no buffers of the state for: the filter is a setting."""
TO_IMAGE, FROM_IMAGE = (f"Model.{name}Layer.Layer.weight" for name in ("Aggregation", "Extraction"))
LABELS = "Model.EmbeddingLayer.weight"


def _block(match: re.Match[str], offset: int) -> str:
    kind, number = match[3], int(match[4])
    layer = f"{2 * number - 2}.weight" if kind == "LinearLayer" else f"{2 * number - 1}.bias"
    return f"stages.{match[1]}.{int(match[2]) - offset}.layers.{layer}"


def _transition(match: re.Match[str], offset: int) -> str:
    return f"transitions.{int(match[1]) - offset}.convolution.weight"


LAYERS = r"Model\.MainLayers\.(\d+)\.Layers\.(\d+)\."
BLOCK = LAYERS + r"(LinearLayer|NonLinearity)(\d)\.(?:Layer\.weight|Bias)"
TRANSITION = LAYERS + r"LinearLayer\.Layer\.weight"
EMBEDDING = (re.escape(LABELS), "embedding")

# The transition of a stage is its first layer in the generator, and its last in the discriminator.
GENERATOR: Table = [
    (BLOCK, partial(_block, offset=1)),
    (TRANSITION, partial(_transition, offset=1)),
    (LAYERS + "Basis", "basis"),
    (LAYERS + r"LinearLayer\.weight", "linear"),
    (re.escape(TO_IMAGE), "to_image.weight"),
    EMBEDDING,
]
DISCRIMINATOR: Table = [
    (BLOCK, partial(_block, offset=0)),
    (TRANSITION, partial(_transition, offset=0)),
    (LAYERS + r"Basis\.weight", "basis"),
    (LAYERS + r"LinearLayer\.weight", "linear"),
    (re.escape(FROM_IMAGE), "from_image.weight"),
    EMBEDDING,
]


def is_r3gan(weights: Weights) -> bool:
    """Whether these are weights of one of the networks."""
    return any(re.match(LAYERS, name) for name in weights)


def imported(networks: Sequence[Network]) -> Imported:
    """The model of generators, and of a discriminator where there is one.

    Raises:
        InputError: if a weight is missing or unknown, or the networks are no such ones.
    """
    found = players_of(networks, lambda network: TO_IMAGE in network.weights)
    generator = found["generator"]
    settings: dict[str, Any] = {
        "dataset.channels": len(generator.weights[TO_IMAGE]),
        "dataset.num_classes": _classes(generator.weights),
        "network.latent.latent_dim": _latent_dim(generator.weights),
    }
    settings |= _of_stages("network.generator", generator, smallest_first=True)
    settings["dataset.image_size"] = 4 * 2 ** (len(settings["network.generator.width"]) - 1)
    states = {
        "generator": _state(generator, GENERATOR),
        "ema.generator.network": _state(found["averaged"], GENERATOR),
    }
    if "discriminator" in found:
        other = found["discriminator"]
        settings |= _of_stages("network.discriminator", other, smallest_first=False)
        states["discriminator"] = _state(other, DISCRIMINATOR)
    return Imported("r3gan", "image_folder", settings, states)


def _state(network: Network, table: Table) -> dict[str, Tensor]:
    return translated(network.weights, table, (KERNEL,))


def _classes(weights: Weights) -> int | None:
    return weights[LABELS].shape[1] if LABELS in weights else None


def _latent_dim(weights: Weights) -> int:
    inputs = weights["Model.MainLayers.0.Layers.0.LinearLayer.weight"].shape[1]
    return inputs - (len(weights[LABELS]) if LABELS in weights else 0)


def _of_stages(place: str, network: Network, *, smallest_first: bool) -> dict[str, Any]:
    """The settings of a network that its stages tell, of the smallest maps first."""
    weights = network.weights
    stages = _stages(weights)
    kernels = [value for name, value in weights.items() if name.endswith(KERNEL)]
    if not smallest_first:
        stages.reverse()
    expansion = one_number("expansion", (inner // width for width, inner, *_ in stages))
    widths = [width for width, *_ in stages]
    settings = {
        "width": widths,
        "max_width": max(widths),
        "group_width": [group // expansion for *_, group, _ in stages],
        "blocks": [blocks for *_, blocks in stages],
        "expansion": expansion,
        "bfloat16_sizes": sum(
            value is torch.bfloat16
            for name, value in network.attributes.items()
            if name.endswith(".DataType")
        ),
    }
    if kernels:
        settings["taps"] = kernels[0].sum(dim=0).tolist()
    if LABELS in weights:
        settings["embedding_dim"] = len(weights[LABELS])
    return {f"{place}.{name}": value for name, value in settings.items()}


def _stages(weights: Weights) -> list[tuple[int, int, int, int]]:
    """The channels of each stage, those within its blocks and in one group, and its blocks."""
    first = re.compile(LAYERS + r"LinearLayer1\.Layer\.weight")
    blocks = [match for name in weights if (match := first.fullmatch(name))]
    count = 1 + max((int(match[1]) for match in blocks), default=-1)
    if not count:
        raise InputError("has a network of R3GAN without blocks")
    found = []
    for stage in range(count):
        mine = [match for match in blocks if int(match[1]) == stage]
        if not mine:
            raise InputError(f"lacks the blocks of stage {stage}")
        inner, width, *_ = weights[mine[0][0]].shape
        grouped = weights[mine[0][0].replace("LinearLayer1", "LinearLayer2")]
        found.append((width, inner, grouped.shape[1], len(mine)))
    return found
