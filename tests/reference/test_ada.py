"""The pipe of ADA, its probability, DiffAugment and APA against the numbers of others' code."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
import torch

from ganzoo.augment import (
    AdaptiveProbability,
    AugmentationPipe,
    ColorJitter,
    Cutout,
    DiffAugment,
    ImageFilter,
    PseudoAugmentation,
    RandomColor,
    RandomCutout,
    RandomGeometry,
    RandomNoise,
    Translation,
)
from tests.reference.cases import cases

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)

# The authors' names of transforms, in the order in which they draw.
GEOMETRY = {
    "xflip": "x_flip",
    "rotate90": "rotate_90",
    "xint": "integer_translation",
    "scale": "scale",
    "rotate": "rotate",
    "aniso": "anisotropic_scale",
    "xfrac": "fractional_translation",
}
COLOR = {
    "brightness": "brightness",
    "contrast": "contrast",
    "lumaflip": "luma_flip",
    "hue": "hue",
    "saturation": "saturation",
}


class Script:
    """In place of torch's random numbers those of a case, in their order."""

    def __init__(self, monkeypatch, numbers):
        self.numbers: Iterator = iter(numbers)
        for name, kind in (("rand", "uniform"), ("randn", "normal"), ("randint", "integer")):
            monkeypatch.setattr(torch, name, partial(self.next, kind))
        monkeypatch.setattr(
            torch, "randn_like", lambda like: self.next("normal", *like.shape, dtype=like.dtype)
        )

    def next(self, kind, *shape, dtype=None, **_):
        """The next numbers, which are to be of this kind and in this shape."""
        expected, value = next(self.numbers)
        assert kind == expected
        shape = shape[-1] if kind == "integer" else shape  # after the bounds
        return (value.expand(shape) if value.dim() == 0 else value.reshape(shape)).to(dtype)

    def is_over(self):
        return next(self.numbers, None) is None


def pipe(case, dtype):
    words = case.configuration
    stored = case.weights(dtype)
    found = AugmentationPipe(
        probability=words["p buffer"] if case.name.startswith("ada_random") else 1,
        geometry=RandomGeometry(**{ours: words.get(name, 0) for name, ours in GEOMETRY.items()}),
        color=RandomColor(**{ours: words.get(name, 0) for name, ours in COLOR.items()}),
        image_filter=ImageFilter(multiplier=words.get("imgfilter", 0)),
        noise=RandomNoise(multiplier=words.get("noise", 0)),
        cutout=RandomCutout(multiplier=words.get("cutout", 0)),
    )
    torch.testing.assert_close(found.geometry.taps.to(dtype), stored["Hz_geom"])
    torch.testing.assert_close(found.image_filter.filters.to(dtype), stored["Hz_fbank"])
    found.geometry.taps, found.image_filter.filters = stored["Hz_geom"], stored["Hz_fbank"]
    return found


def at_percentile(words, percentile, channels, noise):
    """The numbers that lead to the transforms which the authors have at a percentile."""
    level = torch.tensor(percentile, dtype=torch.float64)
    chosen = ("uniform", torch.zeros(()))
    uniform = [("uniform", level), chosen]
    normal = [("normal", torch.erfinv(2 * level - 1)), chosen]
    rows = [
        *[("xflip", uniform), ("rotate90", uniform), ("xint", uniform), ("scale", normal)],
        *[("rotate", uniform), ("aniso", normal)],
        ("rotate", [("uniform", torch.tensor(0.5)), chosen]),  # the second turn is none
        *[("xfrac", normal), ("brightness", normal), ("contrast", normal), ("lumaflip", uniform)],
        *([("hue", uniform), ("saturation", normal)] if channels > 1 else []),
        ("imgfilter", normal * 4),
        ("noise", [("normal", torch.erfinv(level)), chosen, ("normal", noise)]),
        ("cutout", uniform[::-1]),
    ]
    return [number for name, numbers in rows if words.get(name) for number in numbers]


@pytest.mark.parametrize(
    "case", cases("ada_*", of=lambda case: "percentile" in case.description.get("mode", ""))
)
@both_precisions
def test_transforms_at_percentiles(case, dtype, monkeypatch):
    augmentation, inputs, found = pipe(case, dtype), case.inputs(dtype), {}
    for name in case.expected:
        kind, percentile = re.fullmatch(r"output\.(\w+)_percentile_([\d.]+)", name).groups()
        images, noise = inputs[kind], inputs.get(f"noise_{kind}")
        numbers = at_percentile(case.configuration, float(percentile), images.shape[1], noise)
        script = Script(monkeypatch, numbers)
        found[name] = augmentation(images)
        assert script.is_over()
    case.check(found)


@pytest.mark.parametrize("case", cases("ada_random_*"))
@both_precisions
def test_random_transforms(case, dtype, monkeypatch):
    augmentation, inputs = pipe(case, dtype), case.inputs(dtype)
    names = sorted(name for name in inputs if name.startswith("draw_"))
    script = Script(monkeypatch, [(name.split("_")[2], inputs[name]) for name in names])
    case.check({"output.image": augmentation(inputs["image"])})
    assert script.is_over()


@pytest.mark.parametrize("case", cases("ada_adaptive_probability"))
def test_the_adaptive_probability(case):
    """Ours is bounded by 1."""
    for words in case.description["sequences"].values():
        probability = AdaptiveProbability(
            first=words["p_before"],
            target=words["target"],
            images_to_one=1000 * words["kimg"],
            interval=words["interval"],
        )
        found, samples = [], words["batch_size"] * words["interval"]
        for mean in words["mean_sign_of_real_logits"]:
            probability.signs.fill_(mean * samples)
            probability.samples.fill_(samples)
            probability.adapt()
            found.append(probability.now)
        bounded = [min(1.0, value) for value in words["p_after_each_update"]]
        assert found == pytest.approx(bounded, abs=1e-7)


POLICIES = {
    "color": ColorJitter(),
    "translation": Translation(),
    "cutout": Cutout(),
}


@pytest.mark.parametrize("case", cases("diffaugment_*"))
@both_precisions
def test_diff_augment(case, dtype, monkeypatch):
    names = case.configuration["policy"].split(",")
    augmentation = DiffAugment(policies={name: POLICIES[name] for name in names})
    inputs, found = case.inputs(dtype), {}
    for kind in ("square", "rect", "grey"):
        draws = sorted(name for name in inputs if name.startswith(f"{kind}_draw_"))
        script = Script(monkeypatch, [(name.split("_")[3], inputs[name]) for name in draws])
        images = inputs[f"image_{kind}"].requires_grad_()
        output = augmentation(images)
        assert script.is_over()
        ramp = torch.arange(output.numel(), dtype=dtype).view_as(output) / output.numel()
        (gradient,) = torch.autograd.grad((output * ramp).sum(), images)
        found |= {f"output.{kind}": output.detach(), f"gradient.image_{kind}": gradient}
    case.check(found)


@pytest.mark.parametrize("case", cases("studiogan_apa"))
@both_precisions
def test_generated_data_shown_as_real(case, dtype, monkeypatch):
    inputs, found = case.inputs(dtype), {}
    for probability in case.configuration["p"]:
        script = Script(monkeypatch, [("uniform", inputs["draw"])])
        mixed = PseudoAugmentation(probability=probability)
        shown = mixed.shown_as_real(inputs["real"], inputs["fake"])
        found[f"output.image_p_{probability}"] = shown
        assert script.is_over()
    case.check(found)
