"""StyleGAN2's generator: resampling, mapping, modulated convolutions, synthesis and path length."""

import re
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from ganzoo.foreign_weights.stylegan2 import GENERATOR
from ganzoo.networks.equalized import leaky_relu, same_size_convolution, with_bias
from ganzoo.networks.resampling import (
    downsample,
    downsampling_convolution,
    low_pass,
    resample,
    upsample,
    upsampling_convolution,
)
from ganzoo.networks.style_layers import clamped, modulated, modulated_convolution
from ganzoo.penalties.context import Context
from ganzoo.penalties.path_length import PathLength, path_lengths
from tests.reference import stylegan2
from tests.reference.cases import FOLDER, Case, cases, count_rows, gradients
from tests.reference.stylegan2 import (
    SLOPE,
    constant_noise,
    in_order,
    labels_of,
    loaded,
    no_noise,
    outputs_of,
    settings,
    told_of_count,
)

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def kind_of(case: Case) -> str:
    """Which of the tests below a case is for, by what it holds."""
    signs = {
        "input.filter_1d": "primitives",
        "input.styles": "convolution",
        "input.path_length_noise": "losses",
        "weights.w_avg": "mapping",
        "weights.mapping.w_avg": "generator",
        "input.ws": "synthesis",
    }
    return next((kind for name, kind in signs.items() if name in case.tensors), "other")


def every(kind: str):
    found = cases("stylegan2_*", of=lambda case: kind_of(case) == kind)
    return pytest.mark.parametrize("case", found)


WAYS = ("correlation", "convolution")
# Upsampling by another factor in each direction, and activations that StyleGAN2 has none of.
NOT_OURS = re.compile(r"output\.(up_x2_y1_.*|bias_act_(relu|tanh|sigmoid|elu|selu|softplus|swish))")


@every("primitives")
@both_precisions
def test_resampling_and_activations(case, dtype):
    inputs = case.inputs(dtype)
    x, asymmetric = inputs["x"], inputs["filter_asymmetric"]
    filters = {"": low_pass([1, 3, 3, 1]).to(dtype), "_asymmetric_filter": asymmetric}
    kernel, line = filters[""], inputs["filter_1d"]
    about = {"padding": [2, 1, 2, 1], "gain": 4}
    thirds = {"up": 2, "down": 3, "padding": [3, 0, 1, 2]}
    found = {
        "filter_1331_normalised": kernel,
        "upsample2d_up2": upsample(x, kernel),
        "downsample2d_down2": downsample(x, kernel),
        "filter2d": resample(x, kernel, padding=[2, 1, 2, 1]),
        "up2_gain4": resample(x, kernel, up=2, **about),
        "up2_down2_pad_2_1_2_1_gain_4": resample(x, kernel, up=2, down=2, **about),
        "negative_padding_-1_1_-2_0": resample(x, kernel, padding=[-1, 1, -2, 0]),
        "asymmetric_filter_not_flipped": resample(x, asymmetric, **thirds),
        "asymmetric_filter_flipped": resample(x, asymmetric.flip(0, 1), **thirds),
        "separable_1d_filter": resample(x, line.outer(line), up=2, padding=[3] * 4, gain=4),
        "upsample2d_asymmetric": upsample(x, asymmetric),
        "downsample2d_asymmetric": downsample(x, asymmetric),
    }
    found |= convolutions(inputs, filters) | activations(x, inputs["bias3"])
    found = {f"output.{name}": value for name, value in found.items()}
    case.check(found, of=lambda name: not NOT_OURS.fullmatch(name))


