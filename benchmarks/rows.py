"""One picture of what lies under the same names in several folders, and how far it is apart.

``python -m benchmarks.rows source=FOLDER translation=FOLDER target=FOLDER --output FILE.png``
draws a row of each folder, of names at equal distances in their order. Of values in [-1, 1] it
prints the mean absolute difference between each two folders, and of each one its mean and the mean
absolute difference from its mean picture.
"""

import argparse
from itertools import combinations
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.pictures import decode
from ganzoo.pictures import Block, save_png, sheet

COLUMNS = 16


def read(path: Path) -> Tensor:
    """A picture in colour ``[3, H, W]`` in [-1, 1]."""
    with Image.open(path) as image:
        return decode(image, channels=3, image_size=[image.height, image.width]) / 127.5 - 1


def main() -> None:
    """Draw the rows and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", metavar="WORD=FOLDER")
    parser.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args()
    folders = {word: Path(folder) for word, folder in (row.split("=", 1) for row in chosen.rows)}
    names = sorted(set.intersection(*({p.name for p in f.iterdir()} for f in folders.values())))
    rows = {
        word: torch.stack([read(folder / name) for name in names])
        for word, folder in folders.items()
    }
    shown = torch.linspace(0, len(names) - 1, COLUMNS).round().long()
    images = torch.cat([row[shown] for row in rows.values()])
    save_png(sheet("", [Block(images=images, columns=COLUMNS, rows=tuple(rows))]), chosen.output)
    print(f"picture     {chosen.output}, {COLUMNS} of {len(names)}")
    for (one, left), (other, right) in combinations(rows.items(), 2):
        print(f"difference  {(left - right).abs().mean():.3f}  {one}, {other}")
    for word, row in rows.items():
        distance = (row - row.mean(0)).abs().mean()
        print(f"mean        {row.mean():.3f}  {word}, {distance:.3f} from its mean picture")


if __name__ == "__main__":
    main()
