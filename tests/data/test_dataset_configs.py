"""Every file in conf/dataset composes among stand-ins for the other groups."""

import inspect
import shutil
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from ganzoo.composition import compose as composition
from ganzoo.data.datamodule import DataModule
from ganzoo.errors import InputError

FOLDER = Path(__file__).parents[2] / "conf" / "dataset"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
DOMAINS = [name for name in NAMES if "base/domain" in (FOLDER / f"{name}.yaml").read_text()]
STAND_INS = {
    "network": ["mlp", "dcgan"],
    "optimizer/ema": ["none", "exponential"],
    "metrics/features": ["none", "identity", "random", "classifier"],
    "metrics": ["none", "points", "prdc", "quality", "wasserstein", "digit_modes"],
}


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    """Compose a data set by name and further overrides."""
    root = tmp_path_factory.mktemp("conf")
    shutil.copytree(FOLDER, root / "dataset")
    for group, choices in STAND_INS.items():
        (root / group).mkdir(parents=True, exist_ok=True)
        for choice in choices:
            (root / group / f"{choice}.yaml").write_text(f"chosen: {choice}\n")
    groups = "".join(f"  - {group}: {choices[0]}\n" for group, choices in STAND_INS.items())
    facts = "seed: 11\nmetrics:\n  evaluator:\n    samples: 100\n"
    (root / "config.yaml").write_text(f"defaults:\n{groups}  - dataset: ring\n  - _self_\n{facts}")
    with initialize_config_dir(str(root), version_base="1.3"):
        yield lambda name, *more: compose("config", [f"dataset={name}", *more])


# Folders that only the user knows.
ROOTS = {
    "image_folder": ["dataset.root=somewhere"],
    "paired_folders": ["dataset.root_a=somewhere", "dataset.root_b=elsewhere"],
    "unpaired_folders": ["dataset.root_a=somewhere", "dataset.root_b=elsewhere"],
}


def needed(name):
    return ROOTS.get(name, [])


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_of_a_config_are_those_of_its_data_module(name, configs):
    config = configs(name, *needed(name))
    datamodule = instantiate(config.dataset.datamodule, _convert_="all")
    assert isinstance(datamodule, DataModule)
    assert datamodule.shape == tuple(config.dataset.shape)
    assert datamodule.num_classes == config.dataset.num_classes
    assert config.dataset.objective.startswith("metrics/")
    assert config.dataset.direction in {"minimize", "maximize"}


@pytest.mark.parametrize("name", NAMES)
def test_height_and_width_may_differ(name, configs):
    if "image_size" not in configs(name).dataset:
        return
    config = configs(name, *needed(name), "dataset.image_size=[24,40]").dataset
    channels = 3 if name == "stacked_mnist" else config.get("channels", config.get("channels_b"))
    assert list(config.shape) == [channels, 24, 40]
    assert composition.build(config.datamodule).shape == tuple(config.shape)


def measured(name, dataset):
    """The features and the (last of the) metrics of a data set."""
    if len(dataset.shape) == 1:
        return "identity", "wasserstein" if name == "swiss_roll" else "points"
    if name == "stacked_mnist":
        return "random", "digit_modes"
    return ("random" if dataset.num_classes is None else "classifier"), "quality"


@pytest.mark.parametrize("name", NAMES)
def test_points_and_pictures_bring_the_parts_that_fit_them(name, configs):
    config = configs(name, *needed(name))
    if name in DOMAINS:
        assert (config.metrics.features.chosen, config.metrics.chosen) == ("random", "none")
        assert config.dataset.batch_size == (1 if name.endswith("folders") else 64)
        return
    points = len(config.dataset.shape) == 1
    assert config.network.chosen == ("mlp" if points else "dcgan")
    assert config.optimizer.ema.chosen == ("none" if points else "exponential")
    assert (config.metrics.features.chosen, config.metrics.chosen) == measured(name, config.dataset)
    assert config.dataset.batch_size == (256 if points else 64)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_a_source_is_written_in_its_config(name, configs):
    config = configs(name, *needed(name))
    source = OmegaConf.to_container(config.dataset.datamodule.source, resolve=True)
    expected = set(inspect.signature(get_class(source.pop("_target_"))).parameters)
    assert set(source) == expected


@pytest.mark.parametrize("name", DOMAINS)
def test_the_facts_of_both_domains_are_those_of_the_source(name, configs):
    config = configs(name, *needed(name), "dataset.image_size=12").dataset
    source = composition.build(config.datamodule).source
    assert source.shapes == {"a": tuple(config.shape_a), "b": tuple(config.shape_b)}


