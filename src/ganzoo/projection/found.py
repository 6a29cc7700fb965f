"""The point that a picture was found at, and its file."""

import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.pictures.files import write_atomically
from ganzoo.projection.noise_maps import NoiseMaps
from ganzoo.projection.spaces import STYLES, check_makes_pictures, decoder, frozen_copy


@dataclass(frozen=True)
class Projection:
    """A point of a generator's space, and all that its picture depends on beside the weights.

    Attributes:
        space: ``"styles"`` or ``"latents"``.
        point: ``[1, D]``.
        label: The class of a latent, or None.
        averaged: Whether it is one of the generator's average.
        noise: The maps ``[1, 1, H, W]`` inside the generator, if there are any.
        before: The distance from which the search began.
        after: The distance of the picture found.
    """

    space: str
    point: Tensor
    label: int | None
    averaged: bool
    noise: list[Tensor] = field(default_factory=list)
    before: float = 0.0
    after: float = 0.0

    @torch.no_grad()
    def picture(self, model: Any) -> Tensor:
        """Show it again: the picture ``[1, C, H, W]`` that a model makes of it.

        Args:
            model: The model that it was found in.

        Raises:
            InputError: if the model has no such space, or one of another dimension.
        """
        check_makes_pictures(model)
        network = frozen_copy(model.sampling_network(averaged=self.averaged))
        if (self.space == STYLES) != hasattr(network, "mapping"):
            raise InputError(f"this point is one of {self.space}, which the model does not have")
        picture = decoder(model, network, self.space, self.label)
        noise = NoiseMaps(self.noise) if self.noise else None
        try:
            return picture(self.point.to(model.device), noise).float()
        except (RuntimeError, IndexError) as error:
            raise InputError("this point is of a model with other networks") from error

    def save(self, path: str | Path) -> Path:
        """Write it as a file of plain values and tensors.

        Raises:
            InputError: if the file cannot be written.
        """
        content = io.BytesIO()
        torch.save(asdict(self), content)
        return write_atomically(content.getvalue(), path)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "space": str,
    "point": Tensor,
    "label": (int, type(None)),
    "averaged": bool,
    "noise": list,
    "before": float,
    "after": float,
}


def read_projection(path: str | Path) -> Projection:
    """Read what :meth:`Projection.save` wrote; a file that would run code is refused.

    Raises:
        InputError: if there is no such file, or it holds anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        fits = {name: isinstance(values[name], kind) for name, kind in _KINDS.items()}
    except Exception as error:  # a crafted file can make the unpickler raise anything
        raise InputError(f"{path} holds no projection ({type(error).__name__})") from error
    if not all(fits.values()) or not all(isinstance(one, Tensor) for one in values["noise"]):
        raise InputError(f"{path} holds no projection")
    return Projection(**{name: values[name] for name in _KINDS})
