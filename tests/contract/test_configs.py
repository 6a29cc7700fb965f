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
from ganzoo.composition.create import build_model
from ganzoo.composition.settings import _holds, _used_nodes
from ganzoo.errors import InputError
from ganzoo.penalties import Penalty
from tests.contract.small import (
    OF_PICTURES,
    WITH_LATENTS,
    WITHOUT_LATENTS,
    made,
    on_pictures,
)

LABELLED = ["model=conditional_gan"]
# Discriminators of images that go with any generator.
OF_IMAGES = {"style", "pixelgan", "patchgan", "resnet_translation", "unet", "vqgan", "r3gan"}
OF_IMAGES |= {"stylegan2", "stylegan2_plain", "stylegan2_residual", "stylegan2_skip"}
IMAGES_ONLY = {"dcgan", "resnet"}
# Networks from pictures to pictures, which models without latents build.
OF_OTHER_MODELS = {"unet", "resnet_translation", "vqgan"}
ON_POINTS = (
    "loss", "penalty", "network/latent", "optimizer", "optimizer/schedule",
    "optimizer/gradient_clipping", "optimizer/ema", "optimizer/update_rule",
    "optimizer/lookahead", "callbacks/on_save_error", "augment/replay",
)  # fmt: skip
BATCH_STATISTICS = "network/batch_statistics@network.discriminator.batch_statistics"
NORMALIZATIONS = "network.generator.normalization", "network.discriminator.normalization"
NO_CALLBACK = {"none", "default"}


def together(**choices):
    """Rows of one choice from each group, as many as the longest has; which ones meet differs."""
    for row in range(max(map(len, choices.values()))):
        yield [f"{group}={names[row % len(names)]}" for group, names in choices.items()]


def on_points():
    """Every loss, penalty, callback and so on, each in a run."""
    callbacks = sorted(set(group_choices("callbacks")) - NO_CALLBACK)
    lists = [f"[{','.join(sorted({'checkpoints', 'evaluation', name}))}]" for name in callbacks]
    return together(**{group: group_choices(group) for group in ON_POINTS}, callbacks=lists)


def on_digits():
    """Every normalisation of both players, augmentation and statistic, each in a run."""
    first, *others = group_choices("network/normalization")
    normalizations = [first, *others], [*others, first]
    return together(
        **dict(zip(NORMALIZATIONS, normalizations, strict=True)),
        **{
            group: group_choices(group.partition("@")[0]) for group in ("augment", BATCH_STATISTICS)
        },
    )


def check_penalties(folder):
    """Each penalty is logged under its player and its name, constraints are not."""
    columns = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    penalties = build(OmegaConf.load(folder / "config.yaml").model.penalties)
    for name, penalty in penalties.items():
        assert (f"{penalty.on}/{name}" in columns) == isinstance(penalty, Penalty)


@pytest.mark.parametrize("words", on_points(), ids=lambda words: words[0])
def test_parts_train_together_and_can_be_loaded(run, words):
    slowly = "optimizer.lr=1e-7"  # plain descent on adjusted gradients of 1e5 diverges otherwise
    objective, folder = run("model=gan", "dataset=ring", slowly, *words)
    assert math.isfinite(objective)
    check_penalties(folder)
    loaded = ganzoo.load(folder / "checkpoints" / "last.ckpt")
    assert loaded.sample(2, seed=0).isfinite().all()


@pytest.mark.parametrize("words", on_digits(), ids=lambda words: words[0].partition("=")[2])
def test_normalizations_and_augmentations_train_together(run, words):
    objective, _ = run(*on_pictures("gan"), *words)
    assert math.isfinite(objective)


@pytest.mark.parametrize("model", WITHOUT_LATENTS)
def test_every_model_without_latents_trains_and_can_be_loaded(run, model):
    _, folder = run(*on_pictures(model))
    assert json.loads((folder / "summary.json").read_text())["status"] == "finished"
    assert len(list(folder.glob("translations/*.png")) + list(folder.glob("reconstructions/*.png")))
    outputs = made(ganzoo.load(folder / "checkpoints" / "last.ckpt"))
    assert outputs.shape[1:] == (1, 8, 8) and outputs.isfinite().all()


# On points most of them learn the ring, and all play with each loss: test_ring, test_cells.
@pytest.mark.parametrize("model", WITH_LATENTS)
@pytest.mark.parametrize("dataset", ["digits", pytest.param("ring", marks=pytest.mark.nightly)])
def test_every_model_trains_and_can_be_loaded(run, model, dataset):
    if model in OF_PICTURES and dataset == "ring":
        pytest.skip("refused: see test_wrong_input")
    words = on_pictures(model) if dataset == "digits" else (f"model={model}", "dataset=ring")
    objective, folder = run(*words)
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


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("group", "choice"),
    [(group, name) for group in ON_POINTS for name in group_choices(group)],
)
def test_every_part_trains_alone_and_can_be_loaded(run, group, choice):
    test_parts_train_together_and_can_be_loaded(run, [f"{group}={choice}"])


@pytest.mark.nightly
@pytest.mark.parametrize("words", [[word] for row in on_digits() for word in row])
def test_every_normalization_and_augmentation_trains_alone(run, words):
    test_normalizations_and_augmentations_train_together(run, words)


@pytest.mark.parametrize(
    "choice", sorted(set(group_choices("network/discriminator")) - IMAGES_ONLY)
)
def test_every_discriminator_trains_and_can_be_loaded(run, choice):
    narrow = ["dataset=digits", "network.discriminator.width=8"]
    data = narrow if choice in OF_IMAGES else ["dataset=ring"]
    test_parts_train_together_and_can_be_loaded(run, [f"network/discriminator={choice}", *data])


