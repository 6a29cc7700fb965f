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
        averaged = {
            name: value if name.endswith("resample_filter") else value + 1
            for name, value in generator.items()
        }
        content = {
            "G": tree(generator, ATTRIBUTES, persistent("Generator")),
            "D": tree(discriminator | {"b4.mbstd.none": torch.zeros(0)}, OF_DISCRIMINATOR,
                      persistent("Discriminator")),
            "G_ema": tree(averaged, ATTRIBUTES, persistent("Generator")),
            "augment_pipe": tree({"p": torch.zeros(())}, {}, persistent("AugmentPipe")),
            "training_set_kwargs": {"path": "data.zip"},
        }  # fmt: skip
        path = tmp_path / "network-snapshot-000000.pkl"
        path.write_bytes(dumped(content | networks))
        return path

    return write


def saved(path, state, **options):
    torch.save(state, path, **options)
    return path
