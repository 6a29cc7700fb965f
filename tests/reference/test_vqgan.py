"""VQGAN's discriminator, quantizer, adaptive weight and losses."""

import pytest
import torch
from torch import Tensor, nn

from ganzoo.losses import AdversarialTerm, Hinge, NonSaturating
from ganzoo.networks.activation_norm import ActivationNorm
from ganzoo.networks.normalization import BatchNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator
from ganzoo.networks.vector_quantizer import VectorQuantizer
from tests.reference.cases import Case, Table, cases, count_rows, gradients, load, state_after

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
# The authors' names for ours, in all cases.
NAMES: Table = [
    (r"main\.(\d+)\.loc", r"layers.\1.shift"),
    (r"main\.(\d+)\.initialized", r"layers.\1._extra_state"),
    (r"main\.(\d+\.\w+)", r"layers.\1"),
    (r"embedding\.weight", "codebook"),
    (r"(weight|bias)", r"\1"),
]
# Where nothing is said.
USUAL = {
    "disc_factor": 1.0,
    "disc_weight": 1.0,
    "disc_start": 0,
    "perceptual_weight": 1.0,
    "codebook_weight": 1.0,
}
LOSSES = {"hinge": Hinge(), "vanilla": NonSaturating(label_smoothing=0.0)}
# Which of beta and 1 is the weight of which loss.
WEIGHTS = {
    "legacy": ("codebook_weight", "commitment_weight"),
    "corrected": ("commitment_weight", "codebook_weight"),
}


def kind_of(case: Case) -> str:
    """Which of the tests below a case is for, by what it holds."""
    signs = {
        "input.gradient_of_adversarial": "adaptive weight",
        "input.z": "quantizer",
        "input.features": "loss",
    }
    return next((kind for name, kind in signs.items() if name in case.tensors), "network")


def every(kind: str):
    return pytest.mark.parametrize("case", cases("vqgan_*", of=lambda case: kind_of(case) == kind))


def told(case: Case) -> dict:
    return USUAL | case.configuration


def discriminator(case: Case, shape: torch.Size, weights: dict[str, Tensor]) -> nn.Module:
    """The case's PatchGAN. What its settings leave out its weights tell."""
    kernels = [value for value in weights.values() if value.shape[2:] == (4, 4)]
    seen = {
        "ndf": min(kernel.shape[0] for kernel in kernels if kernel.shape[0] > 1),
        "n_layers": len(kernels) - 2,
        "use_actnorm": any(name.endswith(".loc") for name in weights),
    }
    settings = seen | case.configuration
    network = PatchGANDiscriminator(
        shape=list(shape),
        width=settings["ndf"],
        downsamplings=settings["n_layers"],
        normalization=ActivationNorm() if settings["use_actnorm"] else BatchNorm(),
    )
    return load(network, weights, NAMES)


@every("network")
@both_precisions
def test_outputs_and_statistics(case, dtype):
    image = case.inputs(dtype)["image"]
    network = discriminator(case, image.shape[1:], case.weights(dtype))
    found = {"output.eval": network.eval()(image)}
    found["output.train"] = network.train()(image)
    case.check(found | state_after(case, "one_train_forward", network, NAMES))


@every("quantizer")
@both_precisions
def test_quantizer(case, dtype):
    found = {}
    for form, (first, second) in WEIGHTS.items():
        weights = {first: case.configuration["beta"], second: 1.0}
        quantizer = VectorQuantizer(
            num_codes=case.configuration["codes"],
            code_dim=case.configuration["dimension"],
            **weights,
        )
        load(quantizer, case.weights(dtype, form), NAMES)
        z = case.inputs(dtype)["z"].requires_grad_()
        quantized = quantizer(z)
        found[f"output.{form}_quantised"] = quantized.codes
        found[f"output.{form}_indices"] = quantized.indices.flatten()
        found[f"loss.{form}"] = loss = sum(quantized.losses.values())
        ramp = torch.arange(z.numel(), dtype=dtype).view(z.shape) / z.numel()
        total = loss + (quantized.codes * ramp).sum()
        found |= slopes(case, form, {"z": z, "embedding": quantizer.codebook}, total)
    case.check(found)


def slopes(case: Case, term: str, values: dict[str, Tensor], total: Tensor) -> dict[str, Tensor]:
    """The gradients by those of the values that a case has under their names."""
    names = [name for name in values if f"gradient.{term}.{name}" in case.expected]
    found = torch.autograd.grad(total, [values[name] for name in names])
    return {f"gradient.{term}.{name}": slope for name, slope in zip(names, found, strict=True)}


