"""Code as users write it, which mypy checks with `src` and a test runs."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD

from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.game.player import Player
from ganzoo.losses import AdversarialLoss, LeastSquares, TopK
from ganzoo.losses.base import LossTerms
from ganzoo.metrics import Evaluator, KernelDistance
from ganzoo.metrics.features import PixelFeatures
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.latents import Normal
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.optim import Alternating, OptimisticAdam
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


def game() -> list[Player]:
    """Two players of torch alone, on x y."""
    x, y = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)

    def losses(sign: float, minibatch: Any) -> LossTerms:
        return {"value": sign * x.weight.sum() * y.weight.sum()}

    players = [
        Player(name, module, partial(losses, sign), optimizer=SGD(module.parameters(), lr=0.1))
        for name, module, sign in (("x", x, 1.0), ("y", y, -1.0))
    ]
    for player in players:
        player.meet(players)
    Alternating().step(players)
    return players
