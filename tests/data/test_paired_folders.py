import itertools
import pickle

import pytest
import torch
from PIL import Image

from ganzoo.data.paired_folders import PairedFolders
from ganzoo.data.unpaired_folders import UnpairedFolders
from ganzoo.errors import InputError

EVERYTHING, NOTHING = 2**40, 0
MEMORY = pytest.mark.parametrize("limit", [EVERYTHING, NOTHING])


def save(path, *levels, size=(8, 8)):
    """A picture of one grey level, or of several side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("L", (size[0] * len(levels), size[1]))
    for number, level in enumerate(levels):
        picture.paste(level, (number * size[0], 0, (number + 1) * size[0], size[1]))
    picture.save(path)


def named(root, **changes):
    return {name: str(root / folder) for name, folder in changes.items()}


def make(kind=PairedFolders, **changes):
    settings = {"channels_a": 1, "channels_b": 3, "image_size": 4, "scale_before_crop": 1.5}
    return kind(**(settings | changes))


def load(limit=EVERYTHING, **changes):
    source = make(**changes)
    source.prepare()
    source.setup(memory_limit=limit)
    return source


def levels(source):
    """Of all pairs, by the level of the first."""
    drawn, _ = source.real(source.size, 0)
    pairs = zip(drawn["a"][:, 0, 0, 0].tolist(), drawn["b"][:, 0, 0, 0].tolist(), strict=True)
    return sorted(pairs)


@pytest.fixture
def folders(tmp_path):
    """Four pairs of a with b ten times as bright, one in a folder deeper and one of each alone."""
    for number, name in enumerate(["3", "1", "deeper/2", "0"], start=1):
        save(tmp_path / "a" / f"{name}.png", number)
        save(tmp_path / "b" / f"{name}.bmp", 10 * number)
    save(tmp_path / "a" / "only.png", 99)
    save(tmp_path / "b" / "other.png", 99)
    return named(tmp_path, root_a="a", root_b="b")


@pytest.fixture
def halves(tmp_path):
    for number in range(1, 5):
        save(tmp_path / "ab" / f"{number}.png", number, 10 * number)
    return named(tmp_path, root_ab="ab")


PAIRS = [(number, 10 * number) for number in range(1, 5)]


@MEMORY
def test_pictures_of_one_name_are_pairs(folders, limit, caplog):
    source = load(limit, **folders)
    assert source.in_memory == (limit == EVERYTHING)
    assert source.shapes == {"a": (1, 4, 4), "b": (3, 4, 4)}
    assert levels(source) == PAIRS
    (warning,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert warning.startswith("left out 2 pictures without one of their name in the other folder")
    assert "only.png" in warning


@MEMORY
@pytest.mark.parametrize("left", ["a", "b"])
def test_halves_of_a_picture_are_pairs(halves, limit, left):
    pairs = levels(load(limit, left=left, **halves))
    assert pairs == (PAIRS if left == "a" else [(b, a) for a, b in PAIRS])


def test_halves_are_those_of_the_picture_as_it_is_seen(tmp_path):
    """A picture that lies on its side has its halves one above the other in the file."""
    upright = Image.new("L", (9, 4), 10)
    upright.paste(200, (4, 0, 9, 4))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    (tmp_path / "ab").mkdir()
    lying.save(tmp_path / "ab" / "1.png", exif=exif)
    source = load(root_ab=str(tmp_path / "ab"))
    assert levels(source) == [(10, 200)]
    conversions = source.source.source.conversions
    assert "turned as their EXIF data say" in str(conversions)
    assert "resized from 4 x 4 ... 4 x 5 to 6 x 6" in str(conversions)


@MEMORY
def test_a_pair_with_a_broken_picture_is_left_out_as_a_whole(folders, limit, tmp_path, caplog):
    (tmp_path / "b" / "1.bmp").write_bytes(b"not a picture")
    assert levels(load(limit, **folders)) == [PAIRS[0], *PAIRS[2:]]
    assert "left out 1 of 4 pictures that cannot be read" in caplog.text
    assert "b/1.bmp" in caplog.text


def test_training_sees_the_same_part_of_both(tmp_path, module):
    pixels = torch.randint(256, (40, 40), dtype=torch.uint8)
    for side in "ab":
        (tmp_path / side).mkdir()
        Image.fromarray(pixels.numpy()).save(tmp_path / side / "1.png")
    source = make(channels_b=1, image_size=20, **named(tmp_path, root_a="a", root_b="b"))
    datamodule = module(source, num_classes=None, batch_size=1, horizontal_flip=True)
    stream = iter(datamodule.train_dataloader())
    batches = list(itertools.islice(stream, 20))
    assert all(torch.equal(batch["a"], batch["b"]) for batch in batches)
    assert len({tuple(batch["a"].flatten().tolist()) for batch in batches}) > 5


def test_workers_give_what_memory_gives(folders, module):
    def batches(limit):
        source = make(**folders)
        assert pickle.dumps(source)  # how spawned workers get it
        options = {"num_workers": 1, "memory_limit": limit, "horizontal_flip": True}
        datamodule = module(source, num_classes=None, batch_size=2, **options)
        return list(itertools.islice(iter(datamodule.train_dataloader()), 4))

    for kept, made in zip(batches(EVERYTHING), batches(NOTHING), strict=True):
        assert all(torch.equal(kept[name], made[name]) for name in "ab")


@pytest.mark.parametrize("layout", ["folders", "halves"])
def test_held_out_pairs(layout, request, tmp_path):
    given = request.getfixturevalue(layout)
    assert make(**given).held_out() is None
    for number in (5, 6):
        save(tmp_path / "apart" / "a" / f"{number}.png", number)
        save(tmp_path / "apart" / "b" / f"{number}.png", 10 * number)
        save(tmp_path / "apart" / "ab" / f"{number}.png", number, 10 * number)
    apart = {
        f"held_out_{name}": str(tmp_path / "apart" / name.removeprefix("root_")) for name in given
    }
    source = make(**given, **apart).held_out()
    source.prepare()
    source.setup(memory_limit=EVERYTHING)
    assert levels(source) == [(5, 50), (6, 60)]
    assert source.held_out() is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "set dataset.root_a and dataset.root_b, or dataset.root_ab to a folder"),
        ({"root_a": "x"}, "root_b must name a folder: set dataset.root_b$"),
        ({"root_ab": "x", "root_b": "y"}, "set dataset.root_a and _b to null$"),
        ({"root_ab": "x", "left": "c"}, "left must be a or b, the domain of the left halves"),
        ({"root_ab": "x", "held_out_root_ab": "x/y"}, "set dataset.held_out_root_ab to a folder"),
        (
            {"root_ab": "x", "held_out_root_a": "z"},
            "held_out_root_b must name a folder: set dataset.held_out_root_b$",
        ),
        ({"root_ab": "x", "channels_b": 5}, "channels_b must be 1.*set dataset.channels_b$"),
        ({"root_ab": "x", "scale_before_crop": 0.5}, "scale_before_crop must be at least 1"),
        ({"root_ab": "x", "image_size": 0}, "image_size must be"),
    ],
)
def test_settings_that_cannot_be_meant(settings, said):
    with pytest.raises(InputError, match=said):
        make(**settings)


def test_folders_that_hold_no_pairs(tmp_path):
    with pytest.raises(InputError, match=r"no folder .*x: set dataset.root_a to one$"):
        load(**named(tmp_path, root_a="x", root_b="y"))
    save(tmp_path / "x" / "1.png", 1)
    (tmp_path / "y").mkdir()
    with pytest.raises(InputError, match=r"no picture in .*y \(.*set dataset.root_b to a folder"):
        load(**named(tmp_path, root_a="x", root_b="y"))
    save(tmp_path / "y" / "2.png", 1)
    with pytest.raises(InputError, match=r"no picture in .*x has the name of one in .*y: set"):
        load(**named(tmp_path, root_a="x", root_b="y"))
    save(tmp_path / "x" / "1.bmp", 1)
    with pytest.raises(InputError, match=r"x/1.bmp and .*x/1.png have one name"):
        load(**named(tmp_path, root_a="x", root_b="y"))
    (tmp_path / "z").mkdir()
    with pytest.raises(InputError, match=r"no picture in .*z \(.*set dataset.root_ab to a folder"):
        load(root_ab=str(tmp_path / "z"))


@MEMORY
def test_unpaired_folders(tmp_path, limit):
    for number in range(5):
        save(tmp_path / "a" / f"{number}.png", number)
    for number in range(3):
        save(tmp_path / "b" / "deeper" / f"x{number}.png", 100 + number)
    source = load(limit, kind=UnpairedFolders, **named(tmp_path, root_a="a", root_b="b"))
    assert (source.size, source.in_memory) == (5, limit == EVERYTHING)
    assert source.shapes == {"a": (1, 4, 4), "b": (3, 4, 4)}
    drawn, _ = source.real(3, 0)
    assert sorted(drawn["b"][:, 2, 3, 3].tolist()) == [100, 101, 102]
    assert drawn["a"].max() < 5


def test_unpaired_held_out_folders(tmp_path):
    for number, folder in enumerate(["a", "b", "c", "d"]):
        save(tmp_path / folder / "1.png", number)
    given = named(tmp_path, root_a="a", root_b="b", held_out_root_a="c", held_out_root_b="d")
    source = make(kind=UnpairedFolders, **given).held_out()
    source.prepare()
    source.setup(memory_limit=EVERYTHING)
    assert levels(source) == [(2, 3)]
    assert source.held_out() is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "root_a must name a folder: set dataset.root_a$"),
        ({"root_a": "x"}, "root_b must name a folder: set dataset.root_b$"),
        (
            {"root_a": "x", "root_b": "y", "held_out_root_a": "z"},
            "set dataset.held_out_root_a and dataset.held_out_root_b$",
        ),
        (
            {"root_a": "x", "root_b": "y", "held_out_root_a": "z", "held_out_root_b": "y/z"},
            "set dataset.held_out_root_b to a folder apart",
        ),
    ],
)
def test_settings_of_unpaired_folders_that_cannot_be_meant(settings, said):
    with pytest.raises(InputError, match=said):
        make(kind=UnpairedFolders, **settings)


def test_a_missing_folder_is_named_by_its_own_setting(tmp_path):
    save(tmp_path / "a" / "1.png", 1)
    given = named(tmp_path, root_a="a", root_b="b", held_out_root_a="c", held_out_root_b="d")
    with pytest.raises(InputError, match=r"no folder .*b: set dataset.root_b to one$"):
        load(kind=UnpairedFolders, **given)
    with pytest.raises(InputError, match=r"no folder .*c: set dataset.held_out_root_a to one$"):
        make(kind=UnpairedFolders, **given).held_out().prepare()
