from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import map_coordinates
from torchvision.utils import save_image

from ganzoo.errors import InputError
from ganzoo.metrics.resizing import CleanResizing, LegacyResizing, quantize, to_color, unrounded

needs_torch_fidelity = pytest.mark.skipif(
    find_spec("torch_fidelity") is None, reason="needs torch-fidelity"
)
SIZES = [(8, 8), (28, 28), (32, 32), (64, 48), (299, 299), (300, 299), (350, 512)]


def pictures(height, width, count=2):
    generator = torch.Generator().manual_seed(height + width)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator, dtype=torch.uint8)


def test_every_level_survives_the_way_through_floating_point():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert quantize(levels.float().div(127.5).sub(1)).equal(levels)
    assert quantize(levels.double() / 255 * 2 - 1).equal(levels)
    assert quantize((levels.float() / 255 - 0.5) / 0.5).equal(levels)


def test_values_are_rounded_halves_upwards_and_clamped():
    levels = torch.tensor([0.49, 0.5, 0.51, 127.4, 127.5, 254.49, 254.6, -3, 260, 280])
    images = (levels.double() / 127.5 - 1).view(1, 1, 1, -1)
    images[..., 4] = 0
    assert quantize(images).flatten().tolist() == [0, 1, 1, 127, 128, 254, 255, 0, 255, 255]


def test_quantization_is_what_saving_a_picture_writes(tmp_path):
    images = 2.4 * torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0)) - 1.2
    save_image((images + 1) / 2, tmp_path / "image.png")
    saved = torch.from_numpy(np.asarray(Image.open(tmp_path / "image.png")).copy())
    assert quantize(images)[0].equal(saved.permute(2, 0, 1))


def test_unrounded_levels_are_within_half_a_level_and_only_where_they_are_asked_for():
    images = 2.4 * torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0)) - 1.2
    with pytest.raises(KeyError), unrounded():
        exact = quantize(images)
        raise KeyError
    assert quantize(images).dtype == torch.uint8 != exact.dtype
    torch.testing.assert_close(exact / 127.5 - 1, images.clamp(-1, 1), rtol=0, atol=1e-6)
    assert 0.4 < (exact - quantize(images)).abs().max() <= 0.5 + 1e-4


def test_grey_images_are_repeated_and_others_refused():
    grey = torch.arange(4.0).view(1, 1, 2, 2)
    assert to_color(grey).equal(torch.cat([grey] * 3, dim=1))
    assert to_color(pictures(4, 4)).equal(pictures(4, 4))
    for shape in [(2, 4, 8, 8), (2, 2), (3, 8, 8)]:
        with pytest.raises(InputError, match="1 or 3"):
            to_color(torch.zeros(shape))


@pytest.mark.parametrize("height, width", SIZES)
@pytest.mark.parametrize("size", [299, 224])
def test_clean_is_clean_fids(height, width, size):
    reference = pytest.importorskip("cleanfid.resize")
    resize = reference.make_resizer("PIL", False, "bicubic", (size, size))
    images = pictures(height, width)
    theirs = np.stack([resize(image.permute(1, 2, 0).numpy()) for image in images])
    ours = CleanResizing(size=size)(images).permute(0, 2, 3, 1).numpy()
    assert ours.shape == theirs.shape and ours.min() >= 0 and ours.max() <= 255
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-5)


@pytest.mark.parametrize("height, width", [(32, 32), (512, 350)])
def test_clean_is_pillows(height, width):
    images = pictures(height, width, count=1)
    channel = Image.fromarray(images[0, 0].numpy().astype(np.float32))
    resized = np.asarray(channel.resize((299, 299), resample=Image.Resampling.BICUBIC))
    ours = CleanResizing(size=299)(images)[0, 0].numpy()
    np.testing.assert_allclose(ours, resized.clip(0, 255), rtol=0, atol=5e-5)


@needs_torch_fidelity
@pytest.mark.parametrize("height, width", [(7, 5), (20, 31)])
def test_legacy_takes_values_where_tensorflow_1_does(height, width):
    picture = pictures(height, width, count=1)
    places = np.meshgrid(*(np.arange(12) * side / 12 for side in (height, width)), indexing="ij")
    levels = picture[0].double().numpy()
    expected = [map_coordinates(each, places, order=1, mode="nearest") for each in levels]
    np.testing.assert_allclose(LegacyResizing(size=12)(picture)[0], expected, atol=1e-3)


@needs_torch_fidelity
@pytest.mark.parametrize("resizing", [LegacyResizing, CleanResizing])
def test_images_of_the_right_size_are_not_changed(resizing):
    images = pictures(20, 20)
    assert resizing(size=20)(images).equal(images.float())
    with pytest.raises(InputError, match="size"):
        resizing(size=0)


@needs_torch_fidelity
def test_only_clean_resizing_keeps_fine_stripes_apart():
    stripes = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 255
    assert LegacyResizing(size=32)(stripes).unique().tolist() == [255]
    assert CleanResizing(size=32)(stripes)[..., 2:-2].sub(127.5).abs().max() < 20
