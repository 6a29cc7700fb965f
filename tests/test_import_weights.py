"""The entry point that turns weights of others into a checkpoint."""

import sys

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

import ganzoo
from ganzoo import evaluate, sample
from ganzoo.import_weights import main
from tests.foreign_weights.snapshots import (
    discriminator_state,
    dumped,
    generator_state,
    persistent,
    tree,
)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Type a command line in an empty folder; return the exit code and both outputs."""

    def call(*words, main=main):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return call


ATTRIBUTES = {
    "mapping.w_avg_beta": 0.9,
    "mapping.fc0.bias_gain": 0.02,
    "mapping.fc0.activation": "lrelu",
    "synthesis.b8.conv1.conv_clamp": 128,
    "synthesis.b8.torgb.conv_clamp": 128,
}
OF_DISCRIMINATOR = {"b4.mbstd.group_size": 2, "b8.conv1.conv_clamp": None}


@pytest.fixture
def snapshot(tmp_path):
    """A file as NVIDIA's training writes it, of pictures like the digits."""

    def write(**networks):
        generator, discriminator = generator_state(), discriminator_state()
        averaged = dict(generator) | {"mapping.w_avg": generator["mapping.w_avg"] + 1}
        content = {
            "G": tree(generator, ATTRIBUTES, persistent("Generator")),
            "D": tree(discriminator, OF_DISCRIMINATOR, persistent("Discriminator")),
            "G_ema": tree(averaged, ATTRIBUTES, persistent("Generator")),
            "augment_pipe": tree({"p": torch.zeros(())}, {}, persistent("AugmentPipe")),
            "training_set_kwargs": {"path": "data.zip"},
        }
        path = tmp_path / "network-snapshot-000000.pkl"
        path.write_bytes(dumped(content | networks))
        return path

    return write


def saved(path, state, **options):
    torch.save(state, path, **options)
    return path


def test_a_snapshot_of_nvidias(run, snapshot, tmp_path):
    path = snapshot()
    code, said = run(f"file={path}", "output=ours/model.ckpt", "dataset_name=digits")
    assert (code, said.err) == (0, "") and "untrained" not in said.out
    model = ganzoo.load(tmp_path / "ours/model.ckpt")
    generator, averaged = model.generator, model.ema["generator"].network
    theirs = generator_state()
    assert torch.equal(generator.synthesis.constant, theirs["synthesis.b4.const"])
    assert torch.equal(generator.synthesis.layers[1].weight, theirs["synthesis.b8.conv0.weight"])
    assert torch.equal(generator.mapping.mean.value, theirs["mapping.w_avg"])
    assert torch.equal(averaged.mapping.mean.value, theirs["mapping.w_avg"] + 1)
    weights = discriminator_state()
    assert torch.equal(model.discriminator.hidden.weight, weights["b4.fc.weight"])
    assert (generator.mapping.mean.decay, generator.mapping.layers[0].lr_multiplier) == (0.9, 0.02)
    assert generator.synthesis.layers[0].clamp == 128 and model.discriminator.last.clamp is None
    assert model.discriminator.deviation.group_size == 2
    assert model.configuration["dataset"]["name"] == "digits"
    assert model.sample(2, seed=0).shape == (2, 1, 8, 8)


def test_what_the_other_commands_make_of_it(run, snapshot, tmp_path):
    run(f"file={snapshot()}", "output=model.ckpt", "dataset_name=digits")
    code, said = run("checkpoint=model.ckpt", "output=out", "n=3", "format=npz", main=sample.main)
    assert (code, said.err) == (0, "")
    assert np.load(tmp_path / "out/samples.npz")["samples"].shape == (3, 8, 8, 1)
    words = ("metrics=fid", "metrics.features=pixels", "samples=70", "output=measured")
    code, said = run("checkpoint=model.ckpt", *words, main=evaluate.main)
    assert code == 0, said.err
    assert (tmp_path / "measured/metrics.json").exists()


def test_training_goes_on_from_it(run, snapshot, tmp_path):
    run(f"file={snapshot()}", "output=model.ckpt", "dataset_name=digits")
    model = ganzoo.load(tmp_path / "model.ckpt")
    before = model.generator.synthesis.constant.clone()
    trainer = Trainer(max_steps=2, accelerator="cpu", logger=False, enable_checkpointing=False)
    images = torch.rand(8, 1, 8, 8) * 2 - 1
    trainer.fit(model, DataLoader(images, batch_size=4), ckpt_path=tmp_path / "model.ckpt")
    assert trainer.global_step == 2
    assert not torch.equal(model.generator.synthesis.constant, before)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_alone(run, tmp_path, zipped):
    """Its averages are its weights, the other player is as new, and defaults are the authors'."""
    state = generator_state(channels=3, classes=3, latent_dim=5)
    path = saved(tmp_path / "G_ema.pth", state, _use_new_zipfile_serialization=zipped)
    code, said = run(f"file={path}", "output=model.ckpt")
    assert (code, said.err) == (0, "")
    assert "not in" in said.out and "untrained: discriminator" in said.out
    model = ganzoo.load(tmp_path / "model.ckpt")
    for generator in (model.generator, model.ema["generator"].network):
        constant = generator.synthesis.constant
        assert torch.equal(constant, state["synthesis.b4.const"])
        assert torch.equal(generator.mapping.label_code.weight, state["mapping.embed.weight"])
    assert model.generator.synthesis.layers[0].clamp == 256
    assert model.sample(2, labels=[0, 2], seed=0).shape == (2, 3, 8, 8)


