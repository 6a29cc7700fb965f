from dataclasses import asdict, replace

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from ganzoo.errors import InputError
from ganzoo.metrics import ClassificationAccuracy
from ganzoo.metrics.classifier import ClassifierTraining, predict
from ganzoo.metrics.features import PixelFeatures
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.resizing import quantize

TRAINING = ClassifierTraining(
    steps=60, batch_size=64, learning_rate=0.01, width=8, dimension=32, seed=0
)
# For values that are the same or not, however good the classifiers are.
SHORT = replace(TRAINING, steps=6)


@pytest.fixture(scope="module")
def digits():
    """Three sets of scikit-learn's digits in [-1, 1]: training, another 600, held-out."""
    found = load_digits()
    images = torch.from_numpy(found.images).float()[:, None] / 8 - 1
    labels = torch.from_numpy(found.target).long()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return [(images[part], labels[part]) for part in order.split(599)]


def measure(real, generated, held_out, metric):
    metric.update(real[0], labels=real[1], real=True)
    metric.update(generated[0], labels=generated[1], real=False)
    metric.hold_out(held_out[0], labels=held_out[1])
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.fixture(scope="module")
def one_for_all():
    return ClassificationAccuracy(training=TRAINING)


@pytest.fixture
def thorough(one_for_all):
    """The same metric for all tests, so that it knows the classifier of the real samples."""
    one_for_all.reset()
    return one_for_all


@pytest.fixture
def short():
    return ClassificationAccuracy(training=SHORT)


@pytest.fixture(scope="module")
def expected(digits):
    """The values of these sets with the short training."""
    values = measure(*digits, ClassificationAccuracy(training=SHORT))
    assert len(set(values.values())) == 3
    return values


def test_real_samples_for_generated_ones_are_as_good_as_real_ones(digits, thorough):
    values = measure(*digits, thorough)
    assert set(values) == {"classification_accuracy_score", "gan_test", "real_accuracy"}
    nearest = KNeighborsClassifier(1).fit(digits[0][0].flatten(1), digits[0][1])
    share = nearest.score(digits[2][0].flatten(1), digits[2][1])
    for value in values.values():
        assert value == pytest.approx(share, abs=0.05) and share > 0.95


def test_each_value_is_trained_and_tested_on_the_sets_of_its_definition(digits, short):
    real, generated, held_out = (
        (images + spread * torch.randn(images.shape, generator=torch.Generator().manual_seed(1)))
        .clamp(-1, 1)
        for (images, _), spread in zip(digits, (0.2, 0.8, 0.4), strict=True)
    )  # fmt: skip
    labels = [own for _, own in digits]
    values = measure((real, labels[0]), (generated, labels[1]), (held_out, labels[2]), short)

    def share(train, train_labels, test, test_labels):
        classifier = SHORT.train(quantize(train), train_labels, num_classes=10, device="cpu")
        answers = predict(classifier, quantize(test)).tolist()
        right = sum(a == b for a, b in zip(answers, test_labels.tolist(), strict=True))
        return pytest.approx(right / len(answers), abs=1e-6)

    assert values["classification_accuracy_score"] == share(
        generated, labels[1], held_out, labels[2]
    )
    assert values["gan_test"] == share(real, labels[0], generated, labels[1])
    assert values["real_accuracy"] == share(real, labels[0], held_out, labels[2])
    assert len(set(values.values())) == 3


def test_dropped_classes_lower_the_score_and_not_gan_test(digits, thorough):
    real, (images, labels), held_out = digits
    kept = labels < 5
    values = measure(real, (images[kept], labels[kept]), held_out, thorough)
    share = (held_out[1] < 5).double().mean().item()
    assert share - 0.05 < values["classification_accuracy_score"] <= share + 1e-6
    assert values["gan_test"] > 0.95


def test_one_picture_for_each_class_lowers_the_score_and_not_gan_test(digits, thorough):
    real, (images, labels), held_out = digits
    first = [int((labels == digit).nonzero()[0]) for digit in range(10)] * 20
    values = measure(real, (images[first], labels[first]), held_out, thorough)
    assert values["classification_accuracy_score"] < values["real_accuracy"] - 0.1
    assert values["gan_test"] >= 0.9


def test_samples_of_other_classes_than_asked_for_lower_both(digits, thorough):
    real, (images, labels), held_out = digits
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]
    values = measure(real, (images, shuffled), held_out, thorough)
    assert values["classification_accuracy_score"] < 0.3
    assert values["gan_test"] < 0.3
    assert values["real_accuracy"] > 0.9


def test_noise_lowers_both(digits, thorough):
    real, (images, labels), held_out = digits
    noise = 2 * torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) - 1
    values = measure(real, (noise, labels), held_out, thorough)
    assert max(values["classification_accuracy_score"], values["gan_test"]) < 0.4


