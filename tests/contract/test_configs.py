"""Every file in conf/ is composed, built and run; found by globbing, never listed by hand."""

import itertools
import json
import math
import os

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import Trainer
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

import ganzoo
from ganzoo.composition.compose import (
    all_groups,
    build,
    compose_config,
    config_directory,
    group_choices,
    groups,
)
from ganzoo.composition.settings import _is_reached
from ganzoo.errors import InputError
from ganzoo.penalties import Penalty
from tests.contract.small import (
    WITH_LATENTS,
    WITHOUT_LATENTS,
    made,
    on_pictures,
)

LABELLED = ["model=conditional_gan"]
# Discriminators of images that go with any generator.
OF_IMAGES = {"style", "pixelgan", "patchgan", "resnet_translation", "unet", "vqgan"}
IMAGES_ONLY = {"dcgan", "resnet"}
# Networks from pictures to pictures, which models without latents build.
OF_OTHER_MODELS = {"unet", "resnet_translation", "vqgan"}
CHOSEN_WITH_A_MODEL = (
    "loss", "network/latent", "optimizer", "optimizer/schedule", "optimizer/gradient_clipping",
    "optimizer/ema", "optimizer/update_rule", "optimizer/lookahead", "callbacks/on_save_error",
    "augment/replay", "network/discriminator",
    "network/batch_statistics@network.discriminator.batch_statistics",
)  # fmt: skip


@pytest.mark.parametrize("model", WITHOUT_LATENTS)
def test_every_model_without_latents_trains_and_can_be_loaded(run, model):
    _, folder = run(*on_pictures(model))
    assert json.loads((folder / "summary.json").read_text())["status"] == "finished"
    assert len(list(folder.glob("translations/*.png")) + list(folder.glob("reconstructions/*.png")))
    outputs = made(ganzoo.load(folder / "checkpoints" / "last.ckpt"))
    assert outputs.shape[1:] == (1, 8, 8) and outputs.isfinite().all()


@pytest.mark.parametrize("model", WITH_LATENTS)
@pytest.mark.parametrize("dataset", ["ring", "digits"])
def test_every_model_trains_and_can_be_loaded(run, model, dataset):
    if model == "dcgan" and dataset == "ring":
        with pytest.raises(InputError, match="images"):
            run(f"model={model}", f"dataset={dataset}")
        return
    objective, folder = run(f"model={model}", f"dataset={dataset}")
    assert math.isfinite(objective)
    assert (folder / "config.yaml").exists()
    assert (folder / "metrics.csv").exists()
    assert list((folder / "samples").glob("*.png"))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    loaded = ganzoo.load(folder / "checkpoints" / "last.ckpt")
    samples = loaded.sample(3, seed=0)
    assert list(samples.shape[1:]) == list(compose_config([f"dataset={dataset}"]).dataset.shape)
    assert samples.isfinite().all()


@pytest.mark.parametrize(
    ("group", "choice"),
    [
        (group, choice)
        for group in CHOSEN_WITH_A_MODEL
        for choice in group_choices(group.partition("@")[0])
        if choice not in IMAGES_ONLY
    ],
)
def test_every_part_trains_with_the_plain_game_and_can_be_loaded(run, group, choice):
    of_images = group == "network/discriminator" and choice in OF_IMAGES
    data = "digits" if of_images else "ring"
    objective, folder = run("model=gan", f"{group}={choice}", f"dataset={data}")
    assert math.isfinite(objective)
    loaded = ganzoo.load(folder / "checkpoints" / "last.ckpt")
    assert loaded.sample(2, seed=0).isfinite().all()


def test_a_second_gradient_penalty_is_refused(run):
    with pytest.raises(InputError, match="has its gradient penalty already"):
        run("model=wgan_gp", "dataset=ring", "penalty=gradient_penalty")


@pytest.mark.parametrize("choice", group_choices("penalty"))
def test_every_penalty_trains(run, choice):
    objective, folder = run("model=gan", "dataset=ring", f"penalty={choice}")
    assert math.isfinite(objective)
    columns = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    penalties = build(compose_config(["dataset=ring", f"penalty={choice}"]).penalty)
    for name, penalty in penalties.items():
        assert (f"{penalty.on}/{name}" in columns) == isinstance(penalty, Penalty)


def test_several_penalties_at_once(run):
    _, folder = run("model=gan", "dataset=ring", "penalty=[r1,r2]", "penalty.r1.weight=3")
    columns = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"discriminator/r1", "discriminator/r2"} <= set(columns)
    assert OmegaConf.load(folder / "config.yaml").model.penalties.r1.weight == 3


