import numpy as np
import torch
from PIL import Image

from ganzoo.data.images import fitted, to_model_range


def random(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def test_model_range_is_a_straight_line_through_the_ends():
    values = torch.arange(256, dtype=torch.uint8)
    scaled = to_model_range(values)
    assert scaled.dtype == torch.float32
    assert (scaled[0], scaled[255]) == (-1, 1)
    assert np.allclose(scaled, np.arange(256) / 127.5 - 1, atol=1e-6)
    points = torch.randn(3, 2)
    assert to_model_range(points) is points


def test_pictures_of_the_right_size_stay_as_they_are():
    images = random(4, 3, 8, 8)
    assert torch.equal(fitted(images, channels=3, image_size=8, padding=0), images)
    assert torch.equal(fitted(images, channels=3, image_size=8, padding=2), images)


def test_padding_puts_black_around():
    images = random(4, 1, 28, 28)
    padded = fitted(images, channels=1, image_size=32, padding=2)
    assert padded.shape == (4, 1, 32, 32)
    assert torch.equal(padded[:, :, 2:-2, 2:-2], images)
    assert padded.sum() == images.sum()


def test_other_sizes_are_resized_as_pil_does():
    images = random(3, 3, 28, 28)
    for size in (64, 16):
        resized = fitted(images, channels=3, image_size=size, padding=2)
        for ours, source in zip(resized, images, strict=True):
            picture = Image.fromarray(source.permute(1, 2, 0).numpy())
            theirs = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))
            difference = ours.permute(1, 2, 0).numpy().astype(int) - theirs
            assert np.abs(difference).max() <= 3


def test_the_largest_centred_part_of_other_proportions():
    images = random(3, 1, 28, 28)
    for size, part in (([14, 28], np.s_[:, :, 7:21]), ([28, 7], np.s_[:, :, :, 10:17])):
        assert torch.equal(fitted(images, channels=1, image_size=size, padding=0), images[part])
    padded = fitted(images, channels=3, image_size=[30, 30], padding=1)
    assert torch.equal(padded[:, 2:, 1:-1, 1:-1], images)
    assert (fitted(images, channels=4, image_size=8, padding=0)[:, 3] == 255).all()


def test_large_sets_are_resized_in_parts(monkeypatch):
    images = random(10, 1, 8, 8)
    whole = fitted(images, channels=1, image_size=4, padding=0)
    monkeypatch.setattr("ganzoo.data.images._CHUNK", 3)
    assert torch.equal(fitted(images, channels=1, image_size=4, padding=0), whole)


def test_channels_are_converted():
    grey, colour = random(2, 1, 4, 4), random(2, 3, 4, 4)
    assert torch.equal(fitted(grey, channels=3, image_size=4, padding=0), grey.expand(2, 3, 4, 4))
    converted = fitted(colour, channels=1, image_size=4, padding=0)[0, 0]
    expected = np.asarray(Image.fromarray(colour[0].permute(1, 2, 0).numpy()).convert("L"))
    assert np.abs(converted.numpy().astype(int) - expected).max() <= 1
