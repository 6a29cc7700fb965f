import hashlib
import pickle
from functools import partial
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision import datasets

from ganzoo.data.torchvision_sets import ArrayImages, PictureFiles
from ganzoo.errors import InputError


def load(constructor, root, kind=ArrayImages, **changes):
    settings = {"channels": 1, "image_size": 32, "download": False, "held_out": None}
    if kind is ArrayImages:
        settings["padding"] = 2
    source = kind(constructor=constructor, root=str(root), **(settings | changes))
    source.prepare()
    source.setup(memory_limit=2**30)
    return source


def everything(source):
    return source.gather(torch.arange(source.size))


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_digits_and_their_like_are_padded(name, mnist_files):
    root, images, labels = mnist_files(name)
    source = load(partial(getattr(datasets, name), train=True), root)
    found, marks = everything(source)
    assert found.dtype == torch.uint8
    assert np.array_equal(found[:, 0].numpy(), np.pad(images, [(0, 0), (2, 2), (2, 2)]))
    assert np.array_equal(marks.numpy(), labels)
    assert (source.size, source.num_classes, source.shape) == (40, 10, (1, 32, 32))
    assert source.class_names == getattr(datasets, name).classes


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_held_out_digits_are_the_test_split(name, mnist_files):
    root, images, labels = mnist_files(name)
    train = partial(getattr(datasets, name), train=True)
    source = load(train, root, held_out={"train": False}, channels=3)
    apart = source.held_out()
    apart.prepare()
    apart.setup(memory_limit=0)
    found, marks = everything(apart)
    expected = np.pad(255 - images[:25], [(0, 0), (2, 2), (2, 2)])
    assert all(np.array_equal(found[:, channel].numpy(), expected) for channel in range(3))
    assert np.array_equal(marks.numpy(), labels[:25])
    assert (apart.size, apart.num_classes, apart.shape) == (25, 10, (3, 32, 32))
    assert apart.held_out() is None
    assert source.size == 40


def test_a_constructor_that_is_no_partial_has_held_out_samples_too(mnist_files):
    root, _, _ = mnist_files()
    apart = load(datasets.MNIST, root, held_out={"train": False}).held_out()
    apart.setup(memory_limit=0)
    assert apart.size == 25


def test_the_split_that_is_trained_on_is_not_held_out(mnist_files):
    root, _, _ = mnist_files()
    mnist = partial(datasets.MNIST, train=False)
    assert load(mnist, root, held_out={"train": False}).held_out() is None
    assert load(mnist, root).held_out() is None


def test_digits_can_have_other_sizes(mnist_files):
    root, images, _ = mnist_files()
    mnist = partial(datasets.MNIST, train=True)
    assert np.array_equal(everything(load(mnist, root, image_size=28))[0][:, 0].numpy(), images)
    resized = load(mnist, root, image_size=64, channels=3)
    assert everything(resized)[0].shape == (40, 3, 64, 64)


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Make a small CIFAR whose checksums torchvision takes for right."""

    def make(kind, key, names):
        folder = tmp_path / kind.base_folder
        folder.mkdir()
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        labels = list(range(20))
        parts = [entry[0] for entry in kind.train_list]
        for part, rows in zip(parts, np.array_split(np.arange(20), len(parts)), strict=True):
            content = {"data": pictures[rows].reshape(-1, 3072), key: [labels[i] for i in rows]}
            (folder / part).write_bytes(pickle.dumps(content))
        meta = folder / kind.meta["filename"]
        meta.write_bytes(pickle.dumps({kind.meta["key"]: names}))
        monkeypatch.setattr(kind, "train_list", [[p, md5(folder / p)] for p in parts])
        monkeypatch.setattr(kind, "test_list", [])
        monkeypatch.setattr(kind, "meta", kind.meta | {"md5": md5(meta)})
        return pictures, labels

    return make


@pytest.mark.parametrize(
    ("kind", "key", "count"),
    [(datasets.CIFAR10, "labels", 20), (datasets.CIFAR100, "fine_labels", 20)],
)
def test_cifar_has_its_channels_first(kind, key, count, cifar, tmp_path):
    pictures, labels = cifar(kind, key, [f"name {i}" for i in range(count)])
    source = load(partial(kind, train=True), tmp_path, channels=3, padding=0)
    found, marks = everything(source)
    assert found.is_contiguous()
    assert np.array_equal(found.numpy(), pictures)
    assert marks.tolist() == labels
    assert source.num_classes == count


@pytest.fixture
def stl10(tmp_path, monkeypatch):
    """A small STL-10; returns its labelled and its unlabelled pictures."""
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (6, 3, 96, 96), dtype=np.uint8)
    # The files hold columns first, and classes from 1.
    (folder / "train_X.bin").write_bytes(pictures[:4].transpose(0, 1, 3, 2).tobytes())
    (folder / "train_y.bin").write_bytes(bytes([1, 2, 10, 3]))
    (folder / "unlabeled_X.bin").write_bytes(pictures[4:].transpose(0, 1, 3, 2).tobytes())
    (folder / "class_names.txt").write_text("\n".join(f"name {i}" for i in range(10)))
    monkeypatch.setattr(datasets.STL10, "_check_integrity", lambda self: True)
    return pictures[:4], pictures[4:]


def test_stl10_with_labels(stl10, tmp_path):
    train = partial(datasets.STL10, split="train")
    source = load(train, tmp_path, channels=3, image_size=96)
    found, labels = everything(source)
    assert np.array_equal(found.numpy(), stl10[0])
    assert labels.tolist() == [0, 1, 9, 2]
    assert source.num_classes == 10


def test_stl10_without_labels(stl10, tmp_path):
    unlabelled = partial(datasets.STL10, split="unlabeled")
    source = load(unlabelled, tmp_path, channels=3, image_size=96)
    found, labels = everything(source)
    assert np.array_equal(found.numpy(), stl10[1])
    assert labels is None
    assert source.num_classes is None
    small = load(unlabelled, tmp_path, channels=3, image_size=64)
    assert everything(small)[0].shape == (2, 3, 64, 64)


@pytest.fixture
def celeba(tmp_path, monkeypatch):
    """A CelebA of six faces, of which the first four are for training."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (6, 218, 178, 3), dtype=np.uint8)
    names = [f"{i:06}.jpg" for i in range(1, 7)]
    for name, face in zip(names, faces, strict=True):
        Image.fromarray(face).save(folder / "img_align_celeba" / name, "PNG")
    rows = {
        "list_eval_partition.txt": "",
        "identity_CelebA.txt": "",
        "list_bbox_celeba.txt": "6\nx_1\n",
        "list_landmarks_align_celeba.txt": "6\nlefteye_x\n",
        "list_attr_celeba.txt": "6\nSmiling\n",
    }
    for file, header in rows.items():
        marks = [2 if i > 3 and "partition" in file else 0 for i in range(6)]
        lines = [f"{name} {mark}" for name, mark in zip(names, marks, strict=True)]
        (folder / file).write_text(header + "\n".join(lines) + "\n")
    monkeypatch.setattr(datasets.CelebA, "_check_integrity", lambda self: True)
    return faces