def convolutions(inputs: dict[str, Tensor], filters: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those that keep the size, double and halve it; upsampling flips where others do not."""
    x, large, small = (inputs[name] for name in ("x", "weight3", "weight1"))
    found = {}
    for flip, (kind, other) in enumerate(zip(WAYS, reversed(WAYS), strict=True)):
        weight = large.flip(2, 3) if flip else large
        found[f"conv3_pad1_{kind}"] = same_size_convolution(x, weight)
        for name, kernel in filters.items():
            found[f"conv3_up2_pad1{name}_{other}"] = upsampling_convolution(x, weight, kernel)
            found[f"conv3_down2_pad1{name}_{kind}"] = downsampling_convolution(x, weight, kernel)
        found[f"conv1_up2_{kind}"] = upsampling_convolution(x, small, filters[""])
        found[f"conv1_down2_{kind}"] = downsampling_convolution(x, small, filters[""])
    return found


def activations(x: Tensor, bias: Tensor) -> dict[str, Tensor]:
    half = leaky_relu(with_bias(x, bias), 0.1) / 2**0.5 * 0.5  # in place of the gain of sqrt(2)
    return {
        "bias_act_linear": with_bias(x, bias),
        "bias_act_lrelu": leaky_relu(with_bias(x, bias), SLOPE),
        "bias_act_lrelu_gain0.5_clamp0.4_alpha0.1": clamped(half, 0.4),
    }


@every("convolution")
@both_precisions
def test_modulated_convolution(case, dtype):
    """The authors' two ways of computing it, on grouped weights and on features, are one here."""
    inputs = case.inputs(dtype)
    x, weight, scales = (inputs[name] for name in ("x", "weight", "styles"))
    kernel = low_pass([1, 3, 3, 1]).to(dtype)
    ways = {
        "same": same_size_convolution,
        "up2": partial(upsampling_convolution, kernel=kernel),
        "down2": partial(downsampling_convolution, kernel=kernel),
    }
    found = {}
    for size, convolution in ways.items():
        found[f"{size}_demodulate_True"] = modulated_convolution(x, weight, scales, convolution)
        found[f"{size}_demodulate_False"] = convolution(modulated(x, scales), weight)
    for normalises in (True, False):
        without = found[f"same_demodulate_{normalises}"]
        found[f"same_noise_demodulate_{normalises}"] = without + inputs["noise"]
    forms = [(name, form) for name in found for form in ("grouped", "scaled")]
    case.check({f"output.{name}_{form}": found[name] for name, form in forms})


@every("mapping")
@both_precisions
def test_mapping_truncation_and_the_mean_of_styles(case, dtype):
    inputs = case.inputs(dtype)
    network = loaded(stylegan2.mapping, case.configuration, case, dtype)
    given = inputs["z"], labels_of(inputs)
    found = {}
    for name in case.expected:
        if match := re.fullmatch(r"output\.w(?:_psi_(\d\.\d+))?(?:_cutoff_(\d+))?", name):
            psi, cutoff = match[1] and float(match[1]), match[2] and int(match[2])
            found[name] = network(*given, truncation=psi, cutoff=cutoff)
    network.train()(*given)
    network.mean.move()
    found["state_after.w_avg_after_one_update"] = network.mean.value
    case.check(found)


@every("synthesis")
@both_precisions
def test_synthesis_and_all_its_layers(case, dtype):
    inputs = case.inputs(dtype)
    network = loaded(stylegan2.synthesis, case.configuration, case, dtype)
    drawn = [inputs[f"random_noise_{index}"] for index in range(len(network.layers))]
    modes = {"const": constant_noise(case, dtype), "none": no_noise, "random": in_order(drawn)}
    found = {}
    for mode, noise in modes.items():
        with outputs_of(layers(network)) as seen:
            found[f"image_noise_{mode}"] = network(inputs["ws"], noise=noise)
        if mode != "random":
            found |= {f"{name}_noise_{mode}": value for name, value in seen.items()}
            found |= {f"{name}_noise_{mode}": value for name, value in sums(network, seen).items()}
    found["image_noise_const_not_fused"] = found["image_noise_const"]
    case.check({f"output.{name}": value for name, value in found.items()})


def layers(network) -> dict[str, torch.nn.Module]:
    """The layers by the authors' names."""
    found = {}
    for index, layer in enumerate(network.layers):
        found[f"layer_b{4 * 2 ** ((index + 1) // 2)}.conv{(index + 1) % 2}"] = layer
    largest = len(network.layers) // 2
    for level, layer in enumerate(network.to_images, start=largest - len(network.to_images) + 1):
        found[f"layer_b{4 * 2**level}.torgb"] = layer
    return found


def sums(network, seen: dict[str, Tensor]) -> dict[str, Tensor]:
    """The image at each size, from what is added to it there."""
    found, image = {}, None
    for name in (name for name in seen if name.endswith("torgb")):
        image = seen[name] + (0 if image is None else upsample(image, network.kernel))
        found[name.replace("layer_", "rgb_after_").removesuffix(".torgb")] = image
    return found


@every("generator")
@both_precisions
def test_whole_generator(case, dtype):
    inputs = case.inputs(dtype)
    network = loaded(stylegan2.generator, case.configuration, case, dtype)
    found = {}
    for name in case.expected:
        psi = re.fullmatch(r"output\.image(?:_psi_(\d\.\d+))?", name)[1]
        found[name] = network(
            inputs["z"],
            labels_of(inputs),
            truncation=psi and float(psi),
            noise=constant_noise(case, dtype),
        )
    case.check(found)


@every("losses")
@both_precisions
def test_path_length(case, dtype):
    """Of these terms it is the one that has no discriminator in it."""
    inputs, told = case.inputs(dtype), case.configuration
    said = Case(FOLDER / f"{told['G'].removeprefix('as ')}.json").configuration
    network = loaded(stylegan2.generator, said, case, dtype, "G").train()
    noise = constant_noise(case, dtype, "G")
    count = len(inputs["z"]) // told["pl_batch_shrink"]
    penalty = PathLength(weight=told["pl_weight"], interval=1, decay=1 - told["pl_decay"]).to(dtype)
    penalty.average.mean.copy_(inputs["path_length_mean_before"])
    penalty.average.seen.fill_(True)
    context = Context(
        real=inputs["real"][:count],
        labels=labels_of(inputs)[:count],
        generator=SimpleNamespace(
            mapping=network.mapping, synthesis=partial(network.synthesis, noise=noise)
        ),
        draw_latents=lambda size: inputs["z"][:size],
    )
    with patch.object(torch, "randn_like", lambda data: inputs["path_length_noise"]):
        term = penalty(context)
        lengths = path_lengths(context, inputs["z"][:count])
    found = gradients(case, "Greg", network, GENERATOR, term)
    penalty.after_step(SimpleNamespace(name="generator"))
    found["loss.Greg.path_length_mean_after"] = mean = penalty.average.mean
    squares = (lengths - mean).square()
    found["loss.Greg.path_length_penalty_per_sample"] = squares
    found["loss.Greg.path_length_term_per_sample"] = told["pl_weight"] * squares
    torch.testing.assert_close(term, told["pl_weight"] * squares.mean())
    case.check(found, of=lambda name: ".Greg." in name)


@pytest.mark.parametrize("row", count_rows("StyleGAN2(-ADA)"))
def test_published_sizes_have_the_published_number_of_parameters(row):
    told = told_of_count(row["configuration"])
    with torch.device("meta"):
        network = stylegan2.generator(settings(told))
    parts = {"generator": network, "mapping": network.mapping, "synthesis": network.synthesis}
    for name, part in parts.items():
        assert sum(parameter.numel() for parameter in part.parameters()) == row[name], name