@every("adaptive weight")
@both_precisions
def test_adaptive_weight(case, dtype):
    inputs = case.inputs(dtype)
    last = inputs["last"].requires_grad_()
    term = AdversarialTerm(discriminator=nn.Identity())
    reconstruction, adversarial = (
        (inputs[f"gradient_of_{name}"] * last).sum() for name in ("reconstruction", "adversarial")
    )
    weights = [
        told(case)["disc_weight"] * term.adaptive_weight(reconstruction, size * adversarial, last)
        for size in (1, 1e-12)
    ]
    names = ("output.weight", "output.weight_when_adversarial_gradient_is_tiny")
    case.check(dict(zip(names, weights, strict=True)))


@every("loss")
@both_precisions
def test_losses_before_and_after_the_start(case, dtype):
    """The decoder of a case is its last layer and a hyperbolic tangent."""
    settings, inputs = told(case), case.inputs(dtype)
    weights = case.weights(dtype, "discriminator")
    network = discriminator(case, inputs["image"].shape[1:], weights)
    found = {}
    for moment, step in (("before_start", -1), ("after_start", 0)):
        step += settings["disc_start"]
        found |= generator_terms(case, dtype, network, moment, step)
        found |= discriminator_terms(case, dtype, network, moment, step)
    case.check(found)


def adversarial_term(case: Case, network: nn.Module, loss: str) -> AdversarialTerm:
    """The authors' factor is of both players' losses, and their logged weight is without it."""
    settings = told(case)
    return AdversarialTerm(
        discriminator=network,
        loss=LOSSES[loss],
        weight=settings["disc_factor"] * settings["disc_weight"],
        discriminator_weight=settings["disc_factor"] / 2,
        start=settings["disc_start"],
    )


def decoder(case: Case, dtype: torch.dtype) -> nn.Conv2d:
    weights = case.weights(dtype, "last")
    channels_out, channels_in, *kernel = weights["weight"].shape
    return load(nn.Conv2d(channels_in, channels_out, kernel, padding="same"), weights, NAMES)


def generator_terms(case, dtype, network, moment, step):
    settings, inputs, last = told(case), case.inputs(dtype), decoder(case, dtype)
    features = inputs["features"].requires_grad_()
    fake = torch.tanh(last(features))
    errors = (inputs["image"] - fake).abs() + settings["perceptual_weight"] * inputs["perceptual"]
    reconstruction = errors.mean()
    term = adversarial_term(case, network, "hinge")
    added = term.generator_term(
        fake,
        inputs["image"],
        step=step,
        reconstruction_loss=reconstruction,
        last_layer=last.weight,
    )
    total = reconstruction + added.loss + settings["codebook_weight"] * inputs["codebook_loss"]
    adversarial = term.loss.generator(network(fake))["adversarial"]
    adaptive = term.adaptive_weight(reconstruction, adversarial, last.weight)
    values = {"features": features, "last.weight": last.weight, "last.bias": last.bias}
    return {
        f"loss.{moment}.generator_total": total,
        f"loss.{moment}.nll_loss": reconstruction,
        f"loss.{moment}.g_loss": adversarial,
        f"loss.{moment}.d_weight": settings["disc_weight"] * adaptive,
    } | slopes(case, moment, values, total)


def discriminator_terms(case, dtype, network, moment, step):
    inputs, found = case.inputs(dtype), {}
    fake = torch.tanh(decoder(case, dtype)(inputs["features"]))
    for loss in LOSSES:
        name = f"{moment}.discriminator_{loss}"
        if f"loss.{name}" in case.expected:
            term = adversarial_term(case, network, loss)
            value = term.discriminator_term(inputs["image"], fake, step=step).loss
            found |= {f"loss.{name}": value, **gradients(case, name, network, NAMES, value)}
    return found


@pytest.mark.parametrize("row", count_rows("VQGAN"))
def test_parameters_of_the_published_sizes(row):
    words = row["configuration"].split()
    network = PatchGANDiscriminator(
        shape=[3, 256, 256],
        width=int(words[words.index("ndf") + 1].strip(",")),
        downsamplings=int(words[words.index("layers,") - 1]),
        normalization=BatchNorm(),
    )
    assert sum(value.numel() for value in network.parameters()) == row["discriminator"]