@pytest.mark.parametrize("limit", [2**30, 0])
def test_celeba_is_cut_to_the_central_square(celeba, tmp_path, limit):
    constructor = partial(datasets.CelebA, split="train", target_type=[])
    source = PictureFiles(
        constructor=constructor,
        held_out={"split": "test"},
        root=str(tmp_path),
        download=False,
        channels=3,
        image_size=178,
    )
    source.setup(memory_limit=limit)
    found, labels = everything(source)
    assert labels is None
    assert source.in_memory == (limit > 0)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), celeba[:4, 20:198])
    apart = source.held_out()
    apart.prepare()
    apart.setup(memory_limit=limit)
    found, labels = everything(apart)
    assert labels is None
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), celeba[4:, 20:198])


SETS = [
    (partial(datasets.MNIST, train=True), "MNIST", ArrayImages),
    (partial(datasets.CIFAR10, train=True), "cifar-10-batches-py", ArrayImages),
    (partial(datasets.STL10, split="unlabeled"), "stl10_binary", ArrayImages),
    (partial(datasets.CelebA, target_type=[]), "celeba", PictureFiles),
]


@pytest.mark.parametrize(("constructor", "folder", "kind"), SETS)
def test_missing_files_are_one_clear_line(constructor, folder, kind, tmp_path):
    name = constructor.func.__name__
    with pytest.raises(InputError) as caught:
        load(constructor, tmp_path, kind)
    message = str(caught.value)
    assert message.startswith(f"{name} cannot be read from {tmp_path / folder} (")
    assert "set dataset.download=true, or dataset.root to the folder that holds" in message
    assert "\n" not in message


@pytest.mark.parametrize(("constructor", "folder", "kind"), SETS)
def test_a_failed_download_is_one_clear_line(constructor, folder, kind, tmp_path, monkeypatch):
    def offline(*arguments, **options):
        raise URLError("no\nnetwork")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr(
        torchvision.datasets.celeba, "download_file_from_google_drive", offline, raising=True
    )
    with pytest.raises(InputError) as caught:
        load(constructor, tmp_path, kind, download=True)
    message = str(caught.value)
    assert message.startswith(f"{constructor.func.__name__} is not in {tmp_path / folder} and ")
    assert "network" in message
    assert "\n" not in message


def test_a_truncated_file_is_one_clear_line(mnist_files):
    root, _, _ = mnist_files()
    file = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"^MNIST cannot be read from [^\n]*$"):
        load(partial(datasets.MNIST, train=True), root)


def test_a_download_is_asked_for_once_and_only_if_wanted(mnist_files):
    root, _, _ = mnist_files()
    asked = []

    def constructor(root, download):
        asked.append(download)
        return datasets.MNIST(root=root, download=False)

    load(constructor, root, download=True)
    assert asked == [True]
    load(constructor, root)
    assert asked == [True, False]


def test_the_real_mnist(shared_mnist):
    source = load(partial(datasets.MNIST, train=True), shared_mnist)
    images, labels = everything(source)
    assert images.shape == (60_000, 1, 32, 32)
    theirs = datasets.MNIST(root=str(shared_mnist), train=True, download=False)
    for index in (0, 1, 31_415, 59_999):
        picture, label = theirs[index]
        assert np.array_equal(images[index, 0, 2:-2, 2:-2].numpy(), np.asarray(picture))
        assert labels[index] == label
    assert images.long().sum() == theirs.data.long().sum()
