"""Path length regularisation, a term of the generator."""

import math
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.running_mean import RunningMean


@defaults_from("penalty/path_length")
class PathLength(Penalty):
    """Ask for steps of one length in data from steps of one length in latents.

    Karras et al. (2020, arXiv:1912.04958), section 3.2, equation 4: ``E (||J^T y|| - a)^2`` with
    the generator's Jacobian J at random latents, y from N(0, I), one for each sample, and a the
    moving average of the lengths. For a given a its minimum at each latent is a Jacobian that is
    orthogonal up to scale; the scale is found by the average, which follows the generator. By
    itself the term would slowly shrink it, since the spread of the lengths shrinks with them.

    As in the authors' code y is divided by the root of the number of pixels (of entries, for
    points), and the gradient reaches the average too, by the share that the newest lengths have in
    it, 1 % for a decay of 0.99.

    The latents are the styles of a generator that has any (with the mean square over its layers,
    as in the authors' code), else those that the generator is given. Departures: in the authors'
    code the average starts from zero and half of a batch is used, here it starts from the first
    lengths and the whole batch is used.

    Args:
        decay: share of the past in the moving average, in [0, 1); 0.99 in the authors' code.
        term: see :class:`~ganzoo.penalties.base.Penalty`; its weight is 2 in the
            authors' code, its interval 8 in the paper and 4 in their later code.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    role = "generator"

    def __init__(self, *, decay: float = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        self.average = RunningMean(decay=decay)
        self._lengths: list[Tensor] = []

    def value(self, context: Context) -> Tensor:
        """Average the squared distance of the lengths to their moving average."""
        lengths = path_lengths(context, context.draw_latents(context.size))
        self._lengths.append(lengths.detach())
        return (lengths - self.average.after(lengths)).square().mean()

    def after_step(self, player: Any) -> None:
        """Update the average, if there were lengths in the step."""
        if player.name == self.on and self._lengths:
            self.average.update(torch.cat(self._lengths))
            self._lengths.clear()


def path_lengths(context: Context, latents: Tensor) -> Tensor:
    """Take the Euclidean norm of ``J^T y`` at each latent ``[B, Z]``: lengths ``[B]``.

    Each sample must depend on its own latents alone, which batch normalisation in the generator
    breaks: there the norm is that of its latents' effect on the whole batch.
    """
    points, data = context.generate_from_style(latents)
    pixels = math.prod(data.shape[2:] or data.shape[1:])
    directions = torch.randn_like(data) / math.sqrt(pixels)
    (gradients,) = torch.autograd.grad(
        (data * directions).sum(), points, create_graph=True, materialize_grads=True
    )
    if gradients.dim() == 3:  # the style of each layer, as the authors take their mean square
        return gradients.square().sum(dim=2).mean(dim=1).sqrt()
    lengths: Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return lengths
