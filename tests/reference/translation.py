"""The networks of pix2pix and CycleGAN from the authors' words."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from ganzoo.foreign_weights.names import Table
from ganzoo.foreign_weights.translation import DROPOUT, PATCHGAN, UNET, resnet_table
from ganzoo.networks.normalization import BatchNorm, InstanceNorm, NoNorm, Normalization
from ganzoo.networks.patchgan import PatchGANDiscriminator, PixelDiscriminator
from ganzoo.networks.resnet_translation import ResNetTranslationGenerator
from ganzoo.networks.unet import UNetGenerator
from tests.reference.cases import FOLDER, Case, load

FAMILIES = ("pix2pix_*", "cyclegan_*", "patchgan_*")
NORMALIZATIONS = {
    "batch": BatchNorm(),
    "instance": InstanceNorm(affine=False),
    "none": NoNorm(),
    "no": NoNorm(),
}
PADDINGS = {"reflect": "reflect", "replicate": "replicate", "zero": "zeros"}

# What settings are called in sentences such as "PatchGAN 3 layers, ndf 4, batch norm".
WORDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "input_nc": (r"(\d+) (?:input channels|to \d+ channels)", int),
    "output_nc": (r"\d+ to (\d+) channels", int),
    "num_downs": (r"num_downs (\d+)", int),
    "ngf": (r"ngf (\d+)", int),
    "ndf": (r"ndf (\d+)", int),
    "n_blocks": (r"(\d+) blocks", int),
    "n_layers": (r"(\d+) layers", int),
    "norm": (r"(\w+) norm\b", str),
    "padding": (r"(\w+) padding", str),
    "use_dropout": (r"((?:no )?dropout)", lambda words: words == "dropout"),
}
# Where nothing is said.
USUAL = {
    "input_nc": 3,
    "output_nc": 3,
    "num_downs": 8,
    "ngf": 64,
    "ndf": 64,
    "n_blocks": 9,
    "n_layers": 3,
    "norm": "batch",
    "padding": "reflect",
    "use_dropout": False,
}

Told = Mapping[str, Any]


def settings(said: Told | str) -> dict[str, Any]:
    """The authors' settings, from a configuration or from the words for one of several networks."""
    if isinstance(said, Mapping):
        return USUAL | {name: value for name, value in said.items() if name in USUAL}
    if said.startswith("as "):
        return settings(Case(FOLDER / f"{said.removeprefix('as ')}.json").configuration)
    found = {name: (re.search(words, said), kind) for name, (words, kind) in WORDS.items()}
    return USUAL | {name: kind(match[1]) for name, (match, kind) in found.items() if match}


def unet(told: Told, size: tuple[int, ...]) -> nn.Module:
    return UNetGenerator(
        shape=[told["input_nc"], *size],
        out_channels=told["output_nc"],
        width=told["ngf"],
        downsamplings=told["num_downs"],
        dropout=DROPOUT * told["use_dropout"],
        normalization=normalization(told),
    )


def resnet(told: Told, size: tuple[int, ...]) -> nn.Module:
    return ResNetTranslationGenerator(
        shape=[told["input_nc"], *size],
        out_channels=told["output_nc"],
        width=told["ngf"],
        blocks=told["n_blocks"],
        dropout=DROPOUT * told["use_dropout"],
        padding_mode=PADDINGS[told["padding"]],
        normalization=normalization(told),
    )


def patchgan(told: Told, size: tuple[int, ...]) -> nn.Module:
    return PatchGANDiscriminator(
        shape=[told["input_nc"], *size],
        width=told["ndf"],
        downsamplings=told["n_layers"],
        normalization=normalization(told),
    )


def pixel(told: Told, size: tuple[int, ...]) -> nn.Module:
    shape = [told["input_nc"], *size]
    return PixelDiscriminator(shape=shape, width=told["ndf"], normalization=normalization(told))


def normalization(told: Told) -> Normalization:
    """Ours, from such words as "instance (no affine, no running statistics)"."""
    return NORMALIZATIONS[told["norm"].split()[0]]


def loaded(
    case: Case,
    dtype: torch.dtype,
    said: Told | str,
    image: Tensor,
    network: str = "",
    **follows: Any,
) -> tuple[nn.Module, Table]:
    """Our network with the weights of a case, and the table of its names.

    Args:
        case: Holds the weights.
        dtype: The precision.
        said: Its configuration, or the words for this one of its networks.
        image: A picture of the size that it is built for.
        network: Its name where the case has several.
        follows: Settings that follow from those of other networks.
    """
    told, weights = settings(said) | follows, case.weights(dtype, network)
    build, table = _kind(told, " ".join(weights))
    ours = build(told, tuple(image.shape[2:]))
    without = {}
    if isinstance(normalization(told), NoNorm):  # the authors leave biases out there as well
        without = {name: 0 * p for name, p in ours.state_dict().items() if name.endswith("bias")}
    return load(ours, weights, table, without), table


def _kind(told: Told, names: str) -> tuple[Callable[[Told, tuple[int, ...]], nn.Module], Table]:
    """How to build the network that has parameters of these names, and the table of them."""
    if "model.model." in names:
        return unet, UNET
    if "net." in names:
        return pixel, PATCHGAN
    if "conv_block" not in names:
        return patchgan, PATCHGAN
    return resnet, resnet_table(told["n_blocks"], is_padded=told["padding"] != "zero")


@contextmanager
def dropout_masks(inputs: Mapping[str, Tensor]) -> Iterator[None]:
    """Let dropout leave out what ``dropout_mask_0`` and so on say, one at each pass, in order."""
    names = [f"dropout_mask_{n}" for n in range(len(inputs)) if f"dropout_mask_{n}" in inputs]
    masks = [inputs[name] for name in names]

    def forward(self: nn.Dropout, data: Tensor) -> Tensor:
        return data * masks.pop(0) / (1 - self.p)

    with patch.object(nn.Dropout, "forward", forward):
        yield
    assert not masks, "there are fewer layers of dropout than masks"
