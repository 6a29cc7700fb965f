from functools import partial

import pytest
import torch
from scipy import stats
from torchvision import datasets

from ganzoo.data.digits import Digits
from ganzoo.data.stacked_mnist import StackedDigits
from ganzoo.data.torchvision_sets import ArrayImages
from ganzoo.errors import InputError


def stack(digits, count=2000, stacking_seed=0):
    source = StackedDigits(digits=digits, count=count, stacking_seed=stacking_seed)
    source.prepare()
    source.setup(memory_limit=0)
    return source


@pytest.fixture
def small(mnist_files):
    root, _, _ = mnist_files()
    return ArrayImages(
        constructor=partial(datasets.MNIST, train=True),
        held_out={"train": False},
        root=str(root),
        download=False,
        channels=1,
        image_size=32,
        padding=2,
    )


def test_each_channel_is_the_digit_that_the_label_names(small):
    source = stack(small)
    images, labels = source.gather(torch.arange(2000))
    assert images.shape == (2000, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    known, digits = small.gather(torch.arange(40))
    for image, label in zip(images[:50], labels[:50].tolist(), strict=True):
        for channel, digit in zip(image, (label // 100, label // 10 % 10, label % 10), strict=True):
            (match,) = (known[:, 0] == channel).all(dim=(1, 2)).nonzero()[0].tolist()
            assert digits[match] == digit


def test_digits_are_drawn_evenly_and_independently(small):
    _, labels = stack(small, count=20_000).gather(torch.arange(20_000))
    assert stats.chisquare(labels.bincount(minlength=1000).numpy()).pvalue > 1e-3


def test_a_picture_is_fixed_by_its_number_and_the_stacking_seed(small):
    chosen = torch.tensor([7, 3, 7])
    images, labels = stack(small).gather(chosen)
    assert torch.equal(images[0], images[2])
    assert torch.equal(images, stack(small).gather(chosen)[0])
    assert not torch.equal(labels, stack(small, stacking_seed=1).gather(chosen)[1])


def test_held_out_pictures_are_stacked_from_held_out_digits(small, mnist_files):
    _, images, digits = mnist_files()
    apart = stack(small, count=500).held_out()
    apart.prepare()
    apart.setup(memory_limit=0)
    stacked, labels = apart.gather(torch.arange(apart.size))
    assert (apart.size, apart.num_classes, apart.shape) == (500, 1000, (3, 32, 32))
    known = torch.from_numpy(255 - images[:25]).to(torch.uint8)
    for image, label in zip(stacked[:50], labels[:50].tolist(), strict=True):
        for channel, digit in zip(image, (label // 100, label // 10 % 10, label % 10), strict=True):
            (match,) = (known == channel[2:-2, 2:-2]).all(dim=(1, 2)).nonzero()[0].tolist()
            assert digits[match] == digit
    assert stack(Digits(channels=1, image_size=8)).held_out() is None


def test_the_facts(small):
    source = stack(small, count=128_000)
    assert (source.size, source.num_classes, source.shape) == (128_000, 1000, (3, 32, 32))


def test_what_cannot_be_stacked_is_refused(small):
    with pytest.raises(InputError, match="grey pictures"):
        stack(Digits(channels=3, image_size=8))
    with pytest.raises(InputError, match="count must be"):
        stack(small, count=0)
    with pytest.raises(InputError, match="stacking_seed must be"):
        stack(small, stacking_seed=-1)


def test_the_real_digits(shared_mnist):
    digits = ArrayImages(
        constructor=partial(datasets.MNIST, train=True),
        held_out={"train": False},
        root=str(shared_mnist),
        download=False,
        channels=1,
        image_size=32,
        padding=2,
    )
    _, labels = stack(digits, count=128_000).gather(torch.arange(128_000))
    assert len(labels.unique()) == 1000