def test_networks_of_several_files(run, tmp_path):
    one = saved(tmp_path / "G.pth", generator_state())
    other = saved(tmp_path / "D.pth", {"state": discriminator_state()})
    code, said = run(f"file=[{one},{other}]", "output=model.ckpt")
    assert (code, said.err) == (0, "") and "untrained" not in said.out


def lacking(name):
    state = generator_state()
    del state[name]
    return state


def reshaped(name, *shape):
    return generator_state() | {name: torch.zeros(shape)}


def wide(width):
    """Weights of a few numbers that ask for a network of many."""
    state = generator_state(size=4)
    changed = {"synthesis.b4.const", "synthesis.b4.conv1.weight"}
    return state | {name: torch.zeros(width, *[1] * (state[name].dim() - 1)) for name in changed}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (lacking("synthesis.b8.conv0.bias"), "the generator lack synthesis.layers.1.bias"),
        (lacking("mapping.w_avg"), "the weights of the generator lack mapping.mean.value"),
        (lacking("synthesis.b4.conv1.affine.weight"), "lacks the weight 'synthesis.b4.conv1.aff"),
        (lacking("synthesis.b4.torgb.weight"), "form orig or resnet, without images of b4"),
        (generator_state() | {"b8.conv7": torch.zeros(1)}, "has a weight 'b8.conv7' that"),
        (reshaped("synthesis.b8.conv0.bias", 5), "layers.1.bias of the shape [5], and"),
        (reshaped("synthesis.b4.conv1.weight", 9, 4, 3, 3), "[9, 4] channels, and ours double"),
        (reshaped("mapping.fc0.weight"), "has weights of shapes that fit no such network"),
        (wide(10**6), "and the network of [1000000, 2, 2]"),
        (discriminator_state(), "has no generator"),
        ({"synthesis.input.freqs": torch.zeros(2)}, "StyleGAN3, whose networks are not here yet"),
        ({"blocks.0.0.conv1.u0": torch.zeros(2)}, "BigGAN-PyTorch, whose networks are not"),
        ({"block2.c1.weight": torch.zeros(2)}, "is of mimicry, whose residual networks are not"),
        ({"weight": torch.zeros(2)}, "known kind: known are StyleGAN2-ADA, R3GAN, CycleGAN"),
        ({}, "no weights of a known kind"),
        ([torch.zeros(2)], "no weights of a known kind"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(run, tmp_path, state, message):
    path = saved(tmp_path / "file.pth", state)
    check_refused(run, tmp_path, message, f"file={path}", "output=model.ckpt")


def check_refused(run, tmp_path, message, *words):
    code, said = run(*words)
    assert code == 1 and message in said.err, said.err
    assert len(said.err.strip().splitlines()) == 1 and not said.out
    assert not (tmp_path / "model.ckpt").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["output=model.ckpt"], "file"),
        (["file=G.pth"], "output"),
        (["file=G.pth", "output=G.pth"], "output=G.pth must be another file"),
        (["file=G.pth", "output=."], "output=. must be another file"),
        (["file=[]", "output=model.ckpt"], "another file"),
        (["file=none.pth", "output=model.ckpt"], "there is no file of weights at none.pth"),
        (["file=G.pth", "output=G.pth/model.ckpt"], "cannot write to G.pth/model.ckpt"),
        (["file=G.pth", "output=model.ckpt", "outputs=3"], "outputs"),
        (["file=G.pth", "output=model.ckpt", "dataset_name=digit"], "digit"),
        (["file=G.pth", "output=model.ckpt", "dataset_name=ring"], "dataset.channels"),
        (["file=G.pth", "output=model.ckpt", "image_size=16"], "pictures of 8 pixels"),
        (["file=G.pth", "output=model.ckpt", "image_size=0"], "image_size must be a whole"),
        (["file=[G.pth,text.pth]", "output=model.ckpt"], "text.pth is neither a pickle nor"),
        (["file=[G.pth,other.pth]", "output=model.ckpt"], "other.pth has no weights of StyleGAN2"),
        (["file=[G.pth,G.pth]", "output=model.ckpt"], "two networks of one kind: G and G"),
        (["file=short.pth", "output=model.ckpt"], "short.pth is damaged"),
        (["file=short.pkl", "output=model.ckpt"], "short.pkl is damaged"),
    ],
)
def test_wrong_input(run, tmp_path, snapshot, words, message):
    content = saved(tmp_path / "G.pth", generator_state()).read_bytes()
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "short.pth").write_bytes(content[: len(content) // 2])
    (tmp_path / "short.pkl").write_bytes(snapshot().read_bytes()[:2000])
    saved(tmp_path / "other.pth", {"weight": torch.zeros(1)})
    check_refused(run, tmp_path, message, *words)


def test_activations_that_are_not_ours(run, snapshot, tmp_path):
    changed = ATTRIBUTES | {"mapping.fc1.activation": "relu"}
    path = snapshot(G=tree(generator_state(), changed, persistent("Generator")))
    check_refused(run, tmp_path, "the activation 'relu'", f"file={path}", "output=model.ckpt")
