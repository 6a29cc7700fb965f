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
    share = _shares(start, end, steps)
    return _mix(start, end, 1 - share, share)


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
    share = _shares(start, end, steps)
    angle = _angle(start, end)
    if angle.sin() < _PARALLEL:
        if angle > 1:
            raise InputError(
                "start and end point in opposite directions, which leaves the arc open: "
                "take another latent or interpolate linearly"
            )
        return linear(start, end, steps)
    before, after = ((1 - share) * angle).sin(), (share * angle).sin()
    return _mix(start, end, before / angle.sin(), after / angle.sin())


def _shares(start: Tensor, end: Tensor, steps: int) -> Tensor:
    if steps < 2:
        raise InputError(f"steps must be at least 2, both ends included, not {steps}")
    if start.ndim != 1 or start.shape != end.shape:
        raise InputError(
            "start and end must be two latents of the same shape [Z], "
            f"not {list(start.shape)} and {list(end.shape)}"
        )
    return torch.linspace(0, 1, steps, dtype=torch.float64)


def _angle(start: Tensor, end: Tensor) -> Tensor:
    """Angle in [0, pi], accurate near both ends, where the arc cosine is not (Kahan)."""
    first, second = start.detach().cpu().double(), end.detach().cpu().double()
    one, other = first * second.norm(), second * first.norm()
    return 2 * torch.atan2((one - other).norm(), (one + other).norm())


def _mix(start: Tensor, end: Tensor, before: Tensor, after: Tensor) -> Tensor:
    first, second = start.detach().cpu().double(), end.detach().cpu().double()
    return (before[:, None] * first + after[:, None] * second).to(start)
