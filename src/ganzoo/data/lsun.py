"""One category of LSUN, read from its LMDB database."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.data.checks import ImageSize, check_root, one_line
from ganzoo.data.decoded import DecodedImages
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError


@defaults_from("dataset/lsun")
class LSUN(DecodedImages):
    """One category of LSUN (Yu et al. 2015, arXiv 1506.03365), without labels.

    Reads the folders that ``torchvision.datasets.LSUN`` reads (``<category>_lmdb``), but not
    through it: that class leaves a pickle of all keys in the current folder, trusts one that it
    finds there, and shares one open database among processes, which LMDB forbids.

    Args:
        root: Folder that holds ``<category>_lmdb``.
        category: Such as ``bedroom_train`` or ``church_outdoor_val``.
        download: Must be false: neither torchvision nor this class can download LSUN.
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels, one number or two; the largest centred part of
            these proportions is resized.

    Raises:
        InputError: if an argument is of the wrong kind, or a download is asked for.
    """

    def __init__(
        self,
        *,
        root: str | Path = FROM_CONFIG,
        category: str = FROM_CONFIG,
        download: bool = FROM_CONFIG,
        channels: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
    ) -> None:
        super().__init__(channels=channels, image_size=image_size)
        self._root = check_root(root)
        self._category = category
        self._folder = self._root / f"{category}_lmdb"
        self._download = download
        self._database: Any = None

    def prepare(self) -> None:
        """Check that the database is there.

        Raises:
            InputError: if it is not.
        """
        if not self._folder.is_dir():
            wish = "torchvision cannot download LSUN; " if self._download else ""
            raise InputError(
                f"there is no folder {self._folder}: {wish}get it from www.yf.io/p/lsun, unpack "
                f"it, and set dataset.root to the folder that holds {self._folder.name}"
            )

    def find(self) -> tuple[Any, None]:
        """Return the keys of the pictures.

        Raises:
            InputError: if the database is missing or cannot be read.
        """
        self.prepare()
        with self.reading(), self._database.begin() as transaction:
            keys = list(transaction.cursor().iternext(keys=True, values=False))
        if not keys:
            raise InputError(f"the database {self._folder} holds no picture")
        # One array takes a third of the memory, and workers do not copy it.
        return np.array(keys), None

    def open(self, item: bytes) -> Image.Image:
        """Open the picture of a key."""
        if self._database is None:
            self._database = _open_database(self._folder)
        with self._database.begin() as transaction:
            return Image.open(io.BytesIO(transaction.get(bytes(item))))

    def held_out(self) -> "LSUN | None":
        """Return the 300 validation pictures of a category's training set, from their database."""
        name, _, split = self._category.rpartition("_")
        if split != "train":
            return None
        return LSUN(
            root=self._root,
            category=f"{name}_val",
            download=self._download,
            channels=self.shape[0],
            image_size=self.shape[1:],
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Open the database, and close it so that workers can open it themselves."""
        self._database = _open_database(self._folder)
        try:
            yield
        finally:
            self._database.close()
            self._database = None


def _open_database(folder: Path) -> Any:
    try:
        import lmdb  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise InputError(
            "LSUN needs the package lmdb: pip install 'lightning-ganzoo[lsun]'"
        ) from error
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise InputError(f"{folder} is no LMDB database ({one_line(error)})") from error
