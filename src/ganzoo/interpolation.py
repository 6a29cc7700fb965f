"""Ways from one latent to another."""

import torch
from torch import Tensor

from ganzoo.errors import InputError

# Below this sine the two formulas agree to float64 rounding, and one divides by nothing.
_PARALLEL = 1e-8


def linear(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Go along the straight line, in equal steps.

    Halfway between two normal latents of many dimensions the norm is smaller than that of nearly
    any sample (by a factor of about sqrt(2)); see :func:`spherical`.

    Args:
        start: ``[Z]``.
        end: ``[Z]``.
        steps: Number of latents, both ends included; at least 2.

    Returns:
        ``[steps, Z]``, of the dtype and on the device of start.

    Raises:
        InputError: if steps is below 2 or the shapes differ or are not ``[Z]``.
    """
    return torch.lerp(*_ends_and_shares(start, end, steps)).to(start)


def spherical(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Go along the arc about the origin, in equal angles (White 2016, section 2.1, 1609.04468).

    Latents of equal norm keep that norm on the way. As in the source, the angle is that between
    the directions, and the weights apply to the latents as they are when their norms differ.
    Parallel latents, or one at the origin, have no arc: the straight line takes its place.

    Args:
        start: ``[Z]``.
        end: ``[Z]``.
        steps: Number of latents, both ends included; at least 2.

    Returns:
        ``[steps, Z]``, of the dtype and on the device of start.

    Raises:
        InputError: if steps is below 2, the shapes differ or are not ``[Z]``, or the latents
            point in opposite directions, so that no arc is the shortest.
    """
    first, second, share = _ends_and_shares(start, end, steps)
    angle = _angle(first, second)
    if angle.sin() < _PARALLEL and angle > 1:
        raise InputError(
            "start and end point in opposite directions, which leaves the arc open: "
            "take another latent or interpolate linearly"
        )
    return points_on_arcs(first, second, share).to(start)


def points_on_arcs(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Go along arcs about the origin, each as :func:`spherical` goes along one.

    Args:
        start: ``[..., Z]``, float64.
        end: ``[..., Z]``.
        share: Of the way ``[..., 1]``, 0 at the start and 1 at the end.

    Returns:
        ``[..., Z]``; on the straight line where two latents have no arc, or no shortest one.
    """
    angle = _angle(start, end)
    before, after = ((1 - share) * angle).sin(), (share * angle).sin()
    arc = before / angle.sin() * start + after / angle.sin() * end
    return torch.where(angle.sin() < _PARALLEL, torch.lerp(start, end, share), arc)


def _ends_and_shares(start: Tensor, end: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Both ends ``[Z]`` and equal shares of the way ``[steps, 1]``, float64, on the CPU."""
    if steps < 2:
        raise InputError(f"steps must be at least 2, both ends included, not {steps}")
    if start.ndim != 1 or start.shape != end.shape:
        raise InputError(
            "start and end must be two latents of the same shape [Z], "
            f"not {list(start.shape)} and {list(end.shape)}"
        )
    share = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    return start.detach().cpu().double(), end.detach().cpu().double(), share


def _angle(start: Tensor, end: Tensor) -> Tensor:
    """Angle ``[..., 1]`` in [0, pi], accurate near both, where the arc cosine is not (Kahan)."""
    one, other = start * _norm(end), end * _norm(start)
    return 2 * torch.atan2(_norm(one - other), _norm(one + other))


def _norm(latents: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(latents, dim=-1, keepdim=True)
    return norm
