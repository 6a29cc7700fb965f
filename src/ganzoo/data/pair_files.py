"""Picture files that belong together: two of one name, or two halves of one."""

import dataclasses
import logging
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image
from torch import Tensor

from ganzoo.data.checks import ImageSize, check_root, picture_shape
from ganzoo.data.conversions import Conversion, upright_size
from ganzoo.data.decoded import DecodedImages
from ganzoo.data.picture_files import ENDINGS, find_pictures
from ganzoo.data.pictures import decode, upright
from ganzoo.errors import InputError

log = logging.getLogger("ganzoo")


class PicturePart(NamedTuple):
    """A vertical part of a picture, or all of it.

    Attributes:
        path: Of the file.
        left: Where it begins, as a share of the width.
        right: Where it ends.
    """

    path: str
    left: float = 0.0
    right: float = 1.0

    def open(self) -> Image.Image:
        """Open it as PIL opens pictures; a part is turned as its EXIF data say and decoded."""
        image = Image.open(self.path)
        if (self.left, self.right) == (0.0, 1.0):
            return image
        with image:
            whole = upright(image)
        left, right = self._edges(whole.width)
        part = whole.crop((left, 0, right, whole.height))
        part.format = whole.format
        return part

    def conversion(self, shape: tuple[int, ...]) -> Conversion:
        """What decoding to a shape does to it, from the header alone."""
        with Image.open(self.path) as image:
            of_all = Conversion.of(image, shape)
            height, width = upright_size(image)
        left, right = self._edges(width)
        size = (height, right - left)
        return dataclasses.replace(of_all, size=None if size == shape[1:] else size)

    def _edges(self, width: int) -> tuple[int, int]:
        return round(self.left * width), round(self.right * width)


class PicturePair(NamedTuple):
    """Two parts that belong together."""

    a: PicturePart
    b: PicturePart

    def __str__(self) -> str:
        return " and ".join(dict.fromkeys(part.path for part in self))


class PairLayout(Protocol):
    """How pairs lie in folders.

    Attributes:
        roots: The folders, each with the setting that names it.
    """

    roots: dict[str, Path]

    def pairs(self) -> list[PicturePair]:
        """Return all pairs, in the order of their names.

        Raises:
            InputError: if there is no folder, or no pair in it.
        """


class TwoFolders:
    """The pictures of one domain in one folder, of the other in another, under equal names.

    Endings may differ, and folders inside are gone through. Pictures without one of their name in
    the other folder are left out with a warning.

    Args:
        a: Folder of the first domain.
        b: Folder of the second.
        prefix: Of the settings that name them, for messages.

    Raises:
        InputError: if one is not named.
    """

    def __init__(self, a: str | Path | None, b: str | Path | None, prefix: str) -> None:
        named = {f"{prefix}_a": a, f"{prefix}_b": b}
        self.roots = {setting: check_root(root, setting) for setting, root in named.items()}

    def pairs(self) -> list[PicturePair]:
        """Return the pictures whose names are in both folders."""
        a, b = (_by_name(root, setting) for setting, root in self.roots.items())
        names = sorted(a.keys() & b.keys())
        if not names:
            (first, one), (second, other) = self.roots.items()
            raise InputError(
                f"no picture in {one} has the name of one in {other}: set {first} and {second} to "
                "folders of pairs with equal names"
            )
        _tell_alone([(a | b)[name] for name in sorted(a.keys() ^ b.keys())])
        return [PicturePair(PicturePart(a[name]), PicturePart(b[name])) for name in names]


