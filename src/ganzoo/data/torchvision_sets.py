"""The data sets of torchvision, with its downloads."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.checks import ImageSize, check_root, one_line
from ganzoo.data.decoded import DecodedImages
from ganzoo.data.images import StoredImages
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError


class DataSetFiles:
    """The files of one data set, downloaded or not.

    Args:
        constructor: A class of ``torchvision.datasets`` with its split.
        held_out: Arguments of the constructor that choose a split that training never sees; None
            if there is none.
        root: Folder that holds the data set's own folder.
        download: Whether to download what is missing.
    """

    def __init__(
        self,
        *,
        constructor: Callable[..., Any],
        held_out: Mapping[str, Any] | None,
        root: str | Path,
        download: bool,
    ) -> None:
        self._constructor = constructor
        self._held_out = held_out
        self._root = check_root(root)
        self._download = download
        self._opened: Any = None

    def prepare(self) -> None:
        """Download what is missing, if that is wanted.

        Raises:
            InputError: if the download fails.
        """
        if not self._download:
            return
        try:
            self._opened = self._constructor(root=str(self._root), download=True)
        except Exception as error:
            raise InputError(
                f"{self._name} is not in {self._folder} and cannot be downloaded "
                f"({one_line(error)}): connect to a network, or set dataset.root to the folder "
                f"that holds {self._folder.name}"
            ) from error

    def open(self) -> Any:
        """Return torchvision's data set.

        Raises:
            InputError: if the files are missing or damaged.
        """
        opened, self._opened = self._opened, None
        if opened is not None:
            return opened
        try:
            return self._constructor(root=str(self._root), download=False)
        except Exception as error:
            reason = one_line(error).partition(". You can")[0]
            raise InputError(
                f"{self._name} cannot be read from {self._folder} ({reason}): set "
                "dataset.download=true, or dataset.root to the folder that holds "
                f"{self._folder.name}"
            ) from error

    def held_out(self) -> Callable[..., Any] | None:
        """Return the constructor of the other split; None if it would not be another."""
        chosen = getattr(self._constructor, "keywords", {})
        if not self._held_out or all(
            _contains(chosen.get(name), split) for name, split in self._held_out.items()
        ):
            return None
        return partial(self._constructor, **self._held_out)

    @property
    def _name(self) -> str:
        return str(self._made.__name__)

    @property
    def _folder(self) -> Path:
        return self._root / str(getattr(self._made, "base_folder", self._name))

    @property
    def _made(self) -> Any:
        return getattr(self._constructor, "func", self._constructor)


@defaults_from("dataset/base/arrays")
class ArrayImages(StoredImages):
    """Data sets that torchvision holds as one array: MNIST and its like, CIFAR, STL-10.

    Labels are left out where a picture has none (STL-10's unlabelled part).

    Args:
        constructor: A class of ``torchvision.datasets`` with its split.
        held_out: Arguments of the constructor that choose a split that training never sees, such
            as ``{"train": False}``; None if there is none.
        root: Folder that holds the data set's own folder.
        download: Whether to download what is missing.
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels: one number, or two.
        padding: Black pixels around each side where they give ``image_size``.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(
        self,
        *,
        constructor: Callable[..., Any],
        held_out: Mapping[str, Any] | None = FROM_CONFIG,
        root: str | Path = FROM_CONFIG,
        download: bool = FROM_CONFIG,
        channels: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
        padding: int = FROM_CONFIG,
    ) -> None:
        super().__init__(channels=channels, image_size=image_size, padding=padding)
        self._place: dict[str, Any] = {"root": root, "download": download}
        self._files = DataSetFiles(constructor=constructor, held_out=held_out, **self._place)

    def prepare(self) -> None:
        """Download what is missing, if that is wanted."""
        self._files.prepare()

    def load(self) -> tuple[Tensor, Tensor | None, int | None]:
        """Return torchvision's array as ``[N, C, S, S]``, labels and number of classes.

        Raises:
            InputError: if the files are missing or damaged.
        """
        dataset = self._files.open()
        marks = dataset.targets if hasattr(dataset, "targets") else dataset.labels
        labels = torch.as_tensor(np.asarray(marks)).long()
        images = _channels_first(torch.as_tensor(dataset.data))
        if (labels < 0).any():
            return images, None, None
        self.class_names = [str(name) for name in dataset.classes]
        return images, labels, len(dataset.classes)

    def held_out(self) -> "ArrayImages | None":
        """Return the held-out split, brought to the same channels and size."""
        constructor = self._files.held_out()
        if constructor is None:
            return None
        return ArrayImages(
            constructor=constructor,
            held_out=None,
            channels=self.shape[0],
            image_size=self.shape[1:],
            padding=self._padding,
            **self._place,
        )


@defaults_from("dataset/celeba")
class PictureFiles(DecodedImages):
    """Data sets that torchvision opens picture by picture, without labels: CelebA.

    The largest centred part of the wanted proportions is resized: of CelebA's 178 x 218 pixels
    178 x 178 where height and width are equal.

    Args:
        constructor: A class of ``torchvision.datasets`` with its split.
        held_out: Arguments of the constructor that choose a split that training never sees, such
            as ``{"split": "test"}``; None if there is none.
        root: Folder that holds the data set's own folder.
        download: Whether to download what is missing.
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels: one number, or two.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(
        self,
        *,
        constructor: Callable[..., Any] = FROM_CONFIG,
        held_out: Mapping[str, Any] | None = FROM_CONFIG,
        root: str | Path = FROM_CONFIG,
        download: bool = FROM_CONFIG,
        channels: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
    ) -> None:
        super().__init__(channels=channels, image_size=image_size)
        self._place: dict[str, Any] = {"root": root, "download": download}
        self._files = DataSetFiles(constructor=constructor, held_out=held_out, **self._place)
        self._dataset: Any = None

    def prepare(self) -> None:
        """Download what is missing, if that is wanted."""
        self._files.prepare()

    def find(self) -> tuple[Sequence[int], None]:
        """Return the numbers of the pictures.

        Raises:
            InputError: if the files are missing or damaged.
        """
        self._dataset = self._files.open()
        return range(len(self._dataset)), None

    def open(self, item: int) -> Image.Image:
        """Open the picture of a number."""
        picture: Image.Image = self._dataset[item][0]
        return picture

    def held_out(self) -> "PictureFiles | None":
        """Return the held-out split, brought to the same channels and size."""
        constructor = self._files.held_out()
        if constructor is None:
            return None
        return PictureFiles(
            constructor=constructor,
            held_out=None,
            channels=self.shape[0],
            image_size=self.shape[1:],
            **self._place,
        )


def _contains(chosen: Any, split: Any) -> bool:
    """Whether a chosen split, such as "all" or "train+unlabeled", has another one in it."""
    return chosen == "all" or str(split) in str(chosen).split("+")


def _channels_first(images: Tensor) -> Tensor:
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images.permute(0, 3, 1, 2) if images.shape[-1] in (1, 3) else images
