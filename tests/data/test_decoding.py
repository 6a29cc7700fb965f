import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from ganzoo.data.pictures import decode

COLOURS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
GREYS = COLOURS[..., 0]


def reopened(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def arrays(image, channels, image_size=8):
    tensor = decode(image, channels=channels, image_size=image_size)
    assert tensor.dtype == torch.uint8
    assert tensor.shape == (channels, image_size, image_size)
    return tensor.permute(1, 2, 0).numpy()


def test_colour_and_grey_are_exact():
    assert np.array_equal(arrays(reopened(Image.fromarray(COLOURS)), 3), COLOURS)
    assert np.array_equal(arrays(reopened(Image.fromarray(GREYS)), 1)[..., 0], GREYS)
    grey = arrays(reopened(Image.fromarray(COLOURS)), 1)[..., 0]
    assert np.array_equal(grey, np.asarray(Image.fromarray(COLOURS).convert("L")))
    colour = arrays(reopened(Image.fromarray(GREYS)), 3)
    assert np.array_equal(colour, np.repeat(GREYS[..., None], 3, axis=2))


def test_transparent_pictures_are_laid_on_white():
    alpha = np.linspace(0, 255, 64).reshape(8, 8, 1).round().astype(np.uint8)
    picture = reopened(Image.fromarray(np.concatenate([COLOURS, alpha], axis=2)))
    assert picture.mode == "RGBA"
    share = alpha / 255
    expected = COLOURS * share + 255 * (1 - share)
    assert np.abs(arrays(picture, 3) - expected).max() <= 1
    grey = reopened(Image.merge("LA", [Image.fromarray(GREYS), Image.fromarray(alpha[..., 0])]))
    expected = GREYS * share[..., 0] + 255 * (1 - share[..., 0])
    assert np.abs(arrays(grey, 1)[..., 0] - expected).max() <= 1


def test_palettes_are_looked_up():
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8)
    picture = Image.fromarray(indices)
    picture.putpalette(COLOURS.reshape(-1).tolist())
    assert picture.mode == "P"
    assert np.array_equal(arrays(reopened(picture), 3), COLOURS)
    seen_through = arrays(reopened(picture, transparency=5), 3)
    assert (seen_through[0, 5] == 255).all()
    assert np.array_equal(seen_through[1:], COLOURS[1:])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled(kind):
    levels = (np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040).astype(np.uint16)
    picture = reopened(Image.fromarray(levels), kind)
    assert picture.mode.startswith("I")
    assert np.array_equal(arrays(picture, 1)[..., 0], np.rint(levels / 257))
    assert np.array_equal(arrays(picture, 3)[..., 2], np.rint(levels / 257))


def test_32_bit_grey_is_taken_as_16_bit():
    levels = np.array([[0, 257], [65535, 90000]], dtype=np.int32)
    picture = reopened(Image.fromarray(levels), "TIFF")
    assert picture.mode == "I"
    assert arrays(picture, 1, 2)[..., 0].tolist() == [[0, 1], [255, 255]]


def test_black_and_white_and_cmyk():
    bits = Image.fromarray(GREYS).convert("1")
    assert set(np.unique(arrays(reopened(bits), 1))) == {0, 255}
    cmyk = reopened(Image.fromarray(COLOURS).convert("CMYK"), "TIFF")
    assert cmyk.mode == "CMYK"
    assert np.abs(arrays(cmyk, 3).astype(int) - COLOURS).max() <= 2


def test_the_largest_centred_square_is_taken():
    wide = np.concatenate([np.zeros((8, 3, 3), np.uint8), COLOURS, COLOURS[:, :2]], axis=1)
    # 13 columns: (13 - 8) // 2 = 2 are cut off on the left.
    assert np.array_equal(arrays(reopened(Image.fromarray(wide)), 3), wide[:, 2:10])
    tall = np.concatenate([COLOURS, COLOURS, COLOURS])
    assert np.array_equal(arrays(reopened(Image.fromarray(tall)), 3), tall[8:16])


def test_resizing_is_antialiased_and_like_torchvision():
    noise = np.random.default_rng(1).integers(0, 256, (178, 218, 3), dtype=np.uint8)
    ours = arrays(reopened(Image.fromarray(noise)), 3, 64)
    cut = v2.functional.center_crop(Image.fromarray(noise), [178, 178])
    bicubic = v2.InterpolationMode.BICUBIC
    theirs = np.asarray(v2.functional.resize(cut, [64, 64], interpolation=bicubic))
    assert np.array_equal(ours, theirs)
    # Without antialiasing the spread of noise would stay at 74.
    assert arrays(reopened(Image.fromarray(noise)), 3, 16).std() < 20


def test_orientation_is_honoured():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    picture = reopened(Image.fromarray(COLOURS), exif=exif)
    assert np.array_equal(arrays(picture, 3), np.rot90(COLOURS, -1))


def test_large_jpeg_files_are_reduced_early_without_harm():
    ramp = np.linspace(0, 255, 512)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1]), axis=2)
    image = Image.fromarray(picture.round().astype(np.uint8))
    ours = arrays(reopened(image, "JPEG", quality=95), 3, 16).astype(int)
    exact = np.asarray(image.resize((16, 16), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(ours - exact).max() <= 4


def test_broken_exif_data_is_no_reason_to_lose_a_picture(monkeypatch):
    def fail(image):
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr("ganzoo.data.pictures.ImageOps.exif_transpose", fail)
    assert np.array_equal(arrays(reopened(Image.fromarray(COLOURS)), 3), COLOURS)
