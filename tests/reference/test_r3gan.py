"""The networks and losses of R3GAN against the numbers of the authors' code."""

import re
from functools import partial
from itertools import count

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader

from ganzoo.annealing import CosineAnnealing
from ganzoo.foreign_weights.r3gan import DISCRIMINATOR, GENERATOR
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.losses.relativistic import Relativistic
from ganzoo.models.r3gan import R3GAN
from ganzoo.networks.latents import Normal
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from ganzoo.networks.resampling import downsample, low_pass, upsample
from ganzoo.optim.schedules import cosine_decay
from ganzoo.penalties.context import Context
from ganzoo.penalties.zero_centered import R1, R2
from ganzoo.progress import Progress
from tests.reference import r3gan
from tests.reference.cases import Case, cases, count_rows, gradients, state_after
from tests.reference.r3gan import labels, loaded

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


def annealing(ends, images):
    first, last = ends
    return CosineAnnealing(first=first, last=last, **images)


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


class ScriptedR3GAN(R3GAN):
    """With the latents of a case, the discriminator's and the generator's in turn."""

    def follow(self, case: Case, dtype: torch.dtype) -> None:
        inputs = case.inputs(dtype)
        self.script = (inputs[f"z_{side}_{step}"] for step in count() for side in "DG")

    def latents(self, count, **_):
        return next(self.script)


def training(case: Case, dtype: torch.dtype) -> ScriptedR3GAN:
    """The model with the settings of a case of whole iterations."""
    words = case.configuration
    schedules = told_schedules(words)
    images = {"end": schedules["end"], "unit": "images"}
    (rate, last_rate), (beta, last_beta) = schedules["learning rate"], schedules["beta2"]
    gamma = annealing(schedules["gamma"], images)
    half_life = annealing(schedules["half-life"], images)
    model = ScriptedR3GAN(
        generator=loaded(r3gan.generator(words["G"]), GENERATOR, case, dtype, "G"),
        discriminator=loaded(r3gan.discriminator(words["D"]), DISCRIMINATOR, case, dtype, "D"),
        num_classes=None,
        latent_prior=Normal(latent_dim=words["G"]["noise dimension"]),
        loss=Relativistic(),
        penalties={"r1": R1(weight=gamma, interval=1), "r2": R2(weight=gamma, interval=1)},
        optimizers=partial(torch.optim.Adam, lr=rate, betas=(0.0, beta), eps=1e-8),
        schedule=partial(cosine_decay, final_lr=last_rate, final_beta2=last_beta, **images),
        ema=partial(ExponentialMovingAverage, decay=None, half_life=half_life, unit="images"),
    )
    model.follow(case, dtype)
    return model


def told_schedules(words) -> dict:
    """The first and last values of what changes, and after how many images they end."""
    (name,) = (name for name in words if name.startswith("schedules over"))
    return words[name] | {"end": int(re.search(r"\d+", name)[0])}


def real_data(case: Case, dtype: torch.dtype) -> list[torch.Tensor]:
    """Those of each iteration, the discriminator's before the generator's."""
    inputs = case.inputs(dtype)
    steps = range(sum(name.startswith("real_D") for name in inputs))
    return [torch.cat([inputs[f"real_{side}_{step}"] for side in "DG"]) for step in steps]


class States(Callback):
    """The authors' names and our numbers after each iteration."""

    def __init__(self, case: Case) -> None:
        self.case, self.found = case, {}

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        networks = (
            ("G", pl_module.generator, GENERATOR),
            ("D", pl_module.discriminator, DISCRIMINATOR),
            ("G_ema", pl_module.ema["generator"].network, GENERATOR),
        )
        for name, network, table in networks:
            moment = f"iteration_{trainer.global_step}"
            self.found |= state_after(self.case, moment, network, table, f"{name}.")


@pytest.mark.parametrize("case", cases("r3gan_*_iterations"))
@both_precisions
def test_whole_iterations(case, dtype):
    model, data, states = training(case, dtype), real_data(case, dtype), States(case)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        precision="64-true" if dtype == torch.float64 else None,
        callbacks=states,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(torch.cat(data), batch_size=len(data[0])))
    assert trainer.global_step == len(data)
    case.check(states.found)


@pytest.mark.parametrize("case", cases("r3gan_schedules"))
def test_schedules(case):
    for preset in case.description["presets"].values():
        ends = preset["first_and_last_value"]
        images = {"end": int(preset["end_of_schedule_in_images"]), "unit": "images"}
        gamma, half_life = (annealing(ends[name], images) for name in ("gamma", "ema"))
        optimizer = torch.optim.Adam(
            [torch.zeros(1)], lr=ends["lr"][0], betas=(0.0, ends["beta2"][0])
        )
        schedule = cosine_decay(
            optimizer, final_lr=ends["lr"][1], final_beta2=ends["beta2"][1], **images
        )
        average = ExponentialMovingAverage(
            torch.nn.Linear(1, 1), decay=None, half_life=half_life, unit="images"
        )
        found = {name: [] for name in preset if isinstance(preset[name], list)}
        for time in map(int, found.pop("images_seen") or preset["images_seen"]):
            schedule.progress = Progress(images=time)
            schedule.step()
            group = optimizer.param_groups[0]
            found["learning_rate"].append(group["lr"])
            found["adam_beta2"].append(group["betas"][1])
            found["penalty_gamma"].append(gamma.at(time))
            found["ema_half_life_in_images"].append(half_life.at(time))
            found["augment_probability"].append(annealing(ends["aug"], images).at(time))
            for decay in (name for name in found if name.startswith("ema_decay_for_batch_")):
                batch = int(decay.rpartition("_")[2])
                found[decay].append(average.decay_at(Progress(1, time + batch, batch)))
        for name, values in found.items():
            near = pytest.approx(preset[name], rel=0, abs=1e-12 * max(preset[name]))
            assert values == near, name


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
