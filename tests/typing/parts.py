"""Code as users write it, which mypy checks with `src` and a test runs."""

import torch
from torch import Tensor, nn

from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.losses import AdversarialLoss, LeastSquares, TopK
from ganzoo.metrics import Evaluator, KernelDistance
from ganzoo.metrics.features import PixelFeatures
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.latents import Normal
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.optim import OptimisticAdam
from ganzoo.penalties import R1, Context, LeCam, Penalty
from ganzoo.progress import Progress


class MyPenalty(R1):
    """A subclass without a file, with its parent's defaults."""

    def value(self, context: Context) -> Tensor:
        """Twice R1."""
        return 2 * super().value(context)


def parts() -> list[nn.Module]:
    """Parts with the numbers of their files."""
    losses: list[AdversarialLoss] = [LeastSquares(), LeastSquares(real_target=0.9), TopK()]
    penalties: list[Penalty] = [R1(), R1(weight=1.0), LeCam(interval=4), MyPenalty()]
    return [*losses, *penalties]


def model() -> WGANGP:
    """A model of networks of one's own."""
    generator = MLPGenerator(latent_dim=2, shape=[2], width=16)
    discriminator = MLPDiscriminator(shape=[2], width=16)
    return WGANGP(
        generator=generator, discriminator=discriminator, latent_prior=Normal(latent_dim=2)
    )


def evaluator() -> Evaluator:
    """Two objects are enough."""
    return Evaluator(metrics={"kid": KernelDistance()}, features={"pixels": PixelFeatures()})


def average() -> Tensor:
    """An optimizer and an average of a network's weights."""
    network = nn.Linear(2, 1)
    followed = ExponentialMovingAverage(network)
    optimizer = OptimisticAdam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    followed.update(network, Progress(iterations=1))
    return next(followed.network.parameters())
