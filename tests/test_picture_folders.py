"""Pictures of a user's own, translated and reconstructed: from a checkpoint to files."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.data.pictures import decode
from ganzoo.pictures import to_uint8
from ganzoo.sample import main

MODELS = {
    "cycle_gan": ("digits_negatives", ["network.generator.blocks=1", "network.generator.width=8"]),
    "vqgan": ("digits", ["network.encoder.width=32", "network.encoder.z_channels=8"]),
    "vae": ("digits", ["network.generator.width=8"]),
    "dcgan": ("digits", ["network.generator.width=8"]),
    "gan": ("ring", ["network.generator.width=8"]),
}


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


@pytest.fixture
def checkpoint(tmp_path, trainer, batches):
    """Save a model that has trained for a step."""

    def save(name):
        torch.manual_seed(0)
        dataset, small = MODELS[name]
        model = ganzoo.create_model(name, dataset=dataset, overrides=small)
        run = trainer(1, plugins=[AtomicCheckpointIO()])
        shape = (8, 1, 8, 8)
        pair = torch.utils.data.TensorDataset(torch.rand(shape), torch.rand(shape))
        of_two = torch.utils.data.DataLoader(pair, batch_size=8)
        of_one = batches(8, 2) if dataset == "ring" else batches(*shape)
        run.fit(model, of_two if name == "cycle_gan" else of_one)
        run.save_checkpoint(tmp_path / f"{name}.ckpt")
        return tmp_path / f"{name}.ckpt"

    return save


@pytest.fixture
def pictures(tmp_path):
    """Grey and coloured pictures of several sizes, two of which differ in their endings alone."""
    folder = tmp_path / "pictures"
    (folder / "inside").mkdir(parents=True)
    sizes = {"one.png": (8, 12), "inside/two.jpg": (16, 8), "inside/two.png": (8, 8)}
    for number, (name, size) in enumerate(sizes.items()):
        Image.new("RGB", size, (200, 30 * number, 90)).save(folder / name)
    Image.new("L", (8, 16), 128).save(folder / "three.png")
    return folder


def read(path):
    with Image.open(path) as picture:
        return picture.size, picture.mode


def test_translations_have_the_sizes_of_the_pictures(sample, checkpoint, pictures, tmp_path):
    words = f"checkpoint={checkpoint('cycle_gan')}", f"images={pictures}", "output=out"
    code, said = sample(*words, "to=b")
    written = [line.removeprefix("out/") for line in said.out.split()]
    assert code == 0, said.err
    assert written == ["inside/two.png", "inside/two.png.png", "one.png", "three.png"]
    assert read(tmp_path / "out" / "one.png") == ((8, 12), "L")
    assert read(tmp_path / "out" / "three.png") == ((8, 16), "L")
    Image.new("RGB", (9, 8)).save(pictures / "odd.png")
    code, said = sample(*words)
    assert code == 1 and "odd.png: ResNetTranslationGenerator" in said.err
    assert "set image_size=" in said.err and "dataset.image_size" not in said.err
    assert sample(*words, "image_size=[8,12]")[0] == 0
    assert read(tmp_path / "out" / "odd.png") == ((12, 8), "L")


@pytest.mark.parametrize("name", ["vqgan", "vae"])
def test_reconstructions_have_the_size_of_training(sample, checkpoint, pictures, tmp_path, name):
    path = checkpoint(name)
    code, said = sample(f"checkpoint={path}", f"images={pictures}", "output=out")
    assert code == 0, said.err
    assert len(said.out.split()) == 4
    with Image.open(pictures / "three.png") as picture:
        pixels = decode(picture, channels=1, image_size=8)[None]
    expected = to_uint8(ganzoo.load(path).reconstruct(pixels / 127.5 - 1))[0, 0]
    with Image.open(tmp_path / "out" / "three.png") as picture:
        assert np.array_equal(np.asarray(picture), expected.numpy())


def test_a_convolutional_model_reconstructs_at_other_sizes(sample, checkpoint, pictures, tmp_path):
    words = f"checkpoint={checkpoint('vqgan')}", f"images={pictures}", "output=out"
    assert sample(*words, "image_size=[12,16]")[0] == 0
    assert read(tmp_path / "out" / "one.png") == ((16, 12), "L")


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("vqgan", [], "VQGAN makes pictures of pictures: write images=FOLDER"),
        ("vqgan", ["to=b"], "to= is of pictures that a model is given: add images=FOLDER"),
        ("vqgan", ["images=pictures", "to=b"], "to= is for models that translate, not for VQGAN"),
        ("vqgan", ["images=pictures", "n=3"], "n= is of samples from latents"),
        ("vqgan", ["images=none"], "images=none is no folder"),
        ("vqgan", ["images=pictures", "output=pictures"], "would overwrite the pictures"),
        ("vqgan", ["images=pictures", "image_size=7"], "VQGANEncoder takes images"),
        ("cycle_gan", ["images=pictures", "to=c"], "does not translate to 'c'"),
        ("dcgan", ["images=pictures"], "images= is for models that translate or reconstruct"),
        ("gan", ["images=pictures"], "images= is for models that translate or reconstruct"),
    ],
)
def test_wrong_input_is_one_line(sample, checkpoint, pictures, tmp_path, name, words, message):
    assert pictures.is_dir()
    code, said = sample(f"checkpoint={checkpoint(name)}", "output=out", *words)
    assert code == 1 and message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