class SideBySide:
    """Pictures of which one half is of one domain, and the other of the other.

    Args:
        root: Folder of the pictures; folders inside are gone through.
        left: Name of the domain of the left halves, ``a`` or ``b``.
        setting: What names the folder, for messages.

    Raises:
        InputError: if there is no such domain.
    """

    def __init__(self, root: str | Path, left: str, setting: str) -> None:
        if left not in ("a", "b"):
            raise InputError(f"left must be a or b, the domain of the left halves, not {left!r}")
        self.roots = {setting: check_root(root, setting)}
        self._left = left

    def pairs(self) -> list[PicturePair]:
        """Return both halves of all pictures."""
        ((setting, root),) = self.roots.items()
        halves = [
            (PicturePart(path, 0.0, 0.5), PicturePart(path, 0.5, 1.0))
            for path in _pictures(root, setting)
        ]
        return [PicturePair(*(half if self._left == "a" else half[::-1])) for half in halves]


class PairFiles(DecodedImages):
    """Pairs in files as pictures that have the channels of both, those of a first.

    A pair of which one cannot be read is left out as a whole.

    Args:
        layout: How they lie in folders.
        held_out: How those lie that training never sees, or None.
        channels: Of a and of b, 1 to 4 each as in :class:`~ganzoo.data.image_folder.ImageFolder`.
        image_size: Height and width in pixels of both, one number or two.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(
        self,
        *,
        layout: PairLayout,
        held_out: PairLayout | None,
        channels: tuple[int, int],
        image_size: ImageSize,
    ) -> None:
        a, b = (picture_shape(channels=some, image_size=image_size) for some in channels)
        super().__init__(channels=a[0], image_size=image_size)
        self.shape = (a[0] + b[0], *a[1:])
        self.origin = " and ".join(map(str, layout.roots.values()))
        self._layout, self._held_out, self._shapes = layout, held_out, (a, b)

    def prepare(self) -> None:
        """Check that there are folders.

        Raises:
            InputError: naming one that is missing.
        """
        for setting, root in self._layout.roots.items():
            _check_folder(root, setting)

    def find(self) -> tuple[list[PicturePair], None]:
        """Return the pairs.

        Raises:
            InputError: if there is none.
        """
        return self._layout.pairs(), None

    def open(self, item: PicturePair) -> Image.Image:
        """Open the first of a pair."""
        return item.a.open()

    def read(self, item: PicturePair) -> Tensor:
        """Decode both: uint8 ``[C + C', H, W]``."""
        return torch.cat([self._decoded(*one) for one in zip(item, self._shapes, strict=True)])

    def note(self, item: PicturePair) -> None:
        """Count what decoding does to both."""
        for part, shape in zip(item, self._shapes, strict=True):
            self.conversions.add(part.conversion(shape))

    def verify(self, item: PicturePair) -> None:
        """Read the headers of both."""
        self.note(item)

    def held_out(self) -> "PairFiles | None":
        """Return the held-out pairs, where there are any."""
        if self._held_out is None:
            return None
        a, b = self._shapes
        return PairFiles(
            layout=self._held_out, held_out=None, channels=(a[0], b[0]), image_size=a[1:]
        )

    def _decoded(self, part: PicturePart, shape: tuple[int, int, int]) -> Tensor:
        with part.open() as image:
            return decode(image, channels=shape[0], image_size=shape[1:])


def _pictures(root: Path, setting: str) -> list[str]:
    _check_folder(root, setting)
    found = find_pictures(root)
    if not found:
        raise InputError(
            f"there is no picture in {root} (looked for {' '.join(ENDINGS)}): "
            f"set {setting} to a folder of pictures"
        )
    return [str(root / path) for path in found]


def _by_name(root: Path, setting: str) -> dict[str, str]:
    """The pictures in a folder by their names without endings."""
    found: dict[str, str] = {}
    for path in _pictures(root, setting):
        name = str(Path(path).relative_to(root).with_suffix(""))
        if name in found:
            raise InputError(f"{found[name]} and {path} have one name: nobody knows which to pair")
        found[name] = path
    return found


def _check_folder(root: Path, setting: str) -> None:
    if not root.is_dir():
        raise InputError(f"there is no folder {root}: set {setting} to one")


@rank_zero_only
def _tell_alone(paths: list[str]) -> None:
    if paths:
        log.warning(
            "left out %d pictures without one of their name in the other folder, as %s",
            len(paths),
            paths[0],
        )
