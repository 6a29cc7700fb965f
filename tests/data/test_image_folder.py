import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.image_folder import ImageFolder
from ganzoo.errors import InputError

EVERYTHING, NOTHING = 2**40, 0


def save(path, level, size=(8, 8), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).convert(mode).save(path)


def make(root, **changes):
    settings = {"held_out_root": None, "channels": 1, "image_size": 4, "num_classes": None}
    return ImageFolder(root=root, **(settings | changes))


def load(root, memory_limit=EVERYTHING, **changes):
    source = make(root, **changes)
    source.prepare()
    source.setup(memory_limit=memory_limit)
    return source


def levels(source):
    images, labels = source.gather(torch.arange(source.size))
    assert images.dtype == torch.uint8
    return images[:, 0, 0, 0].tolist(), labels


@pytest.fixture
def classes(tmp_path):
    """Six pictures in three classes, one of them in a deeper folder."""
    for number, name in enumerate(["b/1", "a/1", "a/deeper/2", "c/1", "a/0", "b/0"]):
        save(tmp_path / f"{name}.png", 10 * number)
    return tmp_path


MEMORY = pytest.mark.parametrize("limit", [EVERYTHING, NOTHING])


@MEMORY
def test_nested_pictures_in_the_order_of_their_paths(classes, limit):
    source = load(classes, limit)
    assert source.in_memory == (limit == EVERYTHING)
    assert source.size == 6
    assert levels(source) == ([40, 10, 20, 50, 0, 30], None)


@MEMORY
def test_first_folders_are_classes(classes, limit):
    source = load(classes, limit, num_classes=3)
    found, labels = levels(source)
    assert found == [40, 10, 20, 50, 0, 30]
    assert labels.dtype == torch.int64
    assert labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert source.class_names == ["a", "b", "c"]


@MEMORY
def test_any_modes_sizes_and_endings(tmp_path, limit):
    kinds = itertools.product(
        [("L", ".png"), ("RGB", ".JPG"), ("RGBA", ".webp"), ("P", ".gif"), ("CMYK", ".tif")],
        [(8, 8), (30, 9), (5, 17)],
    )
    for (mode, ending), size in kinds:
        save(tmp_path / f"{mode}-{size[0]}{ending}", 100, size, mode)
    Image.fromarray(np.full((6, 9), 100 * 257, np.uint16)).save(tmp_path / "deep.png")
    source = load(tmp_path, limit, channels=3, image_size=16)
    images, _ = source.gather(torch.arange(source.size))
    assert images.shape == (16, 3, 16, 16)
    assert (images.int() - 100).abs().max() <= 3


def test_other_and_hidden_files_are_passed_over(tmp_path, caplog):
    save(tmp_path / "good.png", 7)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "._good.png").write_bytes(b"what macOS leaves")
    save(tmp_path / ".thumbnails" / "good.png", 7)
    assert load(tmp_path).size == 1
    assert "left out" not in caplog.text


