"""The sampling entry point, from a checkpoint to files."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.evaluation.reading import read_stored
from ganzoo.evaluation.stored import with_labels
from ganzoo.sample import main

NAMES = ["zero", "one", "two", "T-shirt/top", *"456", "../7", "8", "nine"]


def checkpoint(folder, trainer, batches, model, dataset, shape, labels=None):
    torch.manual_seed(0)
    small = ["network.generator.width=8", "network.latent.latent_dim=4"]
    built = ganzoo.create_model(model, dataset=dataset, overrides=small)
    run = trainer(1, plugins=[AtomicCheckpointIO()])
    loader = batches(*shape, labels=labels)
    loader.dataset = SimpleNamespace(classes=NAMES)  # where torchvision's data sets have them
    run.fit(built, loader)
    run.save_checkpoint(folder / "model.ckpt")
    return folder / "model.ckpt"


@pytest.fixture
def images(tmp_path, trainer, batches):
    return checkpoint(tmp_path, trainer, batches, "dcgan", "digits", (8, 1, 8, 8))


@pytest.fixture
def points(tmp_path, trainer, batches):
    return checkpoint(tmp_path, trainer, batches, "gan", "ring", (8, 2))


@pytest.fixture
def conditional(tmp_path, trainer, batches):
    return checkpoint(
        tmp_path, trainer, batches, "conditional_gan", "digits", (8, 1, 8, 8), labels=10
    )


@pytest.fixture
def sample(monkeypatch, tmp_path, capsys):
    """Type a command line in an empty folder; return the exit code and both outputs."""

    def call(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["sample", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return call


def test_pictures_and_a_grid(sample, images, tmp_path):
    code, _ = sample(f"checkpoint={images}", "output=out", "n=12")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert code == 0
    assert names == [f"{i:02d}.png" for i in range(12)] + ["grid.png"]
    pixels = np.asarray(Image.open(tmp_path / "out" / "03.png"))
    expected = ganzoo.load(images).sample(12, seed=0)[3, 0]
    assert np.array_equal(pixels, ((expected + 1) * 127.5).round().byte().numpy())


def test_npz_of_images_points_and_labels(sample, images, tmp_path):
    sample(f"checkpoint={images}", "output=out", "n=5", "format=npz", "seed=3")
    arrays = np.load(tmp_path / "out" / "samples.npz")
    assert arrays["samples"].shape == (5, 8, 8, 1)
    assert arrays["samples"].dtype == np.uint8
    assert "labels" not in arrays


def test_npz_of_points_in_the_datas_own_units(sample, points, tmp_path):
    sample(f"checkpoint={points}", "output=out", "n=5", "format=npz", "batch_size=2")
    arrays = np.load(tmp_path / "out" / "samples.npz")
    assert arrays["samples"].dtype == np.float32
    assert np.allclose(arrays["samples"], ganzoo.load(points).sample(5, seed=0).numpy())


def test_labels(sample, conditional, tmp_path):
    sample(f"checkpoint={conditional}", "output=out", "n=12", "format=npz")
    assert np.load(tmp_path / "out" / "samples.npz")["labels"].tolist() == [*range(10), 0, 1]
    sample(f"checkpoint={conditional}", "output=out", "n=3", "format=npz", "labels=[7,1,2]")
    assert np.load(tmp_path / "out" / "samples.npz")["labels"].tolist() == [7, 1, 2]


def test_names_of_classes_are_as_good_as_numbers(sample, conditional, tmp_path):
    """labels=food, a class folder's name, ended in 21 lines of traceback."""
    model = ganzoo.load(conditional)
    assert model.class_names == NAMES
    wanted = model.sample(3, labels=[2, 3, 2], seed=0)
    assert torch.equal(model.sample(3, labels=["two", "T-shirt/top", 2], seed=0), wanted)
    assert torch.equal(model.sample(2, labels="two", seed=1), model.sample(2, labels=2, seed=1))
    code, said = sample(f"checkpoint={conditional}", "output=out", "n=3", "labels=[two,3,'../7']")
    assert code == 0, said.err
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("out/**/*.png"))
    expected = ["out/T-shirt_top/1.png", "out/_7/2.png", "out/grid.png", "out/two/0.png"]
    assert [path.as_posix() for path in files] == expected
    pixels = np.asarray(Image.open(tmp_path / "out/two/0.png"))
    assert np.array_equal(pixels, ((wanted[0, 0] + 1) * 127.5).round().byte().numpy())
    found = read_stored(tmp_path / "out")
    (stored,) = with_labels([found], NAMES)
    assert sorted(stored.labels.tolist()) == [2, 3, 7]
    sample(f"checkpoint={conditional}", "output=b", "n=2", "labels=nine", "format=npz")
    assert read_stored(tmp_path / "b" / "samples.npz").classes == ["nine", "nine"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels=tow"], "there is no class 'tow': did you mean 'two'?"),
        (["labels=[two,2.5,1]"], "labels must be whole numbers of classes, not 2.5"),
        (["labels=[two,nine]"], "give one label or 3, not 2"),
        (["labels=true"], "labels must be numbers of classes, not True"),
        (["labels=10"], "label 10 is out of range: 10 classes have labels 0 to 9"),
        (["labels=[two,one,two]", "interpolation=linear"], "an interpolation shows one class"),
        (["labels=tw", "interpolation=linear"], "did you mean 'two'?"),
    ],
)
def test_wrong_labels_are_one_line(sample, conditional, tmp_path, words, message):
    code, said = sample(f"checkpoint={conditional}", "output=out", "n=3", *words)
    assert code == 1 and message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_same_seed_same_pictures(sample, images, tmp_path):
    for folder in ("a", "b"):
        sample(f"checkpoint={images}", f"output={folder}", "n=3", "seed=5", "truncation=0.5")
    one, two = ((tmp_path / folder / "grid.png").read_bytes() for folder in ("a", "b"))
    assert one == two


@pytest.mark.parametrize("way", ["linear", "spherical"])
def test_interpolation(sample, images, tmp_path, way):
    words = (f"checkpoint={images}", "output=out", "n=3", f"interpolation={way}", "steps=4")
    code, _ = sample(*words)
    assert code == 0
    assert Image.open(tmp_path / "out" / "interpolation.gif").is_animated
    assert (tmp_path / "out" / "interpolation.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["n=0"], "n must be a whole number from 1 up, not 0"),
        (["format=jpg"], "unknown format 'jpg'"),
        (["weights=avraged"], "did you mean 'averaged'"),
        (["labels=3"], "this model has no classes"),
        (["truncation=-1"], "truncation must be a positive number"),
        (["interpolation=sperical"], "did you mean 'spherical'"),
        (["checkpoint=nothing.ckpt"], "there is no checkpoint at nothing.ckpt"),
        (["output=model.ckpt/out"], "cannot write to"),
        (["batch_size=0"], "batch_size must be a whole number from 1 up"),
    ],
)
def test_wrong_input(sample, images, tmp_path, words, message):
    code, said = sample(f"checkpoint={images}", "output=out", *words)
    assert code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