@pytest.fixture
def trainings(monkeypatch):
    counts = []
    own = ClassifierTraining.train

    def train(self, pictures, labels, **options):
        counts.append(len(labels))
        return own(self, pictures, labels, **options)

    monkeypatch.setattr(ClassifierTraining, "train", train)
    return counts


def comparison(digits, labelled=True, held_out=True):
    extractor = PixelFeatures()
    sets = [
        SampleSet(images, labels if labelled else None, images.flatten(1), extractor)
        for images, labels in digits
    ]
    return MetricInputs(
        real=sets[0],
        generated=sets[1],
        held_out=sets[2] if held_out else None,
        generator=None,
    )


def test_measuring_again_trains_on_the_generated_samples_only(digits, short, trainings):
    short.measure(comparison(digits))
    assert trainings == [599, 599]
    fewer = [digits[0], (digits[1][0][:500], digits[1][1][:500]), digits[2]]
    short.measure(comparison(fewer))
    assert trainings == [599, 599, 500]
    other = [(digits[0][0][:400], digits[0][1][:400]), *digits[1:]]
    short.measure(comparison(other))
    assert trainings == [599, 599, 500, 400, 599]
    relabelled = [(other[0][0], other[0][1].flip(0)), *digits[1:]]
    short.measure(comparison(relabelled))
    assert trainings == [599, 599, 500, 400, 599, 400, 599]


def test_a_comparison_gives_what_updates_give(digits, short, expected):
    values = {name: value.item() for name, value in short.measure(comparison(digits)).items()}
    assert values == expected


def test_batches_are_joined(digits, short, expected):
    for name, (images, labels) in zip(("real", "generated", "held"), digits, strict=True):
        for start in range(0, len(labels), 250):
            batch, own = images[start : start + 250], labels[start : start + 250]
            if name == "held":
                short.hold_out(batch, labels=own)
            else:
                short.update(batch, labels=own, real=name == "real")
    assert {name: value.item() for name, value in short.compute().items()} == expected


def test_held_out_samples_that_come_later_count(digits, short, expected):
    measure(digits[0], digits[1], (digits[2][0][:200], digits[2][1][:200]), short)
    short.hold_out(digits[2][0][200:], labels=digits[2][1][200:])
    assert {name: value.item() for name, value in short.compute().items()} == expected


def test_reset_forgets(digits, short, expected):
    short.update(-digits[0][0], labels=digits[0][1], real=True)
    short.hold_out(-digits[0][0], labels=digits[0][1])
    short.reset()
    assert measure(*digits, short) == expected


def test_the_protocol_holds_the_training(short):
    assert short.protocol() == {"training": asdict(SHORT)}
    assert not short.depends_on_features


def test_samples_without_classes_or_held_out_ones_are_one_line(digits, short):
    with pytest.raises(InputError, match="needs samples with labels: use a conditional model"):
        short.measure(comparison(digits, labelled=False))
    with pytest.raises(InputError, match="and this data set has none apart"):
        short.measure(comparison(digits, held_out=False))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((9, 20, 20), r"needs at least 10 real samples, got 9: a classifier needs"),
        ((20, 9, 20), r"needs at least 10 generated samples, got 9: a classifier needs"),
        ((20, 0, 20), r"needs at least 2 generated samples, got 0"),
        ((20, 20, 0), r"needs at least 1 held-out sample, got 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_too_few_samples_are_one_line(digits, short, counts, message):
    labels = torch.arange(20) % 10
    sets = [
        (images[:count], labels[:count])
        for (images, _), count in zip(digits, counts, strict=True)
    ]  # fmt: skip
    with pytest.raises(InputError, match=message):
        measure(*sets, short)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, :, :4], y), r"same size: got \[1, 4, 8\] after \[1, 8, 8\]"),
        (lambda x, y: (x.flatten(1), y), r"needs images \[B, C, H, W\]"),
        (lambda x, y: (x / 0, y), "NaN or infinite"),
        (lambda x, y: (x, y[:-1]), "599 samples need as many labels"),
        (lambda x, y: (x, y.float()), "whole numbers"),
        (lambda x, y: (x, -y), "whole numbers from 0 up"),
    ],
)
def test_wrong_samples_are_one_line(digits, short, change, message):
    short.update(digits[1][0], labels=digits[1][1], real=False)
    images, labels = change(*digits[0])
    for add in (
        lambda: short.update(images, labels=labels, real=True),
        lambda: short.hold_out(images, labels=labels),
    ):
        with pytest.raises(InputError, match=message) as caught:
            add()
        assert "\n" not in str(caught.value)
