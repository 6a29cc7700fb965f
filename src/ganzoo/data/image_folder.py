"""The user's own pictures in a folder."""

from collections.abc import Iterable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.checks import ImageSize, check_root
from ganzoo.data.decoded import DecodedImages
from ganzoo.data.picture_files import ENDINGS, find_pictures
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole


@defaults_from("dataset/image_folder")
class ImageFolder(DecodedImages):
    """All pictures in a folder and the folders in it, in the order of their paths.

    Modes and sizes may differ: see :func:`ganzoo.data.pictures.decode`. Which files are pictures
    and which links are followed: see :func:`ganzoo.data.picture_files.find_pictures`.

    Args:
        root: The folder.
        held_out_root: A folder of pictures of the same kind that training never sees, with class
            folders of the same names; None if there is none.
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels, one number or two; the largest centred part of
            these proportions is resized.
        num_classes: Number of class folders: each folder in ``root`` that holds pictures, at any
            depth, is a class, numbered in the order of names. None takes no notice of folders.

    Attributes:
        root: The folder's absolute path.

    Raises:
        InputError: if an argument is of the wrong kind, or one folder is inside the other.
    """

    _setting, _held_out_setting = "dataset.root", "dataset.held_out_root"

    def __init__(
        self,
        *,
        root: str | Path | None,
        held_out_root: str | Path | None = FROM_CONFIG,
        channels: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
        num_classes: int | None = FROM_CONFIG,
    ) -> None:
        super().__init__(channels=channels, image_size=image_size)
        if num_classes is not None:
            check_whole(num_classes=num_classes)
        self.num_classes = num_classes
        self.root = check_root(root, self._setting)
        self.origin = str(self.root)
        self._held_out_root: Path | None = None
        if held_out_root is not None:
            self._held_out_root = check_root(held_out_root, self._held_out_setting)
            check_apart(self.root, self._held_out_root, self._held_out_setting)

    def prepare(self) -> None:
        """Check that there is a folder.

        Raises:
            InputError: if there is none.
        """
        if not self.root.is_dir():
            raise InputError(f"there is no folder {self.root}: set {self._setting} to one")

    def find(self) -> tuple[list[str], Tensor | None]:
        """Return the paths of the pictures and, where they are asked for, labels.

        Raises:
            InputError: if the folder is missing or holds no picture, or its class folders are
                not what ``num_classes`` says.
        """
        self.prepare()
        paths = find_pictures(self.root)
        if not paths:
            raise InputError(
                f"there is no picture in {self.root} (looked for {' '.join(ENDINGS)}): "
                f"set {self._setting} to a folder of pictures"
            )
        labels = None if self.num_classes is None else self._labels_of(paths)
        return [str(self.root / path) for path in paths], labels

    def open(self, item: str) -> Image.Image:
        """Open the picture at a path."""
        return Image.open(item)

    def verify(self, item: str) -> None:
        """Read the header, which tells whether the file is a picture at all."""
        self.note(item)

    def held_out(self) -> "ImageFolder | None":
        """Return the held-out folder, where one is set."""
        return None if self._held_out_root is None else _HeldOut(self, self._held_out_root)

    def _labels_of(self, paths: list[Path]) -> Tensor:
        outside = [path for path in paths if len(path.parts) == 1]
        if len(outside) == len(paths):
            raise InputError(
                f"num_classes={self.num_classes}, but {self.root} holds pictures without class "
                "folders: put each class in a folder, or set dataset.num_classes=null"
            )
        if outside:
            raise InputError(
                f"{len(outside)} pictures in {self.root} lie outside the class folders, as "
                f"{outside[0]}: move them, or set dataset.num_classes=null"
            )
        names = _class_names(paths)
        if len(names) != self.num_classes:
            raise InputError(
                f"num_classes={self.num_classes}, but {self.root} holds {len(names)} class "
                f"folders: set dataset.num_classes={len(names)}, or null to leave the labels out"
            )
        self.class_names = names
        numbers = {name: number for number, name in enumerate(names)}
        return torch.tensor([numbers[path.parts[0]] for path in paths])


class _HeldOut(ImageFolder):
    """The held-out pictures of a folder."""

    def __init__(self, training: ImageFolder, root: Path) -> None:
        self._setting = training._held_out_setting
        super().__init__(
            root=root,
            held_out_root=None,
            channels=training.shape[0],
            image_size=training.shape[1:],
            num_classes=training.num_classes,
        )
        self._training = training

    def find(self) -> tuple[list[str], Tensor | None]:
        """Return paths and labels, as the training folder numbers the classes.

        Raises:
            InputError: if the class folders have other names than those for training.
        """
        found = super().find()
        if self.num_classes is not None:
            theirs = self._training.class_names or _class_names(find_pictures(self._training.root))
            ours = self.class_names or []
            if theirs != ours:
                raise InputError(
                    f"the class folders in {self.root} are not those for training: "
                    f"{', '.join(sorted(set(theirs) ^ set(ours)))} is in one of them only"
                )
        return found


def check_apart(root: Path, held_out_root: Path, setting: str) -> None:
    """Refuse a folder of held-out pictures that training would see.

    Args:
        root: The folder of those for training.
        held_out_root: That of the others.
        setting: What names the latter, for the message.

    Raises:
        InputError: if one is inside the other.
    """
    training, held_out = root.resolve(), held_out_root.resolve()
    if training == held_out or training in held_out.parents or held_out in training.parents:
        raise InputError(
            f"training would see the held-out pictures, for {held_out_root} and {root} are one "
            f"folder or inside each other: set {setting} to a folder apart"
        )


def _class_names(paths: Iterable[Path]) -> list[str]:
    return sorted({path.parts[0] for path in paths if len(path.parts) > 1})