def test_links_add_no_picture_twice(classes, tmp_path_factory):
    """A link to the parent counted every picture forty times."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    save(elsewhere / "1.png", 60)
    (elsewhere / "back").symlink_to(classes)
    (classes / "a" / "up").symlink_to("..")
    (classes / "a" / "top").symlink_to(classes.parent)
    (classes / "0").symlink_to("b")  # seen before b, were links not the last
    (classes / "d").symlink_to(elsewhere)
    source = load(classes, num_classes=4)
    found, labels = levels(source)
    assert found == [40, 10, 20, 50, 0, 30, 60]
    assert labels.tolist() == [0, 0, 0, 1, 1, 2, 3]


@MEMORY
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_height_and_width_may_differ(classes, limit, channels):
    source = load(classes, limit, image_size=[4, 6], channels=channels)
    images, _ = source.gather(torch.arange(source.size))
    assert images.shape == (6, *source.shape) == (6, channels, 4, 6)
    assert images[:, 0, 0, 0].tolist() == [40, 10, 20, 50, 0, 30]
    assert str(source.conversions).endswith("6 resized from 8 x 8 to 4 x 6")


@MEMORY
def test_broken_pictures_are_left_out_with_one_warning(classes, limit, caplog):
    (classes / "a" / "5.png").write_bytes(b"not a picture")
    (classes / "b" / "0.jpg").write_bytes(b"")
    (classes / "b" / "9.jpg").symlink_to("nowhere")
    source = load(classes, limit, num_classes=3)
    (message,) = (one.getMessage() for one in caplog.records if one.levelname == "WARNING")
    assert message.startswith("left out 3 of 9 pictures")
    assert str(classes / "a" / "5.png") in message and "\n" not in message
    assert source.conversions.plain()["left out, unreadable"] == 3
    found, labels = levels(source)
    assert found == [40, 10, 20, 50, 0, 30]
    assert labels.tolist() == [0, 0, 0, 1, 1, 2]


def truncate(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def test_a_truncated_picture_is_left_out(classes, caplog):
    truncate(classes / "b" / "9.jpg")
    assert load(classes).size == 6
    assert re.search(r"left out 1 of 7 .*b/9.jpg.*truncated", caplog.text)


def test_a_truncated_picture_that_is_decoded_late_is_replaced_by_the_next(classes, caplog):
    truncate(classes / "b" / "9.jpg")
    source = load(classes, NOTHING, num_classes=3)
    assert source.size == 7
    found, labels = levels(source)
    levels(source)
    assert caplog.text.count("the next good picture takes the place") == 1
    assert found == [40, 10, 20, 50, 0, 30, 30]
    assert labels.tolist() == [0, 0, 0, 1, 1, 2, 2]


@MEMORY
def test_all_broken_is_an_error(tmp_path, limit):
    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"^none of the 2 pictures can be read, as .*x\.png.*$"):
        load(tmp_path, limit)


def test_a_missing_or_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"^there is no folder .*nowhere: set dataset.root"):
        load(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match=r"^there is no picture in [^\n]*set dataset.root[^\n]*$"):
        load(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        load(tmp_path / "notes.txt")


def test_classes_that_are_not_there_are_an_error(classes, tmp_path):
    with pytest.raises(
        InputError, match=r"^num_classes=5, .* holds 3 class folders: .*=3, or null"
    ):
        load(classes, num_classes=5)
    with pytest.raises(InputError, match="without class folders"):
        load(classes / "c", num_classes=1)
    save(classes / "stray.png", 0)
    with pytest.raises(InputError, match=r"1 pictures .* outside the class folders, as stray.png"):
        load(classes, num_classes=3)


@pytest.mark.parametrize("root", [None, ""])
def test_a_root_that_names_nothing_is_refused(root):
    with pytest.raises(InputError, match=r"root must name a folder: set dataset.root"):
        make(root)


@pytest.mark.parametrize(
    "changes", [{"channels": 5}, {"image_size": [3, 4, 5]}, {"image_size": -1}, {"num_classes": 0}]
)
def test_impossible_settings_are_refused(tmp_path, changes):
    with pytest.raises(InputError, match="must be"):
        load(tmp_path, **changes)


def test_held_out_pictures_are_those_of_another_folder(classes, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for name in ("c/1", "a/1", "b/1", "c/2"):
        save(other / f"{name}.png", 10)
    source = load(classes, held_out_root=str(other), num_classes=3)
    apart = source.held_out()
    apart.prepare()
    apart.setup(memory_limit=EVERYTHING)
    found, labels = levels(apart)
    assert found == [10] * 4
    assert labels.tolist() == [0, 1, 2, 2]
    assert apart.shape == source.shape and apart.held_out() is None
    assert load(classes).held_out() is None
    unlabelled = load(classes, held_out_root=str(other)).held_out()
    unlabelled.setup(memory_limit=NOTHING)
    assert levels(unlabelled) == ([10] * 4, None)


def test_held_out_classes_of_other_names_are_refused(classes, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for name in ("a/1", "b/1", "d/1"):
        save(other / f"{name}.png", 10)
    apart = load(classes, held_out_root=other, num_classes=3).held_out()
    with pytest.raises(InputError, match=r"^the class folders in .*: c, d is in one of them only$"):
        apart.setup(memory_limit=EVERYTHING)
    missing = load(classes, held_out_root=other / "nowhere").held_out()
    with pytest.raises(InputError, match=r"nowhere: set dataset.held_out_root to one$"):
        missing.prepare()


@pytest.mark.parametrize(("root", "held_out_root"), [("x", "x"), ("x", "x/y"), ("x/y", "x/../x")])
def test_a_held_out_folder_that_training_sees_is_refused(root, held_out_root, tmp_path):
    with pytest.raises(InputError, match=r"training would see the held-out pictures, for [^\n]*$"):
        make(tmp_path / root, held_out_root=tmp_path / held_out_root)


def test_pictures_from_workers_are_those_from_memory(classes, module):
    def batches(limit):
        datamodule = module(
            make(str(classes), channels=3, num_classes=3),
            num_classes=3,
            num_workers=2,
            memory_limit=limit,
            horizontal_flip=True,
        )
        return list(itertools.islice(iter(datamodule.train_dataloader()), 4))

    for kept, made in zip(batches(EVERYTHING), batches(NOTHING), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(kept, made, strict=True))


def test_the_memory_limit_counts_bytes(classes):
    bytes_needed = 6 * 3 * 4 * 4
    assert load(classes, bytes_needed, channels=3).in_memory
    assert not load(classes, bytes_needed - 1, channels=3).in_memory
