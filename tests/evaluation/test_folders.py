"""Pictures in folders as samples."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.evaluation.folders import read_folder


def write(folder, name, pixels, **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def grey(seed=0, size=(5, 7)):
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def colour(seed=0):
    return grey(seed, (5, 7, 3))


def test_pixels_are_taken_as_they_are_in_the_order_of_names(tmp_path):
    pictures = {name: colour(number) for number, name in enumerate("cab")}
    for name, pixels in pictures.items():
        write(tmp_path, f"{name}.png", pixels)
    images, classes = read_folder(tmp_path)
    expected = np.stack([pictures[name] for name in "abc"]).astype(np.float64) / 127.5 - 1
    assert images.shape == (3, 3, 5, 7) and images.dtype == torch.float32
    assert np.abs(images.permute(0, 2, 3, 1).numpy() - expected).max() < 1e-6
    assert classes is None


def test_grey_pictures_have_one_channel(tmp_path):
    write(tmp_path, "a.png", np.array([[0, 255], [51, 204]], dtype=np.uint8))
    images, _ = read_folder(tmp_path)
    expected = torch.tensor([[[[-1, 1], [-0.6, 0.6]]]])
    assert torch.allclose(images, expected)


def test_what_is_no_sample_is_left_out(tmp_path):
    write(tmp_path, "0.png", grey())
    write(tmp_path, "grid.png", grey(1, (50, 70)))  # as ganzoo.sample writes it
    write(tmp_path, ".hidden.png", grey(1, (50, 70)))
    write(tmp_path, ".thumbnails/0.png", grey(1, (50, 70)))
    (tmp_path / "notes.txt").write_text("no picture")
    assert len(read_folder(tmp_path)[0]) == 1


def test_class_folders_give_classes_only_where_all_pictures_lie_in_them(tmp_path):
    for name in ("cat/0.png", "cat/more/1.png", "ant/0.png"):
        write(tmp_path, name, grey())
    assert list(read_folder(tmp_path)[1]) == ["ant", "cat", "cat"]
    write(tmp_path, "0.png", grey())
    assert read_folder(tmp_path)[1] is None


def test_a_folder_that_leads_into_itself_is_read_once(tmp_path):
    write(tmp_path, "a/0.png", grey())
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(read_folder(tmp_path)[0]) == 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (grey(1, (7, 5)), "b.png is 5 x 7 L, {}a.png is 7 x 5 L: all pictures must have one size"),
        (colour(), "b.png is 7 x 5 RGB, {}a.png is 7 x 5 L"),
        (grey(1, (5, 7, 4)), "b.png is a picture of mode RGBA: convert it"),
        (grey(1, (5, 7, 2)), "b.png is a picture of mode LA: convert it"),
    ],
)
def test_the_first_picture_that_differs_is_named(tmp_path, other, message):
    write(tmp_path, "a.png", grey())
    for name in "bcdefgh":
        write(tmp_path, f"{name}.png", other)
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{message.format(f'{tmp_path}/')}")


def test_a_broken_picture_is_named(tmp_path):
    for name in "abc":
        write(tmp_path, f"{name}.png", grey(0, (50, 70)))
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"the picture .*b\.png cannot be read: ") as caught:
        read_folder(tmp_path)
    assert str(caught.value).isprintable()


def test_a_folder_without_pictures(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match="there is no picture in"):
        read_folder(tmp_path)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_bytes_survive_the_way_through_a_picture(tmp_path_factory, height, width, color, seed):
    folder = tmp_path_factory.mktemp("pictures")
    shape = (height, width, 3) if color else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    write(folder, "a.png", pixels)
    images, _ = read_folder(folder)
    back = ((images[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(back.reshape(shape), pixels)