def test_pictures_of_the_papers_size_are_cut_from_286_pixels(configs):
    config = configs("unpaired_folders", *needed("unpaired_folders"), "dataset.channels_a=1")
    source = composition.build(config.dataset.datamodule).source
    assert (source.a.shape, source.a.source.shape) == ((1, 256, 256), (1, 286, 286))
    assert (source.b.shape, source.b.source.shape) == ((3, 256, 256), (3, 286, 286))


@pytest.mark.parametrize("name", ["digits_edges", "digits_negatives"])
def test_domains_without_a_download(name, configs):
    datamodule = instantiate(configs(name).dataset.datamodule, _convert_="all")
    batch = next(iter(datamodule.train_dataloader()))
    assert {side: tuple(images.shape) for side, images in batch.items()} == {
        "a": (64, 1, 8, 8),
        "b": (64, 1, 8, 8),
    }


def test_settings_reach_the_data_module(configs):
    config = configs("ring", "dataset.modes=5", "dataset.batch_size=16", "seed=2")
    datamodule = instantiate(config.dataset.datamodule, _convert_="all")
    datamodule.setup("fit")
    data, labels = next(iter(datamodule.train_dataloader()))
    assert data.shape == (16, 2)
    assert datamodule.num_classes == 5
    assert labels.max() <= 4


def test_the_digits_of_the_config(configs):
    datamodule = instantiate(configs("digits").dataset.datamodule, _convert_="all")
    data, labels = next(iter(datamodule.train_dataloader()))
    assert data.shape == (64, 1, 8, 8)
    assert labels.shape == (64,)


@pytest.mark.parametrize("name", ["mnist", "stacked_mnist"])
def test_mnist_from_another_root_without_download(name, configs, mnist_files):
    root, _, _ = mnist_files()
    config = configs(name, f"dataset.root={root}", "dataset.download=false", "dataset.batch_size=8")
    datamodule = instantiate(config.dataset.datamodule, _convert_="all")
    data, labels = next(iter(datamodule.train_dataloader()))
    assert list(data.shape) == [8, *config.dataset.shape]
    assert labels.shape == (8,)
    held_out, labels = datamodule.held_out(7, seed=0)
    assert list(held_out.shape) == [7, *config.dataset.shape]
    assert labels.shape == (7,)


# Digits are too few to leave any out; folders, STL-10 and sets without test splits need settings.
WITHOUT = {"digits", "digits_edges", "digits_negatives", "stl10", *ROOTS}


@pytest.mark.parametrize("name", NAMES)
def test_data_sets_with_held_out_samples(name, configs):
    config = configs(name, *needed(name))
    source = instantiate(config.dataset.datamodule.source, _convert_="all")
    assert (source.held_out() is None) == (name in WITHOUT)


@pytest.mark.parametrize(
    "settings",
    [
        ["stl10", "dataset.split=train", "dataset.held_out={split:test}"],
        ["image_folder", "dataset.root=somewhere", "dataset.held_out_root=elsewhere"],
        ["paired_folders", "dataset.root_ab=somewhere", "dataset.held_out_root_ab=elsewhere"],
    ],
)
def test_held_out_samples_by_setting(settings, configs):
    source = instantiate(configs(*settings).dataset.datamodule.source, _convert_="all")
    assert source.held_out().shape == source.shape


@pytest.mark.parametrize(
    "settings",
    [
        ["mnist", "dataset.held_out=null"],
        ["stl10", "dataset.split=train+unlabeled", "dataset.held_out={split:unlabeled}"],
        ["celeba", "dataset.split=all"],
        ["celeba", "dataset.split=test"],
        ["lsun", "dataset.category=tower_val"],
    ],
)
def test_samples_that_training_sees_are_not_held_out(settings, configs):
    source = instantiate(configs(*settings).dataset.datamodule.source, _convert_="all")
    assert source.held_out() is None


def test_an_image_folder_needs_a_root(configs):
    """It named dataset.datamodule.source.root, a setting that no documentation has."""
    with pytest.raises(InputError, match=r"root must name a folder: set dataset.root$"):
        composition.build(configs("image_folder").dataset.datamodule)


def test_an_image_folder_with_classes(configs, tmp_path):
    from PIL import Image

    for name in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (70, 90)).save(tmp_path / name)
    settings = [f"dataset.root={tmp_path}", "dataset.num_classes=2", "dataset.batch_size=3"]
    config = configs("image_folder", *settings, "dataset.channels=1", "dataset.image_size=16")
    datamodule = instantiate(config.dataset.datamodule, _convert_="all")
    data, labels = next(iter(datamodule.train_dataloader()))
    assert data.shape == (3, 1, 16, 16)
    assert labels.sum() == 1
