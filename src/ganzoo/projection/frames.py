"""Pictures of a search."""

from pathlib import Path

import torch
from torch import Tensor

from ganzoo.pictures import image_grid, save_gif, save_png


class Frames:
    """Keeps the target beside the picture of some of the steps, the last among them.

    Args:
        target: ``[1, C, H, W]`` in [-1, 1].
        steps: Of the search.
        count: The most frames.
    """

    def __init__(self, target: Tensor, steps: int, count: int) -> None:
        self.target = target.cpu()
        self.kept = {steps - 1 - index * steps // count for index in range(min(count, steps))}
        self.frames: list[Tensor] = []

    def __call__(self, step: int, picture: Tensor) -> None:
        """Keep a step's picture ``[1, C, H, W]`` if it is one of them."""
        if step in self.kept:
            self.frames.append(torch.cat([self.target, picture.cpu()], dim=3))

    def save(self, final: Tensor, folder: Path, milliseconds: float) -> list[Path]:
        """Write ``picture.png``, the target beside what was found, and ``search.gif``.

        Args:
            final: What was found, ``[1, C, H, W]``.
            folder: Where to.
            milliseconds: Of one frame.

        Raises:
            InputError: if a file cannot be written.
        """
        pair = torch.cat([self.target, final.cpu()])
        return [
            save_png(image_grid(pair, columns=2), folder / "picture.png"),
            save_gif(torch.cat(self.frames), folder / "search.gif", milliseconds),
        ]
