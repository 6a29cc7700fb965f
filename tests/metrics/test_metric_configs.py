from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from ganzoo import metrics

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted(path.stem for path in (CONF / "metrics").glob("*.yaml"))
ROOT = f"""
defaults:
  - metrics: none
  - _self_
hydra:
  searchpath: ["file://{CONF}"]
dataset:
  datamodule:
    source:
      _target_: types.SimpleNamespace
      deviation: 0.1
      modes: {{_target_: torch.eye, n: 2}}
"""


@pytest.fixture
def composed(tmp_path):
    (tmp_path / "root.yaml").write_text(ROOT, encoding="utf-8")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        yield lambda choice: compose("root", [f"metrics={choice}"]).metrics


@pytest.mark.parametrize("name", FILES)
def test_every_file_builds_metrics_under_keys_of_their_own(composed, name):
    built = instantiate(composed(name))
    assert (name == "none") == (len(built) == 0)
    assert all(type(metric).__name__ in metrics.__all__ for metric in built.values())


def test_several_files_join(composed):
    assert set(composed("[modes,precision_recall]")) == {"modes", "precision_recall"}
    assert set(composed("points")) == {"modes", "wasserstein"}
    assert set(composed("images")) == {"precision_recall", "density_coverage"}
    assert set(composed("[images,wasserstein]")) > {"density_coverage", "wasserstein"}
