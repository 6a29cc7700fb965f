"""Path length regularisation, a term of the generator."""

import math

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import GamePenalty
from ganzoo.penalties.running_mean import RunningMean
from ganzoo.penalties.scene import Scene


@defaults_from("penalty/path_length")
class PathLength(GamePenalty):
    """Ask for steps of one length in data from steps of one length in latents.

    Karras et al. (2020, arXiv:1912.04958), section 3.2, equation 4: ``E (||J^T y|| - a)^2`` with
    the generator's Jacobian J at random latents, y from N(0, I), one for each sample, and a the
    moving average of the lengths. For a given a its minimum at each latent is a Jacobian that is
    orthogonal up to scale; the scale is found by the average, which follows the generator. By
    itself the term would slowly shrink it, since the spread of the lengths shrinks with them.

    As in the authors' code y is divided by the root of the number of pixels (of entries, for
    points), and the gradient reaches the average too, by the share that the newest lengths have in
    it, 1 % for a decay of 0.99.

    Departures: the latents are those that the generator is given, where StyleGAN takes the
    intermediate ones of its mapping network, and the mean over its layers. In the authors' code
    the average starts from zero and half of a batch is used, here it starts from the first lengths
    and the whole batch is used.

    Args:
        weight: of the term; 2 in the authors' code.
        interval: every how many updates of the generator; 8 in the paper, 4 in the authors' later
            code.
        decay: share of the past in the moving average, in [0, 1); 0.99 in the authors' code.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    player = "generator"

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        decay: float = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        self.average = RunningMean(decay=decay)

    def value(self, scene: Scene) -> Tensor:
        """Average the squared distance of the lengths to their moving average."""
        lengths = path_lengths(scene, scene.latents(len(scene.real)))
        newest = lengths.mean()
        average: Tensor = self.average(lengths)
        average = average + (1 - self.average.decay) * (newest - newest.detach())
        return (lengths - average).square().mean()


def path_lengths(scene: Scene, latents: Tensor) -> Tensor:
    """Take the Euclidean norm of ``J^T y`` at each latent ``[B, Z]``: lengths ``[B]``.

    Each sample must depend on its own latents alone, which batch normalisation in the generator
    breaks: there the norm is that of its latents' effect on the whole batch.
    """
    points = latents.detach().requires_grad_()
    data = scene.generator(points)
    pixels = math.prod(data.shape[2:] or data.shape[1:])
    directions = torch.randn_like(data) / math.sqrt(pixels)
    (gradients,) = torch.autograd.grad(
        (data * directions).sum(), points, create_graph=True, materialize_grads=True
    )
    lengths: Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return lengths
