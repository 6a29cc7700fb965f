"""The networks of CycleGAN and pix2pix as their authors save them: one in each file.

Zhu et al. 2017 (arXiv 1703.10593), Isola et al. 2017 (arXiv 1611.07004). Files are told apart by
what is in them; which of a model's networks one is, its name says (``latest_net_G_A.pth``).
"""

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.foreign_weights.names import Table, translated
from ganzoo.foreign_weights.networks import Imported, Network, Weights

DROPOUT = 0.5  # where there is any
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
PLAYER = re.compile(r"(?:.*_)?net_([GD](?:_[AB])?)")
CYCLE_GAN = {
    "G": "a_to_b",
    "G_A": "a_to_b",
    "G_B": "b_to_a",
    "D_A": "discriminator_b",  # their D_A sees pictures of b
    "D_B": "discriminator_a",
}
PIX2PIX = {"G": "generator", "D": "discriminator"}


def _unet_layer(match: re.Match[str]) -> str:
    """From how deep a layer of the authors' nested modules is, and which it is there."""
    depth, number = match[1].count("model."), match[2]
    if depth == 0:
        return f"{'down.0.0' if number == '0' else 'up.0'}.{match[3]}"
    # The innermost has its convolution up at 3, where the others have what is inside them.
    way, layer = {
        "1": ("down", 0),
        "2": ("down", 1),
        "3": ("up", 0),
        "4": ("up", 1),
        "5": ("up", 0),
        "6": ("up", 1),
    }[number]
    return f"{way}.{depth}.{layer}.{match[3]}"


UNET: Table = [(r"model\.((?:model\.\d\.)*)model\.([0-6])\.(\w+)", _unet_layer)]
PATCHGAN: Table = [(r"(?:model|net)\.(\d+\.\w+)", r"layers.\1")]


