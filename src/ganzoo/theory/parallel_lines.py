"""Two parallel lines: where most divergences have nothing to teach, and transport has.

Arjovsky et al. (2017, arXiv:1701.07875), example 1: real data are ``(0, z)`` and generated data
``(theta, z)``, z uniform on [0, 1]. At any distance but 0 the supports are disjoint. A text that
the library follows says that the Jensen-Shannon divergence gives useful gradients there; that is a
slip: it is ln 2 whatever theta is, and this is why the Wasserstein distance is used.
"""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import check_positive, check_whole
from ganzoo.game.player import Player
from ganzoo.losses import PointwiseLoss
from ganzoo.losses.base import total
from ganzoo.optim.gradient_play import Alternating
from ganzoo.penalties.constraint import Constraint
from ganzoo.theory.generator_gradient import location_gradients

_POINTS = 64


def kullback_leibler(theta: Tensor) -> Tensor:
    """KL in either direction: infinite, and 0 at ``theta = 0``; any shape, with gradient 0."""
    return _unless_equal(theta, math.inf)


def jensen_shannon(theta: Tensor) -> Tensor:
    """JS: ln 2, and 0 at ``theta = 0``; any shape, with gradient 0."""
    return _unless_equal(theta, math.log(2))


def total_variation(theta: Tensor) -> Tensor:
    """Total variation: 1, and 0 at ``theta = 0``; any shape, with gradient 0."""
    return _unless_equal(theta, 1.0)


def wasserstein1(theta: Tensor) -> Tensor:
    """``W_1 = |theta|``, any shape: the one with a gradient, ``sign(theta)``."""
    return theta.double().abs()


def _unless_equal(theta: Tensor, value: float) -> Tensor:
    place = theta.double()
    return torch.full_like(place, value).masked_fill(place == 0, 0) + 0 * place


def gradient_against_optimal(loss: PointwiseLoss, theta: Tensor, noise: float) -> Tensor:
    """The generator's gradient by theta, against the best discriminator of noisy lines.

    Without noise the best discriminator's outputs are fixed on the two lines only, and how it
    goes from one to the other is left open. With Gaussian noise on both (Arjovsky and Bottou
    2017, arXiv:1701.04862, section 3) it is one function, and along the lines nothing changes.
    As the noise goes to 0 the saturating gradient vanishes, the non-saturating one grows like
    ``theta / noise^2``, and that of the best critic stays ``sign(theta)``.

    Args:
        loss: as of :func:`ganzoo.theory.generator_gradient.best_discriminator`.
        theta: distances, any shape.
        noise: its standard deviation in each direction, positive.

    Returns:
        The shape of theta, float64.

    Raises:
        InputError: if noise is not positive, or no best discriminator is known.
    """
    return location_gradients(loss, theta, noise)


def gradient_after_training(
    loss: PointwiseLoss,
    discriminator: nn.Module,
    theta: float,
    steps: int,
    learning_rate: float,
    constraints: Sequence[Constraint] = (),
) -> Tensor:
    """The generator's gradient by theta, against a discriminator that was trained for some steps.

    A copy in float64 takes Adam steps on all of both lines, by 64 evenly spaced points each.

    Args:
        loss: of both players.
        discriminator: from points ``[B, 2]`` to logits ``[B]``; it stays as it is.
        theta: the generated line's place.
        steps: of the discriminator, at least 0.
        learning_rate: Adam's, positive.
        constraints: on its weights.

    Returns:
        Scalar, float64.

    Raises:
        InputError: if steps or learning_rate are out of range.
    """
    check_whole(0, steps=steps)
    check_positive(learning_rate=learning_rate)
    trained = copy.deepcopy(discriminator).double().requires_grad_()
    real, place = _line(torch.zeros((), dtype=torch.float64)), torch.tensor(float(theta)).double()
    player = Player(
        "discriminator",
        trained,
        lambda minibatch: loss.discriminator(trained(real), trained(_line(place))),
        optimizer=torch.optim.Adam(trained.parameters(), lr=learning_rate),
    )
    player.constraints = list(constraints)
    player.meet([player])
    for _ in range(steps):
        Alternating().step([player])
    moved = place.requires_grad_()
    (gradient,) = torch.autograd.grad(total(loss.generator(trained(_line(moved)))), moved)
    return gradient


def _line(place: Tensor) -> Tensor:
    """Points ``[N, 2]`` of the line at a place."""
    heights = (torch.arange(_POINTS, dtype=torch.float64) + 0.5) / _POINTS
    return torch.stack([place.expand(_POINTS), heights], dim=1)
