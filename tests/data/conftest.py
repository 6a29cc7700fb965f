"""Small data sets that the tests of this folder share."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.crops import RandomCrops
from ganzoo.data.datamodule import DataModule
from ganzoo.data.source import Collection


class Numbers(Collection):
    """N pictures whose every pixel is their own number, modulo 256, and whose label is it."""

    def __init__(self, size: int, shape: tuple[int, ...] = (1, 2, 2), in_memory: bool = True):
        self.count, self.shape, self.in_memory = size, shape, in_memory
        self.num_classes = size

    @property
    def size(self):
        return self.count

    def gather(self, indices):
        pixels = indices.to(torch.uint8).reshape(-1, *[1] * len(self.shape))
        return pixels.expand(-1, *self.shape).clone(), indices.clone()


class Noise(Collection):
    """N pictures of random pixels, each with pixels of its own."""

    def __init__(self, size: int, shape: tuple[int, ...] = (3, 8, 8), in_memory: bool = True):
        self.shape, self.in_memory = shape, in_memory
        random = torch.Generator().manual_seed(size)
        self.images = torch.randint(256, (size, *shape), dtype=torch.uint8, generator=random)

    @property
    def size(self):
        return len(self.images)

    def gather(self, indices):
        return self.images[indices], None


def crops_of(size: int, channels: int, in_memory: bool = True) -> RandomCrops:
    return RandomCrops(
        source=lambda image_size: Noise(size, (channels, *image_size), in_memory),
        image_size=[6, 4],
        scale=1.5,
    )


def make_module(source, minibatches=2, **changes) -> DataModule:
    settings = {
        "source": source,
        "num_classes": source.num_classes,
        "batch_size": 4,
        "samples_per_epoch": None,
        "seed": 3,
        "horizontal_flip": False,
        "num_workers": 0,
        "memory_limit": 2**30,
        "labelled_samples": None,
        "labelled_per_batch": None,
    }
    kind = type("DataModule", (DataModule,), {"minibatches_per_iteration": minibatches})
    return kind(**(settings | changes))


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write uint8 values in the format of MNIST's files."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def numbers():
    return Numbers


@pytest.fixture
def noise():
    return Noise


@pytest.fixture
def crops():
    """Make random crops of 6 x 4 pixels of noise of 9 x 6, from a number and channels."""
    return crops_of


@pytest.fixture
def module():
    """Make a data module of a source; keyword arguments replace its settings."""
    return make_module


@pytest.fixture
def mnist_files(tmp_path):
    """Make a root with 40 random digits under the name of a class of torchvision.

    The digits of the test split are the first 25, negated.
    """

    def make(name: str = "MNIST") -> tuple[Path, np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (40, 28, 28))
        labels = np.arange(40) % 10
        raw = tmp_path / name / "raw"
        for part, count, shown in (("train", 40, images), ("t10k", 25, 255 - images)):
            write_idx(raw / f"{part}-images-idx3-ubyte", shown[:count])
            write_idx(raw / f"{part}-labels-idx1-ubyte", labels[:count])
        return tmp_path, images, labels

    return make


@pytest.fixture
def shared_mnist():
    """The folder that holds the real MNIST, where there is one."""
    root = Path(__file__).parents[3] / "shared" / "data"
    if not (root / "MNIST").is_dir():
        pytest.skip("the real MNIST is not here")
    return root
