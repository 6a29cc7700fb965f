"""The networks of StyleGAN2 from the authors' words."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.foreign_weights.names import Table
from ganzoo.foreign_weights.stylegan2 import (
    FIRST,
    GENERATOR,
    NO_STATE,
    discriminator_table,
    level_of,
)
from ganzoo.networks.noise import Noise
from ganzoo.networks.shapes import Levels
from ganzoo.networks.style import StyleGenerator
from ganzoo.networks.style_discriminator import (
    PlainStyleDiscriminator,
    ResidualStyleDiscriminator,
    SkipStyleDiscriminator,
    StyleDiscriminator,
)
from ganzoo.networks.style_mapping import StyleMapping
from ganzoo.networks.style_synthesis import (
    PlainStyleSynthesis,
    ResidualStyleSynthesis,
    StyleSynthesis,
)
from tests.reference.cases import Case, load

Told = Mapping[str, Any]

# Where nothing is said.
USUAL = {
    "z_dim": 512,
    "c_dim": 0,
    "w_dim": 512,
    "img_channels": 3,
    "num_layers": 8,
    "lr_multiplier": 0.01,
    "w_avg_beta": 0.998,
    "channel_base": 32768,
    "channel_max": 512,
    "resample_filter": [1, 3, 3, 1],
    "conv_clamp": 256,
}
SLOPE = 0.2


def settings(said: Told) -> dict[str, Any]:
    told = USUAL | dict(said)
    return told | {"num_layers": told.get("mapping layers", told["num_layers"])}


def width(told: Told) -> int:
    """The channels of the largest maps, from which ours double as theirs are halved."""
    assert told["channel_base"] % told["img_resolution"] == 0
    return min(told["channel_base"] // told["img_resolution"], told["channel_max"])


def mapping(told: Told) -> StyleMapping:
    return StyleMapping(
        latent_dim=told["z_dim"],
        style_dim=told["w_dim"],
        copies=told["num_ws"],
        layers=told["num_layers"],
        num_classes=told["c_dim"] or None,
        lr_multiplier=told["lr_multiplier"],
        negative_slope=SLOPE,
        mean_decay=told["w_avg_beta"],
    )


SYNTHESES = {
    "skip": StyleSynthesis,
    "orig": PlainStyleSynthesis,
    "resnet": ResidualStyleSynthesis,
}


def synthesis(told: Told) -> StyleSynthesis:
    halvings = (told["img_resolution"] // FIRST).bit_length() - 1
    return SYNTHESES[told.get("architecture", "skip")](
        channels=told["img_channels"],
        levels=Levels(halvings, (FIRST, FIRST)),
        style_dim=told["w_dim"],
        width=width(told),
        max_width=told["channel_max"],
        taps=told["resample_filter"],
        negative_slope=SLOPE,
        clamp=told["conv_clamp"],
    )


def generator(told: Told) -> StyleGenerator:
    size = told["img_resolution"]
    return StyleGenerator(
        latent_dim=told["z_dim"],
        shape=[told["img_channels"], size, size],
        num_classes=told["c_dim"] or None,
        style_dim=told["w_dim"],
        mapping_layers=told["num_layers"],
        lr_multiplier=told["lr_multiplier"],
        mean_decay=told["w_avg_beta"],
        width=width(told),
        max_width=told["channel_max"],
        taps=told["resample_filter"],
        negative_slope=SLOPE,
        clamp=told["conv_clamp"],
    )


FORMS = {
    "resnet": ResidualStyleDiscriminator,
    "orig": PlainStyleDiscriminator,
    "skip": SkipStyleDiscriminator,
}


def discriminator(told: Told) -> StyleDiscriminator:
    size = told["img_resolution"]
    return FORMS[told.get("architecture", "resnet")](
        shape=[told["img_channels"], size, size],
        num_classes=told["c_dim"] or None,
        mapping_layers=told.get("mapping layers of the label") or told["num_layers"],
        lr_multiplier=told["lr_multiplier"],
        width=width(told),
        max_width=told["channel_max"],
        group_size=told.get("mbstd_group_size", 4),
        group_features=told.get("mbstd_num_channels", 1),
        taps=told["resample_filter"],
        negative_slope=SLOPE,
        clamp=told["conv_clamp"],
    )


def loaded_discriminator(
    said: Told, case: Case, dtype: torch.dtype, network: str = ""
) -> tuple[StyleDiscriminator, Table]:
    """Our network with the weights of a case, and the table of names."""
    told = settings(said)
    names = discriminator_table(told["img_resolution"])
    weights = case.weights(dtype, network)
    kept = {name: value for name, value in weights.items() if not name.endswith(NO_STATE)}
    ours: Any = load(discriminator(told), kept, names)
    for name, value in weights.items():
        if name.endswith("resample_filter"):
            assert torch.equal(value, ours.kernel), name
    return ours, names


# Of forms without a sum of images, whose largest maps alone become one.
NAMES_WITHOUT_SUM: Table = [
    (r"b\d+\.torgb\.(affine\.\w+|\w+)", r"to_images.0.\1"),
    (r"b(\d+)\.skip\.weight", lambda match: f"skips.{level_of(match[1]) - 1}.weight"),
    *GENERATOR,
]


def loaded(
    build: Callable[[Told], nn.Module],
    said: Told,
    case: Case,
    dtype: torch.dtype,
    network: str = "",
) -> Any:
    """Our network with the weights of a case, in evaluation mode."""
    weights = case.weights(dtype, network)
    kept = {name: value for name, value in weights.items() if not name.endswith(NO_STATE)}
    told = settings(said)
    names = GENERATOR if told.get("architecture", "skip") == "skip" else NAMES_WITHOUT_SUM
    ours = load(build(told), kept, names).eval()
    for name, value in weights.items():
        if name.endswith("resample_filter"):
            kernel = getattr(ours, "synthesis", ours).kernel
            assert torch.equal(value, kernel), name
    return ours


def constant_noise(case: Case, dtype: torch.dtype, network: str = "") -> Noise:
    """Theirs of the mode "const": maps that they keep, one for each layer."""
    stored = {
        tuple(map(int, re.findall(r"b(\d+)\.conv(\d)\.noise_const", name)[0])): value
        for name, value in case.weights(dtype, network).items()
        if name.endswith("noise_const")
    }
    return in_order([stored[place] for place in sorted(stored)])


def in_order(maps: list[Tensor]) -> Noise:
    """Noise of the layers, one after another, in each pass again."""
    rest = cycle(maps)
    return lambda features: next(rest).expand(len(features), 1, *features.shape[2:])


def no_noise(features: Tensor) -> Tensor:
    return torch.zeros_like(features[:, :1])


@contextmanager
def outputs_of(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What modules return in a pass, by the names given to them."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: seen.update({name: output})

    hooks = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def labels_of(inputs: Mapping[str, Tensor]) -> Tensor | None:
    """Ours are numbers of classes where theirs are one-hot."""
    if "c" not in inputs:
        return None
    assert bool((inputs["c"].sort(dim=1).values[:, :-1] == 0).all())
    return inputs["c"].argmax(dim=1)


def told_of_count(words: str) -> dict[str, Any]:
    """The settings of a published network from the words of its row of counts."""
    told = {
        "img_resolution": re.search(r"(?:\b|paper)(32|256|512|1024)\b", words),
        "channel_base": re.search(r"channel_base (\d+)", words),
        "num_layers": re.search(r"mapping (\d+)", words),
        "c_dim": re.search(r"(\d+) classes", words),
    }
    numbers: dict[str, Any] = {name: int(match[1]) for name, match in told.items() if match}
    if numbers["img_resolution"] == 32:
        numbers["architecture"] = "orig"
    return {"num_layers": 2} | numbers
