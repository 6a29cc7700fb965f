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
    found = read_folder(tmp_path)
    images, classes = found.samples, found.classes
    expected = np.stack([pictures[name] for name in "abc"]).astype(np.float64) / 127.5 - 1
    assert images.shape == (3, 3, 5, 7) and images.dtype == torch.float32
    assert np.abs(images.permute(0, 2, 3, 1).numpy() - expected).max() < 1e-6
    assert classes is None


def test_grey_pictures_have_one_channel(tmp_path):
    write(tmp_path, "a.png", np.array([[0, 255], [51, 204]], dtype=np.uint8))
    images = read_folder(tmp_path).samples
    expected = torch.tensor([[[[-1, 1], [-0.6, 0.6]]]])
    assert torch.allclose(images, expected)


def test_what_is_no_sample_is_left_out(tmp_path):
    write(tmp_path, "0.png", grey())
    write(tmp_path, "grid.png", grey(1, (50, 70)))  # as ganzoo.sample writes it
    write(tmp_path, ".hidden.png", grey(1, (50, 70)))
    write(tmp_path, ".thumbnails/0.png", grey(1, (50, 70)))
    (tmp_path / "notes.txt").write_text("no picture")
    assert len(read_folder(tmp_path).samples) == 1


def test_class_folders_give_classes_only_where_all_pictures_lie_in_them(tmp_path):
    for name in ("cat/0.png", "cat/more/1.png", "ant/0.png"):
        write(tmp_path, name, grey())
    assert read_folder(tmp_path).classes == ["ant", "cat", "cat"]
    write(tmp_path, "0.png", grey())
    assert read_folder(tmp_path).classes is None


def test_a_folder_that_leads_into_itself_is_read_once(tmp_path):
    write(tmp_path, "a/0.png", grey())
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(read_folder(tmp_path).samples) == 1


def test_pictures_are_converted_as_in_training_and_counted(tmp_path):
    """Training took such a folder, the evaluation refused it."""
    pixels = colour()
    write(tmp_path, "a.png", pixels)
    write(tmp_path, "b.png", np.concatenate([pixels, np.full((5, 7, 1), 0, np.uint8)], axis=2))
    write(tmp_path, "c.png", grey().astype(np.uint16) * 257)
    Image.fromarray(pixels).quantize().save(tmp_path / "d.png")
    found = read_folder(tmp_path)
    levels = ((found.samples + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(levels[0], pixels)
    assert (levels[1] == 255).all()
    assert np.array_equal(levels[2], grey()[..., None].repeat(3, axis=2))
    theirs = Image.fromarray(pixels).quantize().convert("RGB")
    assert np.array_equal(levels[3], np.asarray(theirs))
    assert found.conversions == {
        "of 16 bits scaled to 8": 1,
        "of a palette looked up": 1,
        "of grey given three equal channels": 1,
        "with transparency laid on white": 1,
    }


def test_pictures_of_several_sizes_need_one(tmp_path):
    write(tmp_path, "a.png", grey())
    write(tmp_path, "b.png", grey(1, (9, 4)))
    expected = r"have 2 sizes, from 5 x 7 to 9 x 4: set image_size=\[height,width\]"
    with pytest.raises(InputError, match=expected):
        read_folder(tmp_path)
    for found in (read_folder(tmp_path, size=(4, 6)), read_folder(tmp_path, shape=(1, 4, 6))):
        assert found.samples.shape == (2, 1, 4, 6)
        assert found.conversions["resized"] == {
            "pictures": 2,
            "from": "5 x 7 ... 9 x 4",
            "to": "4 x 6",
        }


def test_broken_pictures_are_left_out_with_their_classes(tmp_path, caplog):
    for name in "abcd":
        write(tmp_path, f"{name}/0.png", grey(0, (50, 70)))
    whole = (tmp_path / "b/0.png").read_bytes()
    (tmp_path / "b/0.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c/0.png").write_bytes(b"")
    (tmp_path / "d/1.png").symlink_to("nowhere")
    found = read_folder(tmp_path)
    assert found.classes == ["a", "d"] and len(found.samples) == 2
    assert found.conversions == {"left out, unreadable": 3}
    (line,) = (one.getMessage() for one in caplog.records)
    assert line.startswith("left out 3 of 5 pictures that cannot be read, as ")
    for name in "ad":
        (tmp_path / name / "0.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of the 5 pictures can be read"):
        read_folder(tmp_path)


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
    images = read_folder(folder).samples
    back = ((images[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(back.reshape(shape), pixels)
