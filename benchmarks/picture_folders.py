"""Folders of two domains out of packages of emoji and icons, for docs/image-to-image.md.

``python -m benchmarks.picture_folders emoji --package FOLDER --output pictures/emoji``: pairs.
``python -m benchmarks.picture_folders icons --package FOLDER --output pictures/icons``: no pairs.
Every tenth picture goes to ``held_out``, where both domains have it.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torchvision.transforms.functional import to_pil_image

from ganzoo.data.derived import edges
from ganzoo.data.pictures import decode

SIZE = 32  # pixels
HELD_OUT = 10  # one of so many
# The same drawing with another skin or person, and flags, whose colours no outline tells.
LEFT_OUT = re.compile("200d|1f3f[b-f]|1f1[e-f]")
GLYPH = re.compile(r'\.ph-([\w-]+):before \{\s+content: "\\(\w+)"')

Pairs = Iterator[tuple[str, Image.Image, Image.Image]]


def emoji(package: Path) -> Pairs:
    """Outlines, black on white, and the emoji that they are of."""
    for path in sorted((package / "img/google/64").glob("*.png")):
        if not LEFT_OUT.search(path.stem):
            with Image.open(path) as image:
                pixels = decode(image, channels=3, image_size=SIZE)
            yield path.stem, to_pil_image(255 - edges(pixels[None])[0]), to_pil_image(pixels)


def icons(package: Path) -> Pairs:
    """Icons of lines, and the same filled, black on white."""
    line = ImageFont.truetype(str(package / "src/regular/Phosphor.ttf"), SIZE)
    filled = ImageFont.truetype(str(package / "src/fill/Phosphor-Fill.ttf"), SIZE)
    glyphs = GLYPH.findall((package / "src/regular/style.css").read_text(encoding="utf-8"))
    names = {code: name for name, code in glyphs}  # some have two
    for code, name in sorted(names.items(), key=lambda item: item[1]):
        yield name, draw(line, chr(int(code, 16))), draw(filled, chr(int(code, 16)))


def draw(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image:
    """A letter, black on white."""
    image = Image.new("L", (SIZE, SIZE), 255)
    ImageDraw.Draw(image).text((0, 0), letter, fill=0, font=font)
    return image


def write(pairs: Pairs, output: Path, *, paired: bool) -> int:
    """Write the pictures; without pairs, those for training by turns to one domain alone."""
    for number, (name, *pictures) in enumerate(pairs):
        held_out = number % HELD_OUT == 0
        for domain, picture in enumerate(pictures):
            if paired or held_out or number % 2 == domain:
                folder = output / ("held_out" if held_out else "train") / "ab"[domain]
                folder.mkdir(parents=True, exist_ok=True)
                picture.save(folder / f"{name}.png")
    return number + 1


def main() -> None:
    """Write one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["emoji", "icons"])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args()
    pairs = (emoji if chosen.kind == "emoji" else icons)(chosen.package)
    count = write(pairs, chosen.output, paired=chosen.kind == "emoji")
    print(f"pictures    {count:,} in {chosen.output}")


if __name__ == "__main__":
    main()
