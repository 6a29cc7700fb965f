import pytest
from hydra.utils import instantiate

from ganzoo import metrics
from ganzoo.composition.compose import compose_config, group_choices


@pytest.fixture
def composed():
    """Compose the metrics on a data set that has what they ask for."""

    def metrics_of(choice):
        dataset = "stacked_mnist" if choice == "digit_modes" else "ring"
        return compose_config([f"dataset={dataset}", f"metrics={choice}"]).metrics.evaluator.metrics

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
    assert set(composed("[quality,kid]")) == {"fid", "prdc", "kid"}


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
