import numpy as np
import pytest
import torch
from torchmetrics.image.inception import InceptionScore as Reference

from ganzoo.errors import InputError
from ganzoo.metrics.features import IdentityFeatures, RandomFeatures
from ganzoo.metrics.inception_score import InceptionScore
from ganzoo.metrics.inputs import MetricInputs, SampleSet


class Classifier(IdentityFeatures):
    """Its logits are three times the features."""

    def classify(self, features):
        return 3 * features


def metric(*, splits=1, seed=0):
    return InceptionScore(splits=splits, seed=seed)


def measure(logits, **settings):
    built = metric(**settings)
    built.update(logits, real=False)
    return {name: value.item() for name, value in built.compute().items()}


def normal(count=200, classes=4):
    return 2 * torch.randn(count, classes, generator=torch.Generator().manual_seed(0))


def test_it_is_the_definition():
    rows = np.exp(normal().double().numpy())
    rows /= rows.sum(axis=1, keepdims=True)
    divergences = (rows * np.log(rows / rows.mean(axis=0))).sum(axis=1)
    measured = measure(normal())
    assert measured["inception_score"] == pytest.approx(np.exp(divergences.mean()), rel=1e-6)
    assert measured["inception_score_deviation"] == 0


def test_sure_and_varied_is_the_number_of_classes_and_all_alike_is_one():
    sure = 100 * torch.eye(4).repeat(10, 1)
    assert measure(sure)["inception_score"] == pytest.approx(4, rel=1e-6)
    assert measure(sure[:1].repeat(20, 1))["inception_score"] == pytest.approx(1, rel=1e-6)
    assert measure(torch.zeros(20, 4))["inception_score"] == pytest.approx(1, rel=1e-6)


def test_agrees_with_torchmetrics_but_for_the_deviation_which_is_the_published_one():
    """Salimans et al. take numpy's deviation, which divides by the number of splits."""
    ours = measure(normal(), splits=5)
    theirs = Reference(feature=torch.nn.Identity(), splits=5)
    theirs.update(normal())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mean, deviation = theirs.compute()
    assert ours["inception_score"] == pytest.approx(mean.item(), rel=1e-5)
    published = deviation.item() * (4 / 5) ** 0.5
    assert ours["inception_score_deviation"] == pytest.approx(published, rel=1e-4)


def test_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_isc")
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    expected = reference.isc_features_to_metric(normal()[order], splits=5, shuffle=False)
    ours = measure(normal(), splits=5)
    assert ours["inception_score"] == pytest.approx(expected["inception_score_mean"], rel=1e-5)
    deviation = expected["inception_score_std"]
    assert ours["inception_score_deviation"] == pytest.approx(deviation, rel=1e-4)


def test_the_seed_alone_chooses_the_splits():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = measure(normal(), splits=5)
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(2)
    assert measure(normal(), splits=5) == first
    assert measure(normal(), splits=5, seed=1) != first


def test_real_samples_are_passed_over():
    built = metric()
    built.update(100 * torch.eye(4), real=True)
    built.update(torch.zeros(20, 4), real=False)
    assert built.compute()["inception_score"].item() == pytest.approx(1, rel=1e-6)


def test_wrong_input():
    built = metric(splits=10)
    built.update(normal(19), real=False)
    with pytest.raises(InputError, match=r"at least 20 generated samples, got 19.*splits=10"):
        built.compute()
    with pytest.raises(InputError, match="splits"):
        metric(splits=0)
    with pytest.raises(InputError, match="no class logits"):
        metric().measure(comparison(RandomFeatures(dimension=8, seed=0)))


def comparison(extractor):
    """Of features whose samples a metric of logits must not look at."""
    samples = SampleSet(torch.full((200, 2), torch.nan), None, normal(), extractor)
    return MetricInputs(real=samples, generated=samples)


def test_it_takes_the_logits_of_the_classifier_of_the_features():
    measured = metric(splits=5).measure(comparison(Classifier()))
    expected = measure(3 * normal(), splits=5)
    assert {name: value.item() for name, value in measured.items()} == expected
