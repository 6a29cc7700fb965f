import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torchvision.transforms import v2

from ganzoo.data.conversions import Conversion, Conversions
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
    height, width = image_size if isinstance(image_size, list) else (image_size, image_size)
    assert tensor.shape == (channels, height, width)
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


@pytest.mark.parametrize(
    ("levels", "white", "black"),
    [
        (np.int32([[0, 10], [200, 255]]), 255, 0),
        (np.int32([[0, 257], [300, 65535]]), 65535, 0),
        (np.int32([[0, 257], [65535, 90000]]), 90000, 0),
        (np.int32([[-50, 0], [20, 50]]), 50, -50),
        (np.float32([[0, 0.25], [0.5, 0.9]]), 1, 0),
        (np.float32([[-0.9, 0.25], [0.5, 0.9]]), 1, -1),
        (np.float32([[0, 1.5], [90, 200]]), 255, 0),
        (np.float32([[3, 300], [1e4, 6e4]]), 65535, 0),
        (np.float32([[-7, 0], [3, 21]]), 21, -7),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_32_bit_grey_is_scaled_by_its_range(levels, white, black, channels):
    """TIFFs of floats were black, and so were whole numbers from 0 to 255."""
    picture = reopened(Image.fromarray(levels), "TIFF")
    assert picture.mode in ("I", "F")
    expected = np.rint((levels.astype(np.float64) - black) / (white - black) * 255)
    assert np.array_equal(arrays(picture, channels, 2)[..., -1], expected)


def test_values_that_are_not_finite():
    some = Image.fromarray(np.float32([[np.nan, 0.0], [np.inf, 1.0]]))
    assert arrays(some, 1, 2)[..., 0].tolist() == [[0, 0], [255, 255]]
    with pytest.raises(ValueError, match="no value is finite"):
        arrays(Image.fromarray(np.full((2, 2), np.nan, np.float32)), 1, 2)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB", "PA", "RGBa", "La", "I;16B"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_mode_of_pillow_gives_its_picture(mode, channels):
    """A flat colour, whatever the mode that it comes in."""
    colour = (90, 90, 90) if mode in ("La", "I;16B") else (200, 90, 30)
    picture = Image.new("RGB", (8, 8), colour)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")
    elif mode == "PA":
        picture = picture.quantize().convert("PA")
    elif mode == "I;16B":
        picture = Image.frombytes("I;16B", (8, 8), np.full((8, 8), 90 * 257, ">u2").tobytes())
    else:
        middle = {"RGBa": "RGBA", "La": "LA"}.get(mode, "RGB")
        picture = picture.convert(middle).convert(mode)
    found = arrays(picture, channels)[3, 4].astype(int)
    grey = np.array(Image.new("RGB", (1, 1), colour).convert("L"))[0, 0].astype(int)
    wanted = {1: [grey], 2: [grey, 255], 3: [*colour], 4: [*colour, 255]}[channels]
    assert np.abs(found - wanted).max() <= 4


def test_transparency_is_kept_where_there_is_a_channel_for_it():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    assert np.array_equal(arrays(reopened(Image.fromarray(pixels)), 4), pixels)


@pytest.mark.parametrize(("size", "part"), [([4, 8], np.s_[2:6, :]), ([8, 2], np.s_[:, 3:5])])
def test_the_largest_centred_part_of_other_proportions(size, part):
    assert np.array_equal(arrays(reopened(Image.fromarray(COLOURS)), 3, size), COLOURS[part])
    large = Image.fromarray(COLOURS.repeat(4, 0).repeat(4, 1))
    crop = np.array(large)[tuple(slice(*(4 * i if i else None for i in (s.start, s.stop)))
                                 for s in part)]  # fmt: skip
    theirs = Image.fromarray(crop).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    assert np.array_equal(arrays(large, 3, size), np.asarray(theirs))


def test_what_was_done_is_counted():
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = reopened(Image.new("RGB", (9, 5)), exif=exif)
    palette = reopened(Image.new("RGB", (5, 9)).quantize(), transparency=0)
    pictures = [
        *(Image.fromarray(np.zeros((9, 5), kind)) for kind in (np.uint16, np.float32, np.int32)),
        *(palette, sideways, Image.new("CMYK", (5, 9)), Image.new("L", (7, 7))),
        Image.new("RGB", (5, 9)),
    ]
    conversions = Conversions((9, 5))
    for picture in pictures:
        conversions.add(Conversion.of(picture, (3, 9, 5)))
    assert conversions.plain() == {
        "of 16 bits scaled to 8": 1,
        "of 32 bits scaled to 8": 2,
        "of a palette looked up": 1,
        "with transparency laid on white": 1,
        "of CMYK turned to RGB": 1,
        "of grey given three equal channels": 4,
        "turned as their EXIF data say": 1,
        "resized": {"pictures": 1, "from": "7 x 7", "to": "9 x 5"},
    }
    assert "1 of a palette looked up" in str(conversions)
    assert not Conversions((1, 1)).plain() and not str(Conversions((1, 1)))


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
