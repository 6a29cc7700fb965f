"""The networks of StyleGAN2 as NVIDIA's code of StyleGAN2-ADA and StyleGAN3 saves them.

Karras et al. 2020 (arXiv 1912.04958, arXiv 2006.06676). What the shapes of weights do not say, such
as the bound of activations, comes from the attributes of modules; where a file has weights alone,
the authors' defaults hold, which are those of ``conf/network``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ganzoo.checkpoints.trust import LONGEST_NAME
from ganzoo.errors import InputError
from ganzoo.foreign_weights.names import Table, translated
from ganzoo.foreign_weights.networks import Imported, Network, Weights, players_of

FIRST = 4  # the resolution of the constant
CONSTANT = "synthesis.b4.const"
NO_STATE = ("resample_filter", "noise_const")
"""What ours has no parameters or buffers for: the filter is a setting, noise an argument."""
ACTIVATIONS = {"lrelu", "linear"}
FORMS = {
    "resnet": "stylegan2_residual",
    "skip": "stylegan2_skip",
    "orig": "stylegan2_plain",
}


def level_of(resolution: str) -> int:
    """How often the first maps are doubled for those of a resolution."""
    return (int(resolution) // FIRST).bit_length() - 1


def _convolution(match: re.Match[str]) -> str:
    """Theirs are two at each resolution, of which the smallest has the second alone."""
    return f"{match[1]}layers.{2 * level_of(match[2]) - 1 + int(match[3])}.{match[4]}"


def _image(match: re.Match[str]) -> str:
    return f"{match[1]}to_images.{level_of(match[2])}.{match[3]}"


PARAMETER = r"((?:affine\.)?(?:weight|bias)|noise_strength)"
GENERATOR: Table = [
    (r"(mapping\.)?embed\.(\w+)", r"\1label_code.\2"),
    (r"(mapping\.)?fc(\d+)\.(\w+)", r"\1layers.\2.\3"),
    (r"(mapping\.)?w_avg", r"\1mean.value"),
    (r"(synthesis\.)?b4\.const", r"\1constant"),
    (rf"((?:synthesis\.)?)b(\d+)\.conv(\d)\.{PARAMETER}", _convolution),
    (rf"((?:synthesis\.)?)b(\d+)\.torgb\.{PARAMETER}", _image),
]
"""Of a generator, or of its mapping or synthesis alone."""


def discriminator_table(resolution: int) -> Table:
    """Theirs are named by the resolution, ours counted from the images' own."""

    def place(match: re.Match[str]) -> int:
        return (resolution // int(match[1])).bit_length() - 1

    def block(match: re.Match[str]) -> str:
        layer = {"0": "first", "1": "second"}[match[2]]
        return f"blocks.{place(match)}.{layer}.convolution.{match[3]}"

    return [
        (r"b(\d+)\.fromrgb\.(\w+)", lambda m: f"from_images.{place(m)}.convolution.{m[2]}"),
        (r"b(\d+)\.conv([01])\.(\w+)", block),
        (r"b(\d+)\.skip\.(\w+)", lambda m: f"blocks.{place(m)}.skip.{m[2]}"),
        (r"b4\.conv\.(\w+)", r"last.convolution.\1"),
        (r"b4\.fc\.(\w+)", r"hidden.\1"),
        (r"b4\.out\.(\w+)", r"output.\1"),
        (r"mapping\.embed\.(\w+)", r"label_mapping.label_code.\1"),
        (r"mapping\.fc(\d+)\.(\w+)", r"label_mapping.layers.\1.\2"),
    ]


def is_stylegan2(weights: Weights) -> bool:
    """Whether these are weights of one of the networks."""
    return CONSTANT in weights or "b4.fc.weight" in weights


def imported(networks: Sequence[Network]) -> Imported:
    """The model of generators, and of a discriminator where there is one.

    Raises:
        InputError: if a weight is missing or unknown, or the networks are no such ones.
    """
    found = players_of(networks, lambda network: CONSTANT in network.weights)
    generator = found["generator"]
    settings = generator_settings(generator)
    states = {
        "generator": translated(generator.weights, GENERATOR, NO_STATE),
        "ema.generator.network": translated(found["averaged"].weights, GENERATOR, NO_STATE),
    }
    if "discriminator" in found:
        other = found["discriminator"]
        settings |= discriminator_settings(other)
        states["discriminator"] = discriminator_state(other.weights)
    return Imported("stylegan2", "image_folder", settings, states)


def discriminator_state(weights: Weights) -> dict[str, Tensor]:
    """The weights of a discriminator by our names."""
    table = discriminator_table(max(_resolutions(weights)))
    return translated(weights, table, NO_STATE)


def generator_settings(network: Network) -> dict[str, Any]:
    """What our config is told so that it makes a generator.

    Raises:
        InputError: if it is of a form that ours is not.
    """
    weights, attributes = network.weights, network.attributes
    sizes = _resolutions(weights, "synthesis.")
    if missing := [f"b{n}" for n in sizes if f"synthesis.b{n}.torgb.weight" not in weights]:
        raise InputError(
            f"has a generator of the form orig or resnet, without images of {missing[0]}, and ours "
            "is of the form skip"
        )
    style_dim = weights["synthesis.b4.conv1.affine.weight"].shape[1]
    labels = weights.get("mapping.embed.weight")
    joined = 0 if labels is None else len(labels)
    place = "network.generator."
    return {
        "dataset.channels": len(weights["synthesis.b4.torgb.weight"]),
        "dataset.image_size": max(sizes),
        "dataset.num_classes": None if labels is None else labels.shape[1],
        "network.latent.latent_dim": weights["mapping.fc0.weight"].shape[1] - joined,
        f"{place}style_dim": style_dim,
        f"{place}mapping_layers": _mapping_layers(weights),
        **_widths(place, [len(weights[f"synthesis.b{n}.conv1.weight"]) for n in sizes]),
        **_common(place, network, f"synthesis.b{max(sizes)}."),
        **_told(place, attributes, {"mean_decay": "mapping.w_avg_beta"}),
    }


def discriminator_settings(network: Network) -> dict[str, Any]:
    """What our config is told so that it makes a discriminator.

    Raises:
        InputError: if the network is no such one.
    """
    weights = network.weights
    sizes = _resolutions(weights)
    larger = [len(weights[f"b{n}.conv0.weight"]) for n in sizes[1:]]
    smallest, joined, *_ = weights["b4.conv.weight"].shape
    place = "network.discriminator."
    settings = {
        "network.discriminator": FORMS[_form(weights, sizes)],
        f"{place}group_features": joined - smallest,
        **_widths(place, [smallest, *larger]),
        **_common(place, network, f"b{max(sizes)}."),
        **_told(place, network.attributes, {"group_size": "b4.mbstd.group_size"}),
    }
    if "mapping.embed.weight" in weights:
        settings[f"{place}mapping_layers"] = _mapping_layers(weights)
    return settings


def _form(weights: Weights, sizes: Sequence[int]) -> str:
    if f"b{max(sizes)}.skip.weight" in weights:
        return "resnet"
    return "skip" if "b4.fromrgb.weight" in weights else "orig"


def _resolutions(weights: Weights, prefix: str = "") -> list[int]:
    """All of them, the smallest first, of which some may lack weights."""
    found = [re.match(rf"{re.escape(prefix)}b(\d+)\.", name) for name in weights]
    largest = max(int(match[1]) for match in found if match)
    return [FIRST * 2**level for level in range(level_of(str(largest)) + 1)]


def _mapping_layers(weights: Weights) -> int:
    return sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", name)) for name in weights)


def _widths(place: str, widths: Sequence[int]) -> dict[str, int]:
    """The settings of channels, from those of all sizes, the smallest first.

    Raises:
        InputError: if they do not double up to a most.
    """
    doubling = [min(widths[-1] * 2**level, max(widths)) for level in range(len(widths))]
    if doubling[::-1] != list(widths):
        raise InputError(f"has a network of {list(widths)} channels, and ours double up to a most")
    return {f"{place}width": widths[-1], f"{place}max_width": max(widths)}


def _common(place: str, network: Network, largest: str) -> dict[str, Any]:
    """What both networks say alike: filter, bound of activations, and rates.

    Args:
        place: Of the settings.
        network: One of them.
        largest: Start of the names of what works at the largest resolution.

    Raises:
        InputError: if activations are others than ours.
    """
    others = {
        value
        for name, value in network.attributes.items()
        if name.rpartition(".")[2] == "activation" and value not in ACTIVATIONS
    }
    if others:
        first = min(map(str, others))[:LONGEST_NAME]
        raise InputError(f"has networks with the activation {first!r}, and ours have lrelu")
    kernel = network.weights.get(f"{largest}resample_filter")
    names = {"clamp": f"{largest}conv1.conv_clamp", "lr_multiplier": "mapping.fc0.bias_gain"}
    settings = _told(place, network.attributes, names)
    if kernel is not None:
        settings[f"{place}taps"] = kernel.sum(dim=0).tolist()
    return settings


def _told(place: str, attributes: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Settings that the attributes of modules give, by our names for them."""
    return {
        f"{place}{ours}": attributes[name] for ours, name in names.items() if name in attributes
    }
