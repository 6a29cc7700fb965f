import numpy as np
import pytest
import torch
from scipy import ndimage

from ganzoo.data.derived import Negatives, WithEdges, edges
from ganzoo.data.digits import Digits


def digits():
    source = Digits()
    source.setup(memory_limit=0)
    return source


def test_edges_are_those_of_scipys_sobel():
    images, _ = digits().gather(torch.arange(50))
    for ours, image in zip(edges(images)[:, 0].numpy(), images[:, 0].numpy(), strict=True):
        levels = image.astype(float)
        slopes = [ndimage.sobel(levels, axis, mode="nearest") for axis in (0, 1)]
        expected = np.rint(np.hypot(*slopes) / 4).clip(max=255)
        assert np.array_equal(ours, expected)


@pytest.mark.parametrize("across", [True, False])
def test_an_edge_between_black_and_white_is_white(across):
    image = torch.zeros(1, 1, 6, 6, dtype=torch.uint8)
    image[..., 3:] = 255
    found = edges(image if across else image.mT)
    line = found[0, 0, 2] if across else found[0, 0, :, 2]
    assert line.tolist() == [0, 0, 255, 255, 0, 0]


def test_of_colours_the_steepest_channel_counts():
    images = torch.randint(256, (4, 3, 9, 7), dtype=torch.uint8)
    each = torch.cat([edges(images[:, [channel]]) for channel in range(3)], dim=1)
    assert torch.equal(edges(images), each.amax(1, keepdim=True))


def test_pictures_behind_their_edges():
    plain, source = digits(), WithEdges(source=digits())
    some = torch.tensor([5, 3, 1000])
    images, labels = source.gather(some)
    expected, numbers = plain.gather(some)
    assert source.shape == tuple(images.shape[1:]) == (2, 8, 8)
    assert torch.equal(images[:, :1], edges(expected))
    assert torch.equal(images[:, 1:], expected)
    assert torch.equal(labels, numbers)
    assert source.size == 1797


def test_negatives():
    plain, source = digits(), Negatives(source=digits())
    some = torch.tensor([5, 3, 1000])
    images, _ = source.gather(some)
    assert torch.equal(images.int() + plain.gather(some)[0].int(), torch.full_like(images, 255))
    assert source.held_out() is None
