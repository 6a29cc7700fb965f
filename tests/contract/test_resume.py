"""A run that was stopped and resumed ends as one that was never stopped, for every model."""

import csv

import pytest
import torch

from ganzoo.callbacks.throughput import MEMORY, SAMPLES
from ganzoo.composition.compose import compose_config, group_choices
from ganzoo.errors import InputError
from tests.contract.small import on_pictures

PENALTIES = (
    "penalty=[r1,dragan]",
    "penalty.r1.interval=4",
    "penalty.dragan.interval=3",
    "penalty.dragan.weight=0.1",
)
EVERYTHING_ON = (
    "optimizer.ema=exponential",
    "optimizer.schedule=cosine",
    "optimizer.schedule.end=30",
    "optimizer.gradient_clipping=norm",
    "model.micro_batches=2",
    "metrics=[prdc]",
    "callbacks.evaluation.every_n_steps=4",
    "callbacks.checkpoints.every_n_steps=2",
    "trainer.log_every_n_steps=1",
)
AUGMENTATIONS = (
    "augment=[ada,apa]",
    "augment.ada.probability.images_to_one=100",
    "augment.ada.probability.interval=3",
    "augment.apa.probability.images_to_one=200",
)
# Codes are no images, and generated data have no classes that could be learnt.
NOT_AUGMENTED = {"adversarial_autoencoder", "semi_supervised_gan"}
STOP, END = 7, 11


def everything_on(model):
    """All that a run can be asked to go on with."""
    parts = compose_config([f"model={model}"]).model
    judges = sorted(name for name in parts.optimizers if name.startswith("discriminator"))
    more = PENALTIES if judges else ()
    if judges:
        more += f"penalty.r1.on={judges[0]}", f"penalty.dragan.on={judges[-1]}"
    if "augmentations" in parts and model not in NOT_AUGMENTED:
        more += AUGMENTATIONS
    if "discriminator_steps" in parts:
        more += ("model.discriminator_steps=2",)
    return *on_pictures(model), *EVERYTHING_ON, *more


def final_state(folder):
    """Everything that a run ends with, but for times and paths."""
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    kept = ("state_dict", "optimizer_states", "lr_schedulers", "ganzoo", "global_step", "callbacks")
    return {name: checkpoint[name] for name in kept}


def rows(folder):
    """All that was logged, but for speed and memory, which differ from run to run."""
    with (folder / "metrics.csv").open(newline="") as file:
        kept = [
            {n: v for n, v in row.items() if v and n not in (SAMPLES, MEMORY)}
            for row in csv.DictReader(file)
        ]
    return [row for row in kept if set(row) != {"step"}]


def assert_same(mine, theirs, where=""):
    """The same values to the last bit."""
    assert type(mine) is type(theirs), where
    if isinstance(mine, torch.Tensor):
        assert torch.equal(mine, theirs), where
    elif isinstance(mine, dict):
        assert mine.keys() == theirs.keys(), where
        for key in mine:
            assert_same(mine[key], theirs[key], f"{where}.{key}")
    elif isinstance(mine, list | tuple):
        assert len(mine) == len(theirs), where
        for index, pair in enumerate(zip(mine, theirs, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    else:
        assert mine == theirs or mine != mine, where


def assert_ends_as_if_never_stopped(run, *overrides):
    _, whole = run(*overrides, f"trainer.max_steps={END}", name="whole")
    _, first = run(*overrides, f"trainer.max_steps={STOP}", name="first")
    torch.rand(13)  # the second process has not drawn the numbers of the first
    stopped = first / "checkpoints" / "last.ckpt"
    _, second = run(*overrides, f"trainer.max_steps={END}", f"checkpoint={stopped}", name="second")
    mine, theirs = final_state(second), final_state(whole)
    measured = mine["callbacks"].pop("Evaluation")
    steps = [row for row in measured["history"] if row["step"] != STOP]  # it ended there once
    assert steps == theirs["callbacks"].pop("Evaluation")["history"]
    assert_same(mine, theirs)
    assert rows(second) == [row for row in rows(whole) if int(row["step"]) > STOP]


@pytest.mark.parametrize("model", group_choices("model"))
def test_a_resumed_run_ends_the_same_with_everything_on(run, model):
    assert_ends_as_if_never_stopped(run, *everything_on(model))


def test_frozen_layers_stay_frozen(run):
    assert_ends_as_if_never_stopped(run, *everything_on("hinge"), "freeze_discriminator_layers=1")


def test_a_new_run_starts_with_the_networks_of_another(run):
    words = ("model=hinge", "dataset=digits", "network.generator.width=8", "optimizer.ema=none")
    last = run(*words, name="old")[1] / "checkpoints" / "last.ckpt"
    more = (*words, f"transfer={last}", "freeze_discriminator_layers=1")
    new = run(*more, "trainer.max_steps=2", "seed=1", name="new")[1]
    mine, theirs = (final_state(folder) for folder in (new, last.parents[1]))
    same = {n for n, v in mine["state_dict"].items() if torch.equal(v, theirs["state_dict"][n])}
    frozen = {name for name in mine["state_dict"] if name.startswith("discriminator.layers.0.")}
    assert frozen and frozen <= same
    assert len(same - frozen) <= 1  # the last bias, at which the hinges of both sides cancel
    assert mine["global_step"] == 2
    assert len(mine["optimizer_states"][0]["state"]) < len(theirs["optimizer_states"][0]["state"])
    whole = new / "checkpoints" / "last.ckpt"
    for wrong, said in {
        (*more, f"checkpoint={whole}"): "checkpoint= goes on with a run, and transfer= starts",
        (*words, f"checkpoint={whole}"): "trained with freeze_discriminator_layers=1: set it so",
        (*words, "transfer=nothing.ckpt"): "there is no checkpoint at nothing.ckpt",
    }.items():
        with pytest.raises(InputError, match=said):
            run(*wrong, name=f"wrong{len(wrong)}{said[:2]}")


@pytest.mark.gpu
@pytest.mark.parametrize("model", group_choices("model"))
def test_on_a_gpu_with_deterministic_algorithms(run, model, monkeypatch, accelerator):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    gpu = (f"trainer.accelerator={accelerator}", "trainer.deterministic=true")
    assert_ends_as_if_never_stopped(run, *everything_on(model), *gpu)
