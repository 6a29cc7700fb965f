import random

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from ganzoo.errors import InputError
from ganzoo.metrics.classifier import Classifier, ClassifierTraining, accuracy, predict

SETTINGS = {
    "steps": 80,
    "batch_size": 64,
    "learning_rate": 0.01,
    "width": 8,
    "dimension": 32,
    "seed": 0,
}


def training(**changes):
    return ClassifierTraining(**(SETTINGS | changes))


@pytest.fixture(scope="module")
def digits():
    """Pictures and labels of scikit-learn's digits: 1,500 to train with, 297 to test with."""
    found = load_digits()
    pictures = torch.from_numpy(found.images * (255 / 16)).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(found.target).long()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    train, test = order.split([1500, 297])
    return pictures[train], labels[train], pictures[test], labels[test]


def train(digits, *, device="cpu", **changes):
    pictures, labels, *_ = digits
    return training(**changes).train(pictures, labels, num_classes=10, device=device)


def weights(classifier):
    return torch.cat([values.double().flatten() for values in classifier.state_dict().values()])


def test_digits_are_known_better_than_by_a_linear_classifier(digits):
    pictures, labels, test_pictures, test_labels = digits
    linear = LogisticRegression(max_iter=1000).fit(pictures.flatten(1) / 255, labels)
    share = linear.score(test_pictures.flatten(1) / 255, test_labels)
    classifier = train(digits)
    assert accuracy(classifier, test_pictures, test_labels) >= share + 0.01 > 0.95


def test_what_is_learned_is_in_the_labels(digits):
    pictures, labels, test_pictures, test_labels = digits
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]
    classifier = training().train(pictures, shuffled, num_classes=10, device="cpu")
    assert accuracy(classifier, test_pictures, test_labels) < 0.25
    wrong = training().train(pictures, (labels + 1) % 10, num_classes=10, device="cpu")
    assert accuracy(wrong, test_pictures, (test_labels + 1) % 10) > 0.95


def test_accuracy_is_the_share_of_right_answers(digits):
    *_, pictures, labels = digits
    classifier = train(digits, steps=20)
    answers = torch.cat([classifier(picture[None]) for picture in pictures]).argmax(dim=1)
    assert torch.equal(predict(classifier, pictures), answers)
    right = sum(int(a == b) for a, b in zip(answers, labels, strict=True))
    assert 0 < right < len(labels)
    assert accuracy(classifier, pictures, labels) == right / len(labels)


def test_more_pictures_than_go_through_at_once_are_all_answered(digits):
    pictures, *_ = digits
    classifier = train(digits, steps=2)
    answers = predict(classifier, pictures)
    assert torch.equal(answers[700:800], predict(classifier, pictures[700:800]))


def test_the_seed_decides_and_nothing_else(digits):
    torch.manual_seed(1)
    first = train(digits, steps=5)
    torch.manual_seed(2)
    assert torch.equal(weights(first), weights(train(digits, steps=5)))
    assert not torch.equal(weights(first), weights(train(digits, steps=5, seed=1)))


def test_global_random_states_are_left_alone(digits):
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    train(digits, steps=3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


@pytest.mark.parametrize(
    "around",
    [torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16)],
    ids=["no_grad", "inference_mode", "autocast"],
)
def test_modes_around_training_do_not_matter(digits, around):
    expected = train(digits, steps=3)
    with around:
        found = train(digits, steps=3)
    assert torch.equal(weights(found), weights(expected))
    assert not found.training
    assert not any(values.requires_grad for values in found.parameters())


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (2, 16, 48), (1, 3, 3), (4, 97, 97)]
)
def test_any_channels_and_sizes_can_be_learned(shape):
    """Two classes, of which one is brighter."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(24) % 2
    noise = torch.randint(0, 128, (24, *shape), generator=generator)
    pictures = (noise + 100 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    settings = training(steps=12, batch_size=16, width=4)
    classifier = settings.train(pictures, labels, num_classes=2, device="cpu")
    assert accuracy(classifier, pictures, labels) == 1
    assert classifier.features(pictures).shape == (24, 32)
    assert classifier(pictures).shape == (24, 2)


def test_logits_are_linear_in_the_features(digits):
    *_, pictures, _ = digits
    classifier = train(digits, steps=3)
    features = classifier.features(pictures).numpy()
    by_hand = features @ classifier.head.weight.numpy().T + classifier.head.bias.numpy()
    np.testing.assert_allclose(classifier(pictures).numpy(), by_hand, rtol=1e-4, atol=1e-5)
    assert features.min() == 0 < features.max()


def test_weights_begin_with_the_variance_of_he():
    classifier = training(width=64, dimension=256).build((3, 32, 32), 10)
    for layer in classifier.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            inputs = layer.weight[0].numel()
            assert layer.weight.var().item() == pytest.approx(2 / inputs, rel=0.1)


def test_fewer_pictures_than_a_batch_are_enough(digits):
    pictures, labels, *_ = digits
    few = training(steps=60).train(pictures[:40], labels[:40], num_classes=10, device="cpu")
    assert accuracy(few, pictures[:40], labels[:40]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.float(), y), "uint8 pictures"),
        (lambda x, y: (x[:, 0], y), "uint8 pictures"),
        (lambda x, y: (x[:1], y[:1]), "at least 2 pictures"),
        (lambda x, y: (x[:0], y[:0]), "at least 2 pictures"),
        (lambda x, y: (x, y[:-1]), "one label each"),
        (lambda x, y: (x, y + 1), "from 0 to 9, not 1 to 10"),
        (lambda x, y: (x, y - 1), "from 0 to 9, not -1 to 8"),
    ],
)
def test_wrong_data_are_one_line(digits, change, message):
    pictures, labels, *_ = digits
    with pytest.raises(InputError, match=message) as caught:
        training().train(*change(pictures, labels), num_classes=10, device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("value", [-1, float("nan"), "3"])
def test_impossible_settings_are_refused(name, value):
    if name == "learning_rate" and value == "3":
        return
    with pytest.raises(InputError, match=name):
        training(**{name: value})


def test_batches_of_one_picture_are_refused():
    with pytest.raises(InputError, match="batch_size must be a whole number from 2 up"):
        training(batch_size=1)


def test_points_have_no_classifier():
    settings = {"num_classes": 2, "width": 4, "dimension": 4, "seed": 0}
    with pytest.raises(InputError, match=r"needs pictures \[C, H, W\], not samples of shape \[2\]"):
        Classifier(shape=(2,), **settings)


@pytest.mark.gpu
def test_a_gpu_learns_as_well(digits, device):
    *_, pictures, labels = digits
    classifier = train(digits, device=device)
    assert classifier.head.weight.device.type == device.type
    assert accuracy(classifier, pictures, labels) > 0.95
