"""One picture of what lies under the same names in several folders, and how far it is apart.

``python -m benchmarks.rows source=FOLDER translation=FOLDER target=FOLDER --output FILE.png``
draws a row of each folder, of names at equal distances in their order, and tells how far each
folder's pictures are from those of the last: the mean absolute difference, of values in [-1, 1].
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.pictures import decode
from ganzoo.pictures import Block, save_png, sheet


def read(path: Path, size: int) -> Tensor:
    """A picture in colour ``[3, size, size]`` in [-1, 1]."""
    with Image.open(path) as image:
        return decode(image, channels=3, image_size=size) / 127.5 - 1


def main() -> None:
    """Draw the rows and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", metavar="WORD=FOLDER")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--title", default="")
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--size", type=int, default=64)
    chosen = parser.parse_args()
    folders = {
        word: Path(folder) for word, _, folder in (row.partition("=") for row in chosen.rows)
    }
    names = sorted(
        set.intersection(*({path.name for path in f.glob("*.png")} for f in folders.values()))
    )
    pictures = {
        word: torch.stack([read(folder / name, chosen.size) for name in names])
        for word, folder in folders.items()
    }
    shown = torch.linspace(0, len(names) - 1, chosen.columns).round().long()
    images = torch.cat([row[shown] for row in pictures.values()])
    block = Block(images=images, columns=chosen.columns, rows=tuple(pictures))
    save_png(sheet(chosen.title, [block]), chosen.output)
    print(f"picture     {chosen.output}, {chosen.columns} of {len(names)}")
    *others, (last, target) = pictures.items()
    for word, row in others:
        print(f"difference  {(row - target).abs().mean():.4f}  {word} from {last}")


if __name__ == "__main__":
    main()