@pytest.mark.parametrize("choice", group_choices("augment"))
def test_every_augmentation_trains(run, choice):
    objective, _ = run("model=gan", f"augment={choice}", "network.generator.width=8")
    assert math.isfinite(objective)


def test_packing_trains_every_kind_of_network(run):
    for network in ("mlp", "dcgan"):
        objective, _ = run(
            "packing=4", f"network={network}", "penalty=[r1,path_length]", name=network
        )
        assert math.isfinite(objective)


@pytest.mark.parametrize("choice", group_choices("network/normalization"))
@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_every_normalization_trains(run, player, choice):
    objective, _ = run(
        "model=gan", f"network.{player}.normalization={choice}", "network.generator.width=8"
    )
    assert math.isfinite(objective)


@pytest.mark.parametrize("network", sorted(set(group_choices("network")) - OF_OTHER_MODELS))
def test_every_network_trains(run, network):
    width = ["network.generator.width=8", "network.discriminator.width=8"]
    size = 32 if network == "resnet" else 8
    # Measuring would train a classifier for each size.
    settings = (f"network={network}", f"dataset.image_size={size}", "metrics=none", *width)
    _, folder = run("model=gan", *settings)
    assert math.isfinite(
        json.loads((folder / "summary.json").read_text())["values"]["generator/loss"]
    )


# What a metric cannot do on 16 points without classes.
METRICS_ON = {
    "classification_accuracy": "mnist",
    "digit_modes": "stacked_mnist",
    "intra_fid": [*LABELLED, "dataset=ring", "dataset.num_classes=2", "dataset.modes=2"],
    "fid_infinity": ["dataset=ring", "metrics.evaluator.samples=32"],
    "inception_score": [
        "dataset=digits",
        "metrics.inception_score.splits=2",
        "metrics.features.classifier.training.steps=1",
    ],
    "kid": ["dataset=ring", "metrics.kid.subset_size=8"],
    "ms_ssim": [
        "dataset=digits",
        "metrics.features=pixels",
        "dataset.image_size=32",
        "network.generator.width=8",
    ],
    "perceptual_path_length": ["dataset=ring", "metrics.perceptual_path_length.pairs=16"],
}


@pytest.mark.parametrize("choice", group_choices("metrics"))
def test_every_metric_is_measured(run, choice):
    settings = METRICS_ON.get(choice, ["dataset=ring"])
    if isinstance(settings, str):
        compose_config([f"dataset={settings}", f"metrics={choice}"])
        pytest.skip(f"needs {settings}: its own test measures it")
    _, folder = run("model=gan", f"metrics={choice}", *settings)
    values = json.loads((folder / "summary.json").read_text())["values"]
    assert any(name.startswith("metrics/") for name in values) == (choice != "none")


@pytest.mark.parametrize("choice", group_choices("metrics/features"))
def test_every_choice_of_features_composes(choice):
    config = compose_config([f"metrics.features={choice}", "dataset=digits"])
    assert list(config.metrics.features) == [choice]
    assert list(config.metrics.evaluator.features) == [choice]


