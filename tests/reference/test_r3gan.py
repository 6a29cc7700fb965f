"""The networks and losses of R3GAN against the numbers of the authors' code."""

import re

import pytest
import torch

from ganzoo.losses.relativistic import Relativistic
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from ganzoo.networks.resampling import downsample, low_pass, upsample
from ganzoo.penalties.context import Context
from ganzoo.penalties.zero_centered import R1, R2
from tests.reference import r3gan
from tests.reference.cases import cases, count_rows, gradients
from tests.reference.r3gan import DISCRIMINATOR, GENERATOR, labels, loaded

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def stages(network, run) -> dict:
    """What a run returns, and what the blocks or transitions of each stage return in it."""
    seen = {}

    def keep(name):
        return lambda module, inputs, output: seen.update({f"output.after_stage_{name}": output})

    ends = network.stages if isinstance(network, R3GANGenerator) else network.transitions
    hooks = [module.register_forward_hook(keep(index)) for index, module in enumerate(ends)]
    output = run()
    for hook in hooks:
        hook.remove()
    return seen | {"output": output}


@pytest.mark.parametrize("case", cases("r3gan_generator_*"))
@both_precisions
def test_generator(case, dtype):
    inputs = case.inputs(dtype)
    network = loaded(r3gan.generator(case.configuration), GENERATOR, case, dtype)
    found = stages(network, lambda: network(inputs["z"], labels(inputs)))
    case.check({("output.image" if name == "output" else name): x for name, x in found.items()})


@pytest.mark.parametrize("case", cases("r3gan_discriminator_*"))
@both_precisions
def test_discriminator(case, dtype):
    """The last stage's output are the features, of which the logit is made."""
    inputs = case.inputs(dtype)
    network = loaded(r3gan.discriminator(case.configuration), DISCRIMINATOR, case, dtype)
    found = stages(network, lambda: network(inputs["image"], labels(inputs)))
    found["output.logits"] = found.pop("output")
    last = f"output.after_stage_{len(network.transitions)}"
    case.check(found, of=lambda name: name.startswith("output.") and name != last)


@pytest.mark.parametrize("case", cases("r3gan_resamplers"))
@both_precisions
def test_changes_of_size(case, dtype):
    """Those of pixel shuffles, which the published networks do not have, are not ours."""
    images, kernel = case.inputs(dtype)["x"], low_pass(r3gan.taps([1, 2, 1]))
    found = {
        "output.interpolative_up": upsample(images, kernel),
        "output.interpolative_down": downsample(images, kernel),
    }
    case.check(found, of=lambda name: "interpolative" in name)


@pytest.mark.parametrize("case", cases("r3gan_losses_*"))
@both_precisions
def test_losses_and_their_gradients(case, dtype):
    inputs, words = case.inputs(dtype), case.configuration
    classes, gamma = labels(inputs), words["gamma"]
    generator = loaded(r3gan.generator(words["G"]), GENERATOR, case, dtype, "G")
    discriminator = loaded(r3gan.discriminator(words["D"]), DISCRIMINATOR, case, dtype, "D")
    loss = Relativistic()

    def context() -> Context:
        return Context(
            real=inputs["real"],
            labels=classes,
            outputs=discriminator,
            discriminator=discriminator,
            fake=lambda _: generator(inputs["z"], classes),
        )

    mine = context()
    term = loss.generator_against(mine.fake_logits, lambda: mine.real_logits)
    (value,) = term.values()
    found = gradients(case, "generator", generator, GENERATOR, value)
    difference = mine.real_logits - mine.fake_logits
    found["loss.generator.relativistic_logits"] = -difference
    found["loss.generator.adversarial_per_sample"] = torch.nn.functional.softplus(difference)

    mine = context()
    r1, r2 = R1(weight=gamma, interval=1), R2(weight=gamma, interval=1)
    value = sum(loss.discriminator(mine.real_logits, mine.fake_logits).values())
    value = value + r1(mine) + r2(mine)
    found |= gradients(case, "discriminator", discriminator, DISCRIMINATOR, value)
    difference = mine.real_logits - mine.fake_logits
    found["loss.discriminator.relativistic_logits"] = difference
    found["loss.discriminator.adversarial_per_sample"] = torch.nn.functional.softplus(-difference)
    for name, data in (("r1", "real"), ("r2", "fake")):
        squares = mine.input_gradients(data).square().sum(dim=1)
        found[f"loss.discriminator.{name}_per_sample"] = squares
    case.check(found)


@pytest.mark.parametrize("row", count_rows("R3GAN"))
def test_published_sizes_have_the_published_number_of_parameters(row):
    words = row["configuration"]
    size = int((re.search(r"-(\d+)", words) or [0, 32])[1])
    classes = re.search(r"(\d+) classes", words)
    imagenet = words.startswith("ImageNet")
    widest = 1536 if imagenet else 768
    sizes = {
        "shape": [3, size, size],
        "num_classes": int(classes[1]) if classes else None,
        "width": widest if imagenet or size == 32 else 768 * 32 // size,
        "max_width": widest,
        "group_width": 16 if imagenet else 8,
    }
    usual = {"blocks": 2, "expansion": 2, "taps": [1, 3, 3, 1], "negative_slope": 0.2}
    with torch.device("meta"):
        generator = R3GANGenerator(latent_dim=64, embedding_dim=64, **sizes)
        discriminator = R3GANDiscriminator(embedding_dim=None, bfloat16_sizes=0, **sizes, **usual)
    assert sum(parameter.numel() for parameter in generator.parameters()) == row["generator"]
    assert (
        sum(parameter.numel() for parameter in discriminator.parameters()) == row["discriminator"]
    )
