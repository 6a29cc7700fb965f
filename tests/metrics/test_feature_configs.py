import re
import socket
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from ganzoo.errors import InputError

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted(path.stem for path in (CONF / "metrics" / "features").glob("*.yaml"))
ROOT = f"""
defaults:
  - metrics/features: random
  - _self_
hydra:
  searchpath: ["file://{CONF}"]
dataset:
  datamodule:
    source: {{_target_: ganzoo.data.digits.Digits, channels: 3, image_size: 32}}
"""


@pytest.fixture
def composed(tmp_path):
    cache = f"cache_dir: {tmp_path}\n"
    (tmp_path / "root.yaml").write_text(ROOT + cache, encoding="utf-8")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        yield lambda choice: compose("root", [f"metrics/features={choice}"])


def no_network(*_, **__):
    raise socket.gaierror(-3, "no network")


@pytest.mark.parametrize("name", FILES)
def test_every_file_builds_or_says_what_is_missing(composed, name, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    if name in ("timm", "dinov2"):
        pytest.importorskip("timm")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    settings = composed(name).metrics
    if name == "classifier":
        settings.features.classifier.training.steps = 1
    assert list(settings.features) == [name]
    try:
        features = instantiate(settings.features)[name]
    except InstantiationException as error:
        line = str(error.__cause__)
        assert isinstance(error.__cause__, InputError) and "\n" not in line
        assert re.search(r"features\.\w+\.weights=PATH", line) or "pip install" in line
        return
    generator = torch.Generator().manual_seed(0)
    rows = features(2 * torch.rand(4, 3, 32, 32, generator=generator) - 1)
    assert rows.shape == (4, getattr(features, "dimension", 3 * 32 * 32))
    assert re.fullmatch("[0-9a-f]{64}", features.fingerprint())
