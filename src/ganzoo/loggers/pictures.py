"""Show a picture file through whatever logger a run has."""

from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from PIL import Image


def log_picture(logger: Logger, name: str, path: Path, step: int) -> None:
    """Give a picture to a logger that can show pictures; others are left alone.

    Args:
        logger: Any of Lightning's loggers.
        name: Name of the series of pictures.
        path: The file.
        step: Generator updates so far.
    """
    if isinstance(logger, TensorBoardLogger):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        logger.experiment.add_image(name, pixels, step, dataformats="HWC")
        return
    log_image: Any = getattr(logger, "log_image", None)
    if log_image is not None:
        log_image(key=name, images=[str(path)], step=step)
