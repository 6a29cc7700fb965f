"""Folders of two domains out of packages of emoji and icons, for docs/image-to-image.md.

``python -m benchmarks.picture_folders emoji --package FOLDER --output pictures/emoji``: pairs.
``python -m benchmarks.picture_folders icons --package FOLDER --output pictures/icons``: no pairs.
Every tenth picture goes to ``held_out``, where both domains have it.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ganzoo.data.derived import edges
from ganzoo.data.pictures import decode

HELD_OUT = 10  # one of so many
EMOJI = Path("img/google/64")
# The same drawing in another colour of skin, and flags, whose colours no outline tells.
LEFT_OUT = re.compile("1f3f[b-f]|1f1[e-f]")
GLYPH = re.compile(r'\.ph-([\w-]+):before \{\s+content: "\\(\w+)"')
ICON_SIZE = 32

Pair = Callable[[], tuple[Image.Image, Image.Image]]


def emoji(package: Path) -> dict[str, Pair]:
    """Outlines, black on white, and the emoji that they are of."""

    def pair(path: Path) -> tuple[Image.Image, Image.Image]:
        with Image.open(path) as image:
            pixels = decode(image, channels=3, image_size=image.height)
        outlines = 255 - edges(pixels[None])[0, 0]
        drawing = Image.fromarray(outlines.numpy())
        return drawing, Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())

    files = sorted((package / EMOJI).glob("*.png"))
    return {
        path.stem: lambda path=path: pair(path) for path in files if not LEFT_OUT.search(path.stem)
    }


def icons(package: Path) -> dict[str, Pair]:
    """Icons of lines, and the same filled, black on white."""
    line = ImageFont.truetype(str(package / "src/regular/Phosphor.ttf"), ICON_SIZE)
    filled = ImageFont.truetype(str(package / "src/fill/Phosphor-Fill.ttf"), ICON_SIZE)

    def draw(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image:
        image = Image.new("L", (ICON_SIZE, ICON_SIZE), 255)
        ImageDraw.Draw(image).text((0, 0), letter, fill=0, font=font)
        return image

    glyphs = dict(GLYPH.findall((package / "src/regular/style.css").read_text(encoding="utf-8")))
    names = {code: name for name, code in glyphs.items()}  # some have two
    letters = {name: chr(int(code, 16)) for code, name in names.items()}
    return {
        name: lambda letter=letter: (draw(line, letter), draw(filled, letter))
        for name, letter in sorted(letters.items())
    }


def write(pairs: dict[str, Pair], output: Path, *, paired: bool) -> None:
    """Write the pictures; without pairs, those for training by turns to one domain alone."""
    for number, (name, pair) in enumerate(pairs.items()):
        held_out = number % HELD_OUT == 0
        for domain, picture in enumerate(pair()):
            if paired or held_out or number % 2 == domain:
                folder = output / ("held_out" if held_out else "train") / "ab"[domain]
                folder.mkdir(parents=True, exist_ok=True)
                picture.save(folder / f"{name}.png")


def main() -> None:
    """Write one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["emoji", "icons"])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args()
    pairs = (emoji if chosen.kind == "emoji" else icons)(chosen.package)
    write(pairs, chosen.output, paired=chosen.kind == "emoji")
    print(f"pictures    {len(pairs):,} in {chosen.output}")


if __name__ == "__main__":
    main()
