"""The picture files in a folder."""

import logging
import os
from collections.abc import Collection
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".avif", ".jp2"),
)

log = logging.getLogger("ganzoo")


def find_pictures(root: Path, *, besides: Collection[str] = ()) -> list[Path]:
    """The paths of all pictures inside a folder and the folders in it, in order, relative to it.

    Hidden files and folders and files without a picture's ending are passed over. Links to
    folders are followed once all real folders were seen, each folder once: a link to a folder
    that was seen, or to one that holds all of this, adds nothing. Folders that cannot be read are
    left out with a warning.

    Args:
        root: The folder.
        besides: Names of files to pass over as well.
    """
    found: list[Path] = []
    seen = set(map(str, Path(root).resolve().parents))
    unreadable: list[OSError] = []
    waiting = [str(root)]
    while waiting:
        top = waiting.pop(0)
        for folder, inside, names in os.walk(top, onerror=unreadable.append):
            real = os.path.realpath(folder)
            if real in seen:
                inside.clear()
                continue
            seen.add(real)
            inside[:] = sorted(name for name in inside if not name.startswith("."))
            links = [path for path in (Path(folder, name) for name in inside) if path.is_symlink()]
            waiting += map(str, links)
            found += [
                Path(folder, name).relative_to(root)
                for name in names
                if _is_picture(name) and name not in besides
            ]
    _warn(unreadable)
    return sorted(found)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(ENDINGS)


@rank_zero_only
def _warn(errors: list[OSError]) -> None:
    if errors:
        log.warning(
            "left out %d folders that cannot be read, as %s: %s",
            len(errors),
            errors[0].filename,
            errors[0].strerror,
        )
