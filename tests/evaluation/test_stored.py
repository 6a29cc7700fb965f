"""Samples in .npz files, and stored samples side by side."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.evaluation.arrays import holds_points, read_arrays
from ganzoo.evaluation.reading import read_stored
from ganzoo.evaluation.stored import StoredSamples, with_labels


def save(folder, name="a.npz", **arrays):
    np.savez(folder / name, **arrays)
    return folder / name


def levels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("samples", "axes"),
    [
        (levels(4, 5, 6, 3), (0, 3, 1, 2)),
        (levels(4, 5, 6, 1), (0, 3, 1, 2)),
        (levels(4, 3, 5, 6), (0, 1, 2, 3)),
        (levels(4, 1, 5, 6), (0, 1, 2, 3)),
        (levels(4, 3, 5, 3), (0, 3, 1, 2)),  # could be either: channels last
        (levels(4, 2, 6, 3), (0, 3, 1, 2)),
        (levels(4, 5, 6, 4), (0, 3, 1, 2)),
        (levels(4, 2, 5, 6), (0, 1, 2, 3)),
    ],
)
def test_every_layout_of_images(tmp_path, samples, axes):
    images = read_arrays(save(tmp_path, samples=samples)).samples
    expected = samples.transpose(axes).astype(np.float64) / 127.5 - 1
    assert images.shape == expected.shape and images.dtype == torch.float32
    assert np.abs(images.numpy() - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("scale", "kind", "said"),
    [
        (lambda x: x / 255, np.float32, "from 0 to 1"),
        (lambda x: x / 127.5 - 1, np.float64, "from -1 to 1"),
        (lambda x: x, np.float16, "from 0 to 255"),
        (lambda x: x, np.int64, "from 0 to 255"),
        (lambda x: x * 257.0, np.uint16, "from 0 to 65535"),
    ],
)
@pytest.mark.parametrize("name", ["samples", "arr_0", "pictures"])
def test_every_range_and_name_that_has_one_meaning(tmp_path, scale, kind, said, name):
    samples = levels(6, 4, 5, 3)
    found = read_arrays(save(tmp_path, **{name: scale(samples.astype(float)).astype(kind)}))
    back = ((found.samples + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    assert np.abs(back.astype(int) - samples).max() <= (kind == np.float16)
    assert found.conversions == {"scaled to 0 to 255": said}


def test_images_are_brought_to_the_shape_of_the_other_side(tmp_path):
    samples = levels(4, 8, 8)
    path = save(tmp_path, samples=samples)
    found = read_arrays(path, shape=(3, 4, 8))
    assert found.samples.shape == (4, 3, 4, 8)
    back = ((found.samples[:, 2] + 1) * 127.5).round().byte()
    assert torch.equal(back, torch.from_numpy(samples)[:, 2:6])
    assert found.conversions["resized"] == {"pictures": 4, "from": "8 x 8", "to": "4 x 8"}
    assert read_arrays(path, size=(4, 4)).samples.shape == (4, 1, 4, 4)


def test_labels_may_be_names(tmp_path):
    names = np.array(["ant", "T-shirt/top", "cat"])
    whole = {"samples": levels(3, 5, 6), "labels": np.array([2, 1, 2]), "class_names": names}
    assert read_arrays(save(tmp_path, **whole)).classes == ["cat", "T-shirt/top", "cat"]
    text = save(tmp_path, arr_0=levels(3, 5, 6), arr_1=np.array(["b", "a", "b"]))
    assert read_arrays(text).classes == ["b", "a", "b"]


def test_grey_images_without_an_axis_of_channels(tmp_path):
    samples = levels(4, 5, 6)
    images = read_arrays(save(tmp_path, samples=samples)).samples
    assert images.shape == (4, 1, 5, 6)
    assert torch.equal(((images[:, 0] + 1) * 127.5).round().byte(), torch.from_numpy(samples))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_points_in_their_own_units(tmp_path, kind):
    samples = np.array([[1.5, -300.25], [0.0, 2.0]], dtype=kind)
    path = save(tmp_path, samples=samples)
    points = read_arrays(path).samples
    assert points.dtype == torch.float32
    assert np.array_equal(points.numpy(), samples)
    assert holds_points(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": levels(4, 5), "b": levels(4, 5)}, "has no array `samples`, it holds a, b"),
        ({}, "has no array `samples`, it holds nothing"),
        ({"samples": levels(0, 5, 6)}, "there are no samples in"),
        ({"samples": np.array([[1.0, np.nan], [2.0, 0.0]])}, "1 of 2 samples in"),
        ({"samples": np.array([[1e300, 0.0], [np.inf, 0.0]])}, "2 of 2 samples in"),
        ({"samples": np.full((4, 5, 6, 3), -2.0)}, "go from -2 to -2: images must be uint8, or "),
        ({"samples": np.full((4, 5, 6), 1e5)}, "from 0 to 1 or from -1 to 1 or from 0 to 255"),
        ({"samples": np.full((4, 5, 6), -1)}, "go from -1 to -1: images must be uint8, or "),
        ({"samples": np.full((4, 5, 6), 1j)}, "are complex128: images must be numbers"),
        ({"samples": np.full((4, 5, 6, 3), np.nan)}, "4 of 4 samples in"),
        ({"samples": levels(4, 5, 6, 7)}, "with 1 to 4 channels"),
        ({"samples": np.zeros((4, 2), dtype=int)}, "are int64 [4, 2]"),
        ({"samples": np.uint8(3)}, "are uint8 [1]"),
        ({"samples": np.array([{"a": 1}], dtype=object)}, "cannot be read as an .npz file"),
        ({"samples": levels(4, 5, 6), "labels": np.zeros(3, dtype=int)}, "the labels in"),
        ({"samples": levels(4, 5, 6), "labels": np.zeros(4)}, "are float64 [4]"),
        ({"samples": levels(4, 5, 6), "labels": np.array([0, 1, -1, 2])}, "a whole number from 0"),
        (
            {
                "samples": levels(2, 5, 6),
                "labels": np.array([0, 2]),
                "class_names": np.array(["a"]),
            },
            "has a label 2, but 1 class_names",
        ),
    ],
)
def test_other_arrays_are_refused_in_one_line(tmp_path, arrays, message):
    with pytest.raises(InputError) as caught:
        read_arrays(save(tmp_path, **arrays))
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4 cut off"])
def test_a_damaged_file(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as an .npz file"):
        read_arrays(tmp_path / "a.npz")
    assert not holds_points(tmp_path / "a.npz")


def test_neither_folder_nor_file(tmp_path):
    with pytest.raises(InputError, match="there is no folder or file"):
        read_stored(tmp_path / "nothing")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match="neither a folder of pictures nor an .npz file"):
        read_stored(tmp_path / "a.txt")


def folder_of(root, *classes):
    for name in classes:
        (root / name).mkdir(parents=True)
        Image.fromarray(levels(4, 4)).save(root / name / "0.png")
    return root


def test_equal_labels_mean_equal_classes_though_one_side_lacks_some(tmp_path):
    real = folder_of(tmp_path / "real", "ant", "bee", "cat")
    fake = folder_of(tmp_path / "fake", "cat", "ant")
    first, second = with_labels([read_stored(path) for path in (real, fake)], None)
    assert first.labels.tolist() == [0, 1, 2]
    assert second.labels.tolist() == [0, 2]


def test_numbers_are_those_of_the_model_or_of_the_data_set(tmp_path, caplog):
    """Two of three classes were numbered 0 and 1, whatever the other side called 0."""
    fake = folder_of(tmp_path / "fake", "cat", "T-shirt_top", "0")
    names = ["bee", "T-shirt/top", "cat"]
    (only,) = with_labels([read_stored(fake)], names)
    assert only.labels.tolist() == [0, 1, 2]
    (other,) = with_labels([read_stored(fake)], ["bee", "ant"])
    assert other.labels is None
    assert "its classes are not those of the other side, and left out: there is no" in caplog.text


def test_names_that_are_numbers_are_the_labels(tmp_path):
    real = folder_of(tmp_path / "real", "10", "2", "7")
    fake = save(tmp_path, samples=levels(2, 4, 4), labels=np.array([7, 10], dtype=np.int32))
    first, second = with_labels([read_stored(path) for path in (real, fake)], None)
    assert first.labels.tolist() == [10, 2, 7]
    assert second.labels.tolist() == [7, 10]
    assert first.labels.dtype == second.labels.dtype == torch.int64


def stored(count):
    samples = torch.arange(count).float().unsqueeze(1)
    return StoredSamples(Path("a"), samples, labels=torch.arange(count))


def test_a_choice_is_without_replacement_and_keeps_labels_with_samples():
    samples, labels = stored(50).real(20, seed=3)
    assert len(set(labels.tolist())) == 20
    assert torch.equal(samples[:, 0].long(), labels)
    again, _ = stored(50).real(20, seed=3)
    other, _ = stored(50).real(20, seed=4)
    assert torch.equal(samples, again) and not torch.equal(samples, other)


@pytest.mark.parametrize("count", [5, 50])
def test_no_more_are_given_than_there_are(count):
    samples, labels = stored(5).real(count, seed=0)
    assert samples[:, 0].tolist() == labels.tolist() == [0, 1, 2, 3, 4]
    assert stored(5).held_out(3, seed=0) is None
