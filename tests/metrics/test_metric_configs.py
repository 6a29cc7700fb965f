import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from ganzoo import metrics
from ganzoo.composition.compose import compose_config, group_choices
from ganzoo.configs import config_directory

# The metrics of a run without its other groups, which take most of the time to compose.
ROOT = f"""
defaults:
  - metrics: none
  - metrics/features: identity
  - metrics/evaluator: default
  - _self_
hydra:
  searchpath: ["file://{config_directory()}"]
seed: 0
cache_dir: unused
dataset:
  evaluation_samples: 100
  datamodule:
    source: {{_target_: ganzoo.data.points.Ring, modes: 8, radius: 2.0, deviation: 0.02}}
"""


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """Compose the metrics on a data set that has what they ask for."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "root.yaml").write_text(ROOT, encoding="utf-8")

    def metrics_of(choice):
        if choice == "digit_modes":
            config = compose_config(["dataset=stacked_mnist", "metrics=digit_modes"])
        else:
            with initialize_config_dir(str(folder), version_base="1.3"):
                config = compose("root", [f"metrics={choice}"])
        return config.metrics.evaluator.metrics

    return metrics_of


@pytest.mark.parametrize("name", group_choices("metrics"))
def test_every_file_builds_metrics_under_keys_of_their_own(composed, name):
    built = instantiate(composed(name))
    assert (name == "none") == (len(built) == 0)
    assert all(type(metric).__name__ in metrics.__all__ for metric in built.values())


def test_several_files_join(composed):
    assert set(composed("[modes,prdc]")) == {"modes", "prdc"}
    assert set(composed("points")) == {"modes", "wasserstein"}
    assert set(composed("quality")) == {"fid", "prdc"}
    run = compose_config(["dataset=ring", "metrics=[quality,kid]"])
    assert set(run.metrics.evaluator.metrics) == {"fid", "prdc", "kid"}


@pytest.mark.parametrize(
    ("features", "objective"),
    [
        ("random", "metrics/fid@2000"),
        ("pixels", "metrics/fid_pixels@2000"),
        ("identity", "metrics/fid_identity@2000"),
        ("[inception,pixels]", "metrics/fid_inception@2000"),
    ],
)
def test_the_objective_of_pictures_is_named_as_it_is_measured(features, objective):
    words = ["dataset=image_folder", "dataset.root=somewhere", f"metrics.features={features}"]
    assert compose_config(words).objective == objective
