import numpy as np
import pytest
import torch
from scipy import linalg

from ganzoo.errors import InputError
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.fid import FrechetDistance
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.intra_class import IntraClassFrechetDistance


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def classes(count, number=3, seed=9):
    return torch.randint(number, (count,), generator=torch.Generator().manual_seed(seed))


def measure(real, real_labels, generated, generated_labels):
    metric = IntraClassFrechetDistance()
    metric.update(real, labels=real_labels, real=True)
    metric.update(generated, labels=generated_labels, real=False)
    return metric.compute()["intra_fid"].item()


def by_scipy(first, second):
    covariances = [np.cov(rows, rowvar=False) for rows in (first, second)]
    apart = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    return apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)


def test_it_is_the_mean_of_what_scipy_finds_in_each_class():
    real, generated = normal(200, 4), 0.7 * normal(150, 4, seed=1) + 0.2
    labels = classes(200), classes(150, seed=8)
    distances = [
        by_scipy(real[labels[0] == k].double().numpy(), generated[labels[1] == k].double().numpy())
        for k in range(3)
    ]
    expected = np.mean(distances)
    assert measure(real, labels[0], generated, labels[1]) == pytest.approx(expected, rel=1e-5)


def test_classes_weigh_the_same_whatever_their_counts():
    # Gaussians that differ only in their means: the distance of a class is its squared shift.
    counts, shifts = torch.tensor([1000, 100, 10]), torch.tensor([0.0, 3.0, 6.0])
    labels = torch.arange(3).repeat_interleave(counts)
    real = normal(1110, 2).double()
    shifted = real + shifts[labels, None] * torch.tensor([1.0, 0.0])
    expected = (0 + 9 + 36) / 3
    assert measure(real, labels, shifted, labels) == pytest.approx(expected, rel=1e-6)


def test_samples_of_the_wrong_class_are_seen_and_not_by_the_whole():
    labels = classes(300)
    data = normal(300, 2) + 4 * labels[:, None]
    exchanged = (labels + 1) % 3
    assert measure(data, labels, data, labels) == 0
    assert measure(data, labels, data, exchanged) > 10
    whole = FrechetDistance()
    whole.update(data, real=True)
    whole.update(data, real=False)
    assert whole.compute()["fid"] == 0


def test_a_class_without_variety_is_seen():
    labels = classes(300)
    data = normal(300, 2)
    collapsed = torch.where(labels[:, None] == 1, data[labels == 1].mean(dim=0), data)
    # All the variance of one class in three is gone.
    variance = data[labels == 1].var(dim=0).sum().item()
    assert measure(data, labels, collapsed, labels) == pytest.approx(variance / 3, rel=1e-4)


def test_neither_order_nor_batches_nor_the_names_of_classes_matter():
    real, generated, labels = normal(120, 3), normal(120, 3, seed=1), classes(120)
    expected = measure(real, labels, generated, labels)
    metric = IntraClassFrechetDistance()
    for batch, part in zip(generated.flip(0).split(17), labels.flip(0).split(17), strict=True):
        metric.update(batch, labels=part, real=False)
    for batch, part in zip(real.split(31), labels.split(31), strict=True):
        metric.update(batch, labels=part, real=True)
    assert metric.compute()["intra_fid"].item() == pytest.approx(expected, rel=1e-5)
    renamed = 100 - 7 * labels
    assert measure(real, renamed, generated, renamed) == pytest.approx(expected, rel=1e-6)


def test_a_comparison_lends_its_labels():
    labels, extractor = classes(100), IdentityFeatures()
    images = torch.full((100, 1, 2, 2), torch.nan)  # features are looked at, not images
    real = SampleSet(images, labels, normal(100, 2), extractor)
    generated = SampleSet(images, labels.flip(0), normal(100, 2, seed=1), extractor)
    values = IntraClassFrechetDistance().measure(MetricInputs(real, generated))
    expected = measure(real.features, labels, generated.features, labels.flip(0))
    assert values["intra_fid"].item() == expected
    unlabelled = SampleSet(images, None, normal(100, 2), extractor)
    with pytest.raises(InputError, match="IntraClassFrechetDistance needs samples with labels"):
        IntraClassFrechetDistance().measure(MetricInputs(real, unlabelled))


@pytest.mark.parametrize("missing, got", [(True, "1 real and 2"), (False, "2 real and 1")])
def test_a_class_of_one_sample_is_named_with_its_counts(missing, got):
    whole, short = torch.tensor([0, 0, 0, 5, 5]), torch.tensor([0, 0, 0, 0, 5])
    labels = (short, whole) if missing else (whole, short)
    with pytest.raises(InputError, match=f"at least 2 real.*got {got} generated of class 5"):
        measure(normal(5, 2), labels[0], normal(5, 2), labels[1])


def test_a_class_of_one_set_alone_is_an_error():
    labels = torch.zeros(3).long(), torch.tensor([0, 0, 0, 1, 1, 1])
    with pytest.raises(InputError, match="0 real and 3 generated of class 1"):
        measure(normal(3, 2), labels[0], normal(6, 2), labels[1])
    with pytest.raises(InputError, match="3 real and 0 generated of class 1"):
        measure(normal(6, 2), labels[1], normal(3, 2), labels[0])


@pytest.mark.parametrize("labels", [torch.zeros(4).long(), torch.zeros(5), torch.zeros(5, 1).int()])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(InputError, match=r"whole numbers of shape \[5\]"):
        IntraClassFrechetDistance().update(normal(5, 2), labels=labels, real=True)


def test_features_of_another_size_are_refused():
    metric = IntraClassFrechetDistance()
    metric.update(normal(5, 2), labels=torch.zeros(5).long(), real=True)
    with pytest.raises(InputError, match="3 values"):
        metric.update(normal(5, 3), labels=torch.zeros(5).long(), real=False)
