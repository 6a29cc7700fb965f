"""The entry point of projection, from a checkpoint and a picture to files."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.pictures import image_grid
from ganzoo.project import main
from ganzoo.projection import read_projection

STYLE = [
    "network.generator.max_width=16",
    "network.generator.style_dim=8",
    "network.latent.latent_dim=4",
]


@pytest.fixture
def checkpoint(tmp_path, trainer, batches):
    """Make a checkpoint of a model that was hardly trained."""

    def make(model, *words):
        torch.manual_seed(0)
        built = ganzoo.create_model(model, dataset="digits", overrides=words)
        run = trainer(1, plugins=[AtomicCheckpointIO()])
        run.fit(built, batches(8, 1, 8, 8, labels=10))
        run.save_checkpoint(tmp_path / "model.ckpt")
        return built

    return make


@pytest.fixture
def project(monkeypatch, tmp_path, capsys):
    """Type a command line in an empty folder; return the exit code and both outputs."""

    def call(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["project", "checkpoint=model.ckpt", *words])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return call


def write_picture(path, size):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, size, dtype=np.uint8)).save(path)


def test_a_picture_becomes_files(project, checkpoint, tmp_path):
    checkpoint("stylegan2", *STYLE)
    write_picture(tmp_path / "picture.png", (8, 8))
    few = ["projection.steps=6", "frames=3", "draws=100", "label=4"]
    code, said = project("image=picture.png", "output=out", *few)
    assert code == 0, said.err
    names = ["picture.png", "projection.pt", "search.gif"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert said.out.startswith("distance ") and "in 6 steps" in said.out
    assert Image.open(tmp_path / "out/search.gif").n_frames == 3
    model, found = ganzoo.load(tmp_path / "model.ckpt"), read_projection("out/projection.pt")
    levels = torch.from_numpy(np.asarray(Image.open(tmp_path / "picture.png")).copy())
    target = levels[None, None].float() / 127.5 - 1
    pair = image_grid(torch.cat([target, found.picture(model)]), columns=2)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out/picture.png")), pair)
    again, _ = project("image=picture.png", "output=again", *few)
    assert again == 0
    same = [(tmp_path / folder / "picture.png").read_bytes() for folder in ("out", "again")]
    assert same[0] == same[1]


def test_features_of_the_data_sets_own_classifier(project, checkpoint, tmp_path):
    checkpoint("dcgan", "network.generator.width=8")
    write_picture(tmp_path / "large.png", (20, 30, 3))
    words = ["projection.steps=2", "draws=8", "metrics.features=classifier", "resize=true"]
    small = ["metrics.features.classifier.limit=40", "metrics.features.classifier.training.steps=2"]
    code, said = project("image=large.png", "output=out", *words, *small)
    assert code == 0, said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["image=none.png"], "there is no picture at image=none.png"),
        (["image=model.ckpt"], "model.ckpt: cannot be read as a picture"),
        (
            ["image=large.png"],
            "large.png has 20x30 pixels and the model's pictures have 8x8",
        ),
        (["label=cat"], "this model has no classes: leave label out"),
        (["projection.steps=0"], "steps must be a whole number from 1 up, not 0"),
        (["projection.stesp=0"], "did you mean 'projection.steps'"),
        (["steps=0"], "'steps' is no setting of a projection"),
        (["weights=avraged"], "did you mean 'averaged'"),
        (["seed=-1"], "seed must be"),
        (["frames=0"], "frames must be a whole number from 1 up"),
        (["output=model.ckpt/out"], "cannot write"),
        (["checkpoint=nothing.ckpt"], "there is no checkpoint at nothing.ckpt"),
        (["metrics.features=pixels"], "not the pixels"),
    ],
)
def test_wrong_input_is_one_line(project, checkpoint, tmp_path, words, said):
    checkpoint("dcgan", "network.generator.width=8")
    write_picture(tmp_path / "right.png", (8, 8))
    write_picture(tmp_path / "large.png", (20, 30, 3))
    few = ["image=right.png", "output=out", "projection.steps=1", "draws=8"]
    given = {word.partition("=")[0] for word in words}
    code, heard = project(*(w for w in few if w.partition("=")[0] not in given), *words)
    assert code == 1 and said in heard.err
    assert len(heard.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_must_be_given(project):
    code, said = project("image=here.png")
    assert code == 1 and "output=FOLDER must be given" in said.err
