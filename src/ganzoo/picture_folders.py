"""What a model makes of the pictures in a folder, as files in another one."""

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.checks import ImageSize
from ganzoo.data.conversions import upright_size
from ganzoo.data.picture_files import find_pictures
from ganzoo.data.pictures import decode
from ganzoo.errors import InputError
from ganzoo.pictures import save_png, to_uint8


def map_pictures(
    function: Callable[[Tensor], Tensor],
    source: Path,
    target: Path,
    *,
    channels: int,
    image_size: ImageSize | None,
) -> list[Path]:
    """Write what a function makes of each picture in a folder, under its name as PNG.

    Args:
        function: From pictures ``[1, C, H, W]`` in [-1, 1] to others.
        source: The folder; pictures in folders inside it keep these.
        target: The other folder.
        channels: C, which pictures come to.
        image_size: Height and width that they are cut and resized to; None for their own.

    Returns:
        The paths of what was written. Of pictures whose names differ in their endings alone, those
        after the first keep theirs before ``.png``.

    Raises:
        InputError: if the folders are one, there are no pictures, one cannot be read, or the
            function does not take its size.
    """
    if not source.is_dir():
        raise InputError(f"images={source} is no folder")
    if source.resolve() == target.resolve():
        raise InputError(f"output={target} would overwrite the pictures of images={source}")
    found = find_pictures(source)
    if not found:
        raise InputError(f"there are no pictures in {source}")
    written: dict[Path, None] = {}
    for name in found:
        try:
            made = function(read_picture(source / name, channels, image_size)[None])
        except InputError as error:  # networks name the setting of training
            advice = str(error).replace("dataset.image_size", "image_size")
            raise InputError(f"{source / name}: {advice}") from error
        path = target / name.with_suffix(".png")
        written[_save(made[0], target / f"{name}.png" if path in written else path)] = None
    return list(written)


def read_picture(path: Path, channels: int, image_size: ImageSize | None) -> Tensor:
    """Read a picture ``[C, H, W]`` in [-1, 1].

    Args:
        path: Its file.
        channels: C, which it comes to.
        image_size: Height and width that it is cut and resized to; None for its own.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with Image.open(path) as image:
            size = upright_size(image) if image_size is None else image_size
            pixels = decode(image, channels=channels, image_size=size)
    except InputError:
        raise
    except Exception as error:  # PIL raises many kinds
        raise InputError(f"cannot be read as a picture: {error}") from error
    return pixels.to(torch.float32).div_(127.5).sub_(1)


def _save(image: Tensor, path: Path) -> Path:
    pixels = to_uint8(image[None])[0].permute(1, 2, 0).cpu().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_png(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, path)