def test_a_second_gradient_penalty_is_refused(run):
    with pytest.raises(InputError, match="has its gradient penalty already"):
        run("model=wgan_gp", "dataset=ring", "penalty=gradient_penalty")


def test_several_penalties_at_once(run):
    _, folder = run("model=gan", "dataset=ring", "penalty=[r1,r2]", "penalty.r1.weight=3")
    columns = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"discriminator/r1", "discriminator/r2"} <= set(columns)
    assert OmegaConf.load(folder / "config.yaml").model.penalties.r1.weight == 3


def test_packing_trains_every_kind_of_network(run):
    for network in ("mlp", "dcgan"):
        objective, _ = run(
            "packing=4", f"network={network}", "penalty=[r1,path_length]", name=network
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


# Metrics that need classes, or pictures; and those that need real data have a test of their own.
MEASURED_ON = {
    "none": ["dataset=ring"],
    "intra_fid": [*LABELLED, "dataset=ring", "dataset.num_classes=2", "dataset.modes=2"],
    "inception_score": [
        "dataset=digits",
        "metrics.inception_score.splits=2",
        "metrics.features.classifier.training.steps=1",
    ],
    "ms_ssim": [
        "dataset=digits",
        "metrics.features=pixels",
        "dataset.image_size=32",
        "network.generator.width=8",
    ],
}
ON_REAL_DATA = {"classification_accuracy": "mnist", "digit_modes": "stacked_mnist"}
ALL_OTHERS = ",".join(sorted(set(group_choices("metrics")) - set(MEASURED_ON) - set(ON_REAL_DATA)))
FEW_POINTS = [
    "dataset=ring",
    "metrics.evaluator.samples=32",
    "metrics.kid.subset_size=8",
    "metrics.perceptual_path_length.pairs=16",
]


@pytest.mark.parametrize(
    ("choices", "words"), [(f"[{ALL_OTHERS}]", FEW_POINTS), *MEASURED_ON.items()]
)
def test_every_metric_is_measured(run, choices, words):
    _, folder = run("model=gan", f"metrics={choices}", *words)
    values = json.loads((folder / "summary.json").read_text())["values"]
    measured = {name.partition("/")[2] for name in values if name.startswith("metrics/")}
    metrics = instantiate(OmegaConf.load(folder / "config.yaml").metrics.evaluator.metrics)
    assert bool(metrics) == bool(measured) == (choices != "none")
    for metric in metrics.values():
        for value in metric.directions:
            assert any(name.startswith(value) for name in measured), value


@pytest.mark.parametrize(("choice", "dataset"), ON_REAL_DATA.items())
def test_every_metric_of_real_data_composes(choice, dataset):
    config = compose_config([f"dataset={dataset}", f"metrics={choice}"])
    assert choice in config.metrics.evaluator.metrics


@pytest.mark.parametrize("choice", group_choices("metrics/features"))
def test_every_choice_of_features_composes(choice):
    config = compose_config([f"metrics.features={choice}", "dataset=digits"])
    assert list(config.metrics.features) == [choice]
    assert list(config.metrics.evaluator.features) == [choice]


@pytest.mark.parametrize(
    "choice", ["none", f"[{','.join(sorted(set(group_choices('logger')) - {'none'}))}]"]
)
def test_every_logger_logs(run, choice, monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    _, folder = run("model=gan", "dataset=ring", f"logger={choice}")
    assert (folder / "metrics.csv").exists() == ("csv" in choice)
    assert bool(list(folder.glob("tensorboard/events*"))) == ("tensorboard" in choice)
    assert bool(list(folder.glob("wandb/offline-run-*/*.wandb"))) == ("wandb" in choice)


@pytest.mark.parametrize(
    "choice",
    [
        name if name in NO_CALLBACK else pytest.param(name, marks=pytest.mark.nightly)
        for name in group_choices("callbacks")
    ],
)
def test_every_callback_runs_alone(run, choice):
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
    model = build_model(config, "gan", dataset)
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
STRIDE = 1 if os.environ.get("GANZOO_CELLS") == "all" else 11
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


ONLY_ON_DIGITS = {"dcgan", "semi_supervised_gan"}  # what needs pictures, or classes
# What data propose to models with latents, and the normalisation of those with a generator.
PROPOSALS = {"dataset.latent_dim", "network.generator_normalization._target_"}


def jobs():
    """Each model on its own data, or on points, small or large pictures in turn."""
    for number, model in enumerate(WITH_LATENTS):
        data = ["digits"] if model in ONLY_ON_DIGITS else ["ring", "digits", "stl10"]
        for name in data:
            marks = () if name == data[number % len(data)] else pytest.mark.nightly
            yield pytest.param(model, [f"dataset={name}"], marks=marks)
    for model, words in WITHOUT_LATENTS.items():
        yield model, list(words)


@pytest.mark.parametrize(("model", "words"), jobs())
def test_a_job_holds_nothing_that_its_model_does_not_use(model, words):
    config = compose_config([f"model={model}", *words])
    names = [name for name in leaves(config) if name.partition(".")[0] in groups()]
    assert len(names) > 80
    used = _used_nodes(config)
    assert [name for name in names if name not in PROPOSALS and not _holds(used, name)] == []
    built = build_model(config, model, words[0].partition("=")[2])
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
        "model", "network/normalization", "network", "metrics", "logger",
        "dataset", "experiment", "trainer", "sweep", "network/conditioning", "metrics/features",
        "metrics/evaluator", "augment", "network/encoder", "sweep/sampler", "network/discriminator",
        "callbacks", "network/batch_statistics", *ON_POINTS,
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