def resnet_table(blocks: int, *, is_padded: bool) -> Table:
    """The authors have layers for padding, and ours have none: where they are, numbers differ."""
    last = 17 + blocks

    def layer(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"layers.{number - (2 if number == last else 1)}.{match[2]}"

    def in_block(match: re.Match[str]) -> str:
        number = int(match[2])
        paddings = (1 if number < 4 else 2) if is_padded else 0
        return f"layers.{int(match[1]) - 1}.residual.{number - paddings}.{match[3]}"

    return [
        (r"model\.(\d+)\.(\w+)", layer),
        (r"model\.(\d+)\.conv_block\.(\d)\.(\w+)", in_block),
    ]


def is_resnet(weights: Weights) -> bool:
    """Whether these are weights of CycleGAN's generator."""
    return any(re.match(r"model\.\d+\.conv_block\.", name) for name in weights)


def is_unet(weights: Weights) -> bool:
    """Whether these are weights of pix2pix's generator."""
    return "model.model.0.weight" in weights


def is_discriminator(weights: Weights) -> bool:
    """Whether these are weights of a discriminator of patches or pixels."""
    first = weights.get("model.0.weight", weights.get("net.0.weight"))
    return first is not None and first.shape[2:] in {(4, 4), (1, 1)}


def is_translation(weights: Weights) -> bool:
    """Whether these are weights of one of the networks."""
    return is_resnet(weights) or is_unet(weights) or is_discriminator(weights)


def imported(networks: Sequence[Network]) -> Imported:
    """The model of generators, and of discriminators where there are any.

    Raises:
        InputError: if a weight is missing or unknown, the networks are no such ones, or it is not
            said which is which.
    """
    generators = [network for network in networks if not is_discriminator(network.weights)]
    if not generators:
        raise InputError("has no generator: name its file too, file=[GENERATOR,DISCRIMINATOR]")
    paired = is_unet(generators[0].weights)
    settings: dict[str, Any] = {}
    states = {}
    for network in networks:
        part = _part(network, paired)
        if part in states:
            raise InputError(f"is a second network for {part}")
        if is_discriminator(network.weights):
            settings |= _discriminator(network.weights)
            states[part] = _state(network.weights, PATCHGAN)
        else:
            found, table = (_unet if paired else _resnet)(network.weights)
            settings |= found | _channels(found, part)
            states[part] = _state(network.weights, table)
    del settings["inputs"], settings["outputs"]
    if paired:
        return Imported("pix2pix", "paired_folders", settings, states)
    settings["model.target"] = "b" if "a_to_b" in states else "a"
    return Imported("cycle_gan", "unpaired_folders", settings, states)


def _state(weights: Weights, table: Table) -> dict[str, Tensor]:
    """Weights by our names, without statistics that torch before 0.4 noted and did not use.

    It did so of instance normalisation, which leaves biases to all convolutions.
    """
    convolutions = [name for name, value in weights.items() if value.dim() == 4]
    of_instances = all(f"{name.removesuffix('.weight')}.bias" in weights for name in convolutions)
    return translated(weights, table, STATISTICS if of_instances else ())


def _part(network: Network, paired: bool) -> str:
    """Which of a model's networks it is: as the file's name says, or else the only generator."""
    known = PIX2PIX if paired else CYCLE_GAN
    match = PLAYER.fullmatch(network.label)
    if match is None and not is_discriminator(network.weights):
        return known["G"]
    if match is None or match[1] not in known:
        raise InputError(
            f"does not say which network {network.label} is: call the file "
            f"net_{' or net_'.join(known)}"
        )
    return known[match[1]]


def _channels(found: dict[str, Any], part: str) -> dict[str, int]:
    ends = ("b", "a") if part == "b_to_a" else ("a", "b")
    return {
        f"dataset.channels_{end}": found[side]
        for side, end in zip(("inputs", "outputs"), ends, strict=True)
    }


def _normalization(weights: Weights, convolution: str) -> str:
    """Instance normalisation leaves biases to the convolutions, batch normalisation does not."""
    return "instance_without_affine" if f"{convolution}.bias" in weights else "batch"


def _resnet(weights: Weights) -> tuple[dict[str, Any], Table]:
    numbers = {
        int(match[1]): int(match[2])  # of the second convolution
        for name in weights
        if (match := re.fullmatch(r"model\.(\d+)\.conv_block\.(\d)\.weight", name))
        and weights[name].dim() == 4
    }
    blocks, second = len(numbers), max(numbers.values())
    is_padded = "model.10.conv_block.1.weight" in weights
    # A block is [padding,] convolution, normalisation, ReLU [, dropout] and the first two again.
    without_dropout = 5 if is_padded else 3
    settings = {
        "inputs": weights["model.1.weight"].shape[1],
        "outputs": len(weights[f"model.{17 + blocks}.weight"]),
        "network.generator.width": len(weights["model.1.weight"]),
        "network.generator.blocks": blocks,
        "network.generator.dropout": DROPOUT * (second > without_dropout),
        "network.generator.padding_mode": "reflect" if is_padded else "zeros",
        "network.generator_normalization": _normalization(weights, "model.1"),
    }
    return settings, resnet_table(blocks, is_padded=is_padded)


def _unet(weights: Weights) -> tuple[dict[str, Any], Table]:
    depths = [name.count("model.") - 1 for name in weights]
    first = weights["model.model.0.weight"]
    settings = {
        "inputs": first.shape[1],
        "outputs": weights["model.model.3.weight"].shape[1],
        "network.generator.width": len(first),
        "network.generator.downsamplings": max(depths),
        "network.generator_normalization": _normalization(weights, "model.model.0"),
    }
    return settings, UNET


def _discriminator(weights: Weights) -> dict[str, Any]:
    kernels = sorted(
        (name for name, value in weights.items() if value.dim() == 4),
        key=lambda name: int(name.split(".")[1]),
    )
    first, second, *_ = kernels
    settings: dict[str, Any] = {
        "network.discriminator": "patchgan" if first.startswith("model.") else "pixelgan",
        "network.discriminator.width": len(weights[first]),
        "network.discriminator_normalization": _normalization(
            weights, second.removesuffix(".weight")
        ),
    }
    if first.startswith("model."):
        settings["network.discriminator.downsamplings"] = len(kernels) - 2
    return settings
