"""Samples in .npz files, and stored samples side by side."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.evaluation.arrays import holds_points, read_arrays
from ganzoo.evaluation.stored import Stored, StoredReal, read_stored


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
    ],
)
def test_every_layout_of_images(tmp_path, samples, axes):
    images, _ = read_arrays(save(tmp_path, samples=samples))
    expected = samples.transpose(axes).astype(np.float64) / 127.5 - 1
    assert images.shape == expected.shape and images.dtype == torch.float32
    assert np.abs(images.numpy() - expected).max() < 1e-6


def test_grey_images_without_an_axis_of_channels(tmp_path):
    samples = levels(4, 5, 6)
    images, _ = read_arrays(save(tmp_path, samples=samples))
    assert images.shape == (4, 1, 5, 6)
    assert torch.equal(((images[:, 0] + 1) * 127.5).round().byte(), torch.from_numpy(samples))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_points_in_their_own_units(tmp_path, kind):
    samples = np.array([[1.5, -300.25], [0.0, 2.0]], dtype=kind)
    path = save(tmp_path, samples=samples)
    points, _ = read_arrays(path)
    assert points.dtype == torch.float32
    assert np.array_equal(points.numpy(), samples)
    assert holds_points(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": levels(4, 5, 6)}, "has no array `samples`, it holds images"),
        ({}, "has no array `samples`, it holds nothing"),
        ({"samples": levels(0, 5, 6)}, "there are no samples in"),
        ({"samples": np.array([[1.0, np.nan], [2.0, 0.0]])}, "1 of 2 samples in"),
        ({"samples": np.array([[1e300, 0.0], [np.inf, 0.0]])}, "2 of 2 samples in"),
        ({"samples": np.zeros((4, 5, 6, 3))}, "are float64 [4, 5, 6, 3]: images must be uint8"),
        ({"samples": levels(4, 5, 6, 2)}, "with 1 or 3 channels"),
        ({"samples": np.zeros((4, 2), dtype=int)}, "are int64 [4, 2]"),
        ({"samples": np.uint8(3)}, "are uint8 [1]"),
        ({"samples": np.array([{"a": 1}], dtype=object)}, "cannot be read as an .npz file"),
        ({"samples": levels(4, 5, 6), "labels": np.zeros(3, dtype=int)}, "the labels in"),
        ({"samples": levels(4, 5, 6), "labels": np.zeros(4)}, "are float64 [4]"),
        ({"samples": levels(4, 5, 6), "labels": np.array([0, 1, -1, 2])}, "a whole number from 0"),
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
    first, second = read_stored(real, fake)
    assert first.labels.tolist() == [0, 1, 2]
    assert second.labels.tolist() == [0, 2]


def test_names_that_are_numbers_are_the_labels(tmp_path):
    real = folder_of(tmp_path / "real", "10", "2", "7")
    fake = save(tmp_path, samples=levels(2, 4, 4), labels=np.array([7, 10], dtype=np.int32))
    first, second = read_stored(real, fake)
    assert first.labels.tolist() == [10, 2, 7]
    assert second.labels.tolist() == [7, 10]
    assert first.labels.dtype == second.labels.dtype == torch.int64


def stored(count):
    return Stored(None, torch.arange(count).float().unsqueeze(1), torch.arange(count))


def test_a_choice_is_without_replacement_and_keeps_labels_with_samples():
    samples, labels = StoredReal(stored(50)).real(20, seed=3)
    assert len(set(labels.tolist())) == 20
    assert torch.equal(samples[:, 0].long(), labels)
    again, _ = StoredReal(stored(50)).real(20, seed=3)
    other, _ = StoredReal(stored(50)).real(20, seed=4)
    assert torch.equal(samples, again) and not torch.equal(samples, other)


@pytest.mark.parametrize("count", [5, 50])
def test_no_more_are_given_than_there_are(count):
    samples, labels = StoredReal(stored(5)).real(count, seed=0)
    assert samples[:, 0].tolist() == labels.tolist() == [0, 1, 2, 3, 4]
    assert StoredReal(stored(5)).held_out(3, seed=0) is None
