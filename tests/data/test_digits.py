import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from ganzoo.data.digits import Digits
from ganzoo.errors import InputError


def load(**changes):
    source = Digits(**({"channels": 1, "image_size": 8} | changes))
    source.setup(memory_limit=0)
    return source


def test_the_digits_are_those_of_scikit_learn():
    source = load()
    images, labels = source.gather(torch.arange(source.size))
    expected = load_digits()
    assert images.dtype == torch.uint8
    assert images.shape == (1797, 1, 8, 8)
    assert np.array_equal(images[:, 0].numpy(), np.rint(expected.images * 255 / 16))
    assert np.array_equal(labels.numpy(), expected.target)
    assert (images.min(), images.max()) == (0, 255)
    assert (source.size, source.num_classes, source.shape) == (1797, 10, (1, 8, 8))
    assert source.class_names == list("0123456789")


def test_digits_can_be_larger_and_in_three_channels():
    source = load(channels=3, image_size=16)
    images, _ = source.gather(torch.arange(5))
    assert images.shape == (5, 3, 16, 16)
    assert torch.equal(images[:, 0], images[:, 2])
    small = load().gather(torch.arange(5))[0][:, 0].numpy()
    for ours, picture in zip(images[:, 0].numpy(), small, strict=True):
        theirs = Image.fromarray(picture).resize((16, 16), Image.Resampling.BICUBIC)
        assert np.abs(ours.astype(int) - np.asarray(theirs)).max() <= 3


@pytest.mark.parametrize("changes", [{"channels": 5}, {"image_size": 0}, {"image_size": 8.5}])
def test_impossible_pictures_are_refused(changes):
    with pytest.raises(InputError, match="must be"):
        load(**changes)
