"""The Python of README.md and of the pages on parts runs, block after block as a reader would."""

import re

import pytest
import torch

from ganzoo.configs import config_directory

ROOT = config_directory().parent


def names_after(page):
    """What a page's blocks have defined, without those that need a run that is there."""
    path, names = ROOT / page, {}
    for block in re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.M | re.S):
        if "runs/latest" not in block:
            exec(compile(block, str(path), "exec"), names)
    return names


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)


def test_the_readme():
    names = names_after("README.md")
    assert names["model"].sample(16, seed=0).shape == (16, 2)


def test_own_parts():
    found = names_after("docs/own-parts.md")["trainer"].callback_metrics
    assert float(found["fid"]) < 9, "3 epochs are better than none"