@pytest.mark.parametrize("choice", group_choices("logger"))
def test_every_logger_logs(run, choice, monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    _, folder = run("model=gan", "dataset=ring", f"logger={choice}")
    assert (folder / "metrics.csv").exists() == (choice == "csv")
    assert bool(list(folder.glob("tensorboard/events*"))) == (choice == "tensorboard")
    assert bool(list(folder.glob("wandb/offline-run-*/*.wandb"))) == (choice == "wandb")


@pytest.mark.parametrize("choice", group_choices("callbacks"))
def test_every_callback_runs(run, choice):
    _, folder = run("model=gan", "dataset=ring", f"callbacks={choice}")
    assert (folder / "summary.json").exists()


@pytest.mark.parametrize("dataset", group_choices("dataset"))
def test_every_dataset_has_networks_that_fit(dataset):
    """Two iterations on random data of the shape and classes that the config declares."""
    small = ["network.latent.latent_dim=8", "network.generator.width=8", "dataset.batch_size=4"]
    root = ["dataset.root=pictures"] if dataset == "image_folder" else []
    if dataset.endswith("paired_folders"):
        root = ["dataset.root_a=pictures", "dataset.root_b=others"]
    config = compose_config([f"dataset={dataset}", "model=gan", *small, *root])
    model = ganzoo.create_model("gan", dataset=dataset, overrides=small)
    data = torch.rand(4, *config.dataset.shape) * 2 - 1
    trainer = Trainer(
        max_steps=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(data.repeat(2, *[1] * (data.dim() - 1)), batch_size=4))
    datamodule = instantiate(config.dataset.datamodule, _convert_="all")
    assert list(datamodule.shape) == list(config.dataset.shape)
    assert trainer.global_step == 2


# One pair in this many; with GANZOO_CELLS=all all of them.
STRIDE = 1 if os.environ.get("GANZOO_CELLS") == "all" else 7
PAIRS = itertools.product(WITH_LATENTS, group_choices("dataset"))


@pytest.mark.parametrize(("model", "dataset"), list(PAIRS)[::STRIDE])
def test_every_model_composes_with_every_dataset(model, dataset):
    config = compose_config([f"model={model}", f"dataset={dataset}"])
    points = len(config.dataset.shape) == 1
    assert config.optimizer.ema is None or not points
    assert config.objective.startswith("metrics/")


def leaves(node, prefix=""):
    for key in map(str, node):
        if isinstance(node._get_node(key), DictConfig) and not OmegaConf.is_interpolation(
            node, key
        ):
            yield from leaves(node[key], f"{prefix}{key}.")
        elif not node._get_node(key)._is_none():
            yield f"{prefix}{key}"


# What data propose to models with latents, and the normalisation of those with a generator.
PROPOSALS = {"dataset.latent_dim", "network.generator_normalization._target_"}


@pytest.mark.parametrize("model", group_choices("model"))
def test_a_job_holds_nothing_that_its_model_does_not_use(model):
    _, pictures, *small = on_pictures(model)
    for data in (
        ("dataset=ring", pictures, "dataset=stl10") if model in WITH_LATENTS else [pictures]
    ):
        config = compose_config([f"model={model}", data])
        names = [name for name in leaves(config) if name.partition(".")[0] in groups()]
        assert len(names) > 80
        names = [name for name in names if name not in PROPOSALS]
        assert [name for name in names if not _is_reached(config, name)] == []
    built = ganzoo.create_model(model, dataset=pictures.partition("=")[2], overrides=small)
    assert set(config.model.optimizers) == {player.name for player in built.players}


@pytest.mark.parametrize("experiment", group_choices("experiment"))
def test_every_experiment_builds_its_model(experiment):
    config = compose_config([f"experiment={experiment}"])
    model = instantiate(config.model, _convert_="all")
    assert list(made(model).shape[1:]) == list(config.dataset.shape)
    terms = model.loss.discriminator(torch.randn(4), torch.randn(4))
    assert sum(terms.values()).isfinite()


@pytest.mark.parametrize("choice", group_choices("trainer"))
def test_every_trainer_is_built(choice):
    config = compose_config([f"trainer={choice}", "run_dir=runs"])
    if choice == "gpu" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    if choice == "ddp":
        config.trainer.accelerator = "cpu"
    trainer = instantiate(config.trainer, logger=False, enable_checkpointing=False)
    assert trainer.max_steps == config.trainer.max_steps


@pytest.mark.parametrize("choice", group_choices("sweep"))
def test_every_sweep_composes(choice):
    assert compose_config([f"sweep={choice}"]).seed == 0


def test_no_group_is_forgotten():
    tested = {
        "model", "penalty", "network/normalization", "network", "metrics", "logger", "callbacks",
        "dataset", "experiment", "trainer", "sweep", "network/conditioning", "metrics/features",
        "metrics/evaluator", "augment", "network/encoder", "sweep/sampler",
        *(group.partition("@")[0] for group in CHOSEN_WITH_A_MODEL),
    }  # fmt: skip
    assert set(all_groups()) == tested
    assert set(groups()) - {"hydra", "projection", "theory"} == {
        group.partition("/")[0] for group in tested
    }


def test_precedence_is_command_line_experiment_model_dataset_defaults():
    assert compose_config(["model=wgan_gp"]).loss._target_.endswith("Wasserstein")
    assert compose_config(["model=wgan_gp", "loss=hinge"]).loss._target_.endswith("Hinge")
    assert compose_config(["dataset=ring"]).network.generator._target_.endswith("MLPGenerator")
    both = compose_config(["model=dcgan", "dataset=ring"]).network.generator._target_
    assert both.endswith("DCGANGenerator")
    chosen = compose_config(["model=dcgan", "network=mlp"]).network.generator._target_
    assert chosen.endswith("MLPGenerator")


def test_the_wheel_would_carry_what_the_repository_holds():
    assert (config_directory() / "config.yaml").is_file()
