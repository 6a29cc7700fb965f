"""What was changed of pictures on their way from files to tensors."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from PIL import Image

from ganzoo.data.pictures import ORIENTATION, is_deep, is_sixteen_bits, is_transparent

_PLAIN = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"}
_GREY = {"1", "L", "LA", "La"}
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Conversion:
    """What :func:`~ganzoo.data.pictures.decode` does to one picture.

    Attributes:
        done: In words, size apart.
        size: Height and width before, where these change; or None.
    """

    done: tuple[str, ...]
    size: tuple[int, int] | None

    @classmethod
    def of(cls, image: Image.Image, shape: tuple[int, ...]) -> "Conversion":
        """Find it out from the header.

        Args:
            image: As PIL opens it, not yet decoded.
            shape: What it becomes, ``(C, H, W)``.
        """
        size = upright_size(image)
        return cls(tuple(_done(image, shape[0])), None if size == shape[1:] else size)


class Conversions:
    """Counts pictures by what was done to them; threads may add to it at once.

    Args:
        size: Height and width that they come to.

    Attributes:
        left_out: Number of pictures that cannot be read.
    """

    def __init__(self, size: tuple[int, ...]) -> None:
        self.left_out = 0
        self._to = _shown(size)
        self._counts: Counter[str] = Counter()
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=Lock())

    def add(self, conversion: Conversion) -> None:
        """Count a picture."""
        with self._lock:
            self._counts.update(conversion.done)
            if conversion.size is not None:
                self._sizes[conversion.size] += 1

    def plain(self) -> dict[str, Any]:
        """As plain values, for a protocol; nothing where nothing was done."""
        found: dict[str, Any] = dict(sorted(self._counts.items()))
        if self._sizes:
            number = sum(self._sizes.values())
            found["resized"] = {"pictures": number, "from": self._origin(), "to": self._to}
        if self.left_out:
            found["left out, unreadable"] = self.left_out
        return found

    def __str__(self) -> str:
        """In one line; empty where nothing was done."""
        parts = [f"{count:,} {done}" for done, count in sorted(self._counts.items())]
        if self._sizes:
            number = sum(self._sizes.values())
            parts.append(f"{number:,} resized from {self._origin()} to {self._to}")
        return ", ".join(parts)

    def _origin(self) -> str:
        """The only size, or the smallest and the largest, as height x width."""
        ordered = sorted(self._sizes, key=lambda size: (size[0] * size[1], size))
        ends = dict.fromkeys((ordered[0], ordered[-1]))
        return " ... ".join(map(_shown, ends))


def _shown(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width after the turn that EXIF asks for."""
    width, height = image.size
    return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def is_grey(image: Image.Image) -> bool:
    """Whether a picture has no colours, as far as its mode tells."""
    return image.mode in _GREY or is_deep(image)


def _done(image: Image.Image, channels: int) -> Iterator[str]:
    if is_deep(image):
        depth = "16" if is_sixteen_bits(image) else "32"
        yield f"of {depth} bits scaled to 8"
    elif image.mode not in _PLAIN:
        yield f"of {image.mode} turned to RGB"
    if image.mode in ("P", "PA"):
        yield "of a palette looked up"
    if is_transparent(image) and channels in (1, 3):
        yield "with transparency laid on white"
    if is_grey(image) and channels > 2:
        yield "of grey given three equal channels"
    if not is_grey(image) and channels <= 2:
        yield "of colour turned to grey"
    if _orientation(image) > 1:
        yield "turned as their EXIF data say"


def _orientation(image: Image.Image) -> int:
    # PIL decodes a whole PNG to look for an entry behind the pixels, where hardly any has one.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # broken EXIF data say nothing
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1
