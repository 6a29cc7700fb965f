"""Measure how much either player of a game could still gain."""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from ganzoo.callbacks.measurements import PeriodicMeasurement
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole
from ganzoo.losses.base import PointwiseLoss, total
from ganzoo.models.gan import GAN
from ganzoo.theory.duality_gap import duality_gap


@dataclass(frozen=True)
class GameValue:
    """V of a discriminator and a generator, minus the loss that the game gives a discriminator.

    Always of the same real data, latents and noise, so that there is no chance in it.

    Attributes:
        model: The game, for how it calls its networks; left as it is.
        real: Real data ``[B, ...]``.
        labels: Their classes ``[B]``, or None; generated data have the same.
        latents: ``[B, Z]``.
        seed: Of augmentations' and networks' noise. It sets torch's random state.
    """

    model: GAN
    real: Tensor
    labels: Tensor | None
    latents: Tensor
    seed: int

    def __call__(self, discriminator: nn.Module, generator: nn.Module) -> Tensor:
        """A scalar that the discriminator is to make high and the generator low."""
        game = _with_discriminator(self.model, discriminator)
        _seed(self.real.device, self.seed)
        samples = game.generate(generator, self.latents, self.labels)
        real = game.score_samples(self.real, self.labels)
        fake = game.score_samples(samples, self.labels)
        return -total(game.loss.discriminator(real, fake))


@defaults_from("callbacks/duality_gap")
class DualityGapEstimate(PeriodicMeasurement):
    """Measures the duality gap of the game of the loss in use.

    Grnarova et al. (2019, arXiv:1811.05512), section 3, by
    :func:`ganzoo.theory.duality_gap.duality_gap`: copies of both players take some steps on
    ``V(D, G)``, each against the other as it is, and ``duality_gap/gap`` is the difference of what
    they reach. 0 is where neither gains, as at an equilibrium.

    V is minus the sum of the discriminator's terms of the loss, so that the game measured is a
    zero-sum one: for the minimax loss that of the paper. Departures: other losses give the
    generator another objective (the non-saturating one, say), which V does not have; penalties,
    constraints on weights, and terms of classification or features are no part of V, so that the
    critic of a Wasserstein loss could gain without bound, and the gap grows with steps and
    learning rate; one fixed batch both moves and judges the copies, where the authors split the
    data; networks are in evaluation mode. Compare values of the same settings and loss only.

    Args:
        every_n_steps: Generator updates from one measurement to the next, at least 1.
        steps: Of each copy, at least 1.
        learning_rate: Of their Adam, positive.
        samples: Number of real and of generated samples, at least 1.
        seed: Chooses the real samples and the latents.

    Raises:
        InputError: if a number is out of range.
    """

    name = "duality_gap"
    direction = "minimize"

    def __init__(
        self,
        *,
        every_n_steps: int = FROM_CONFIG,
        steps: int = FROM_CONFIG,
        learning_rate: float = FROM_CONFIG,
        samples: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(steps=steps, samples=samples)
        check_positive(learning_rate=learning_rate)
        check_whole(0, seed=seed)
        self.steps, self.learning_rate = steps, learning_rate
        self.samples, self.seed = samples, seed
        self._value: GameValue | None = None

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """Why there is no gap to measure; None where there is."""
        if not isinstance(model, GAN) or type(model).build_players is not GAN.build_players:
            return f"{type(model).__name__} is not a game of a generator and a discriminator alone"
        if not isinstance(model.loss, PointwiseLoss):
            return f"{type(model.loss).__name__} has no value that sums over single samples"
        if model.packing > 1:
            return "the discriminator judges packs of samples: set packing=1"
        if not hasattr(getattr(trainer, "datamodule", None), "real"):
            return "it needs a data module with real(count, seed)"
        return None

    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The gap, where it is finite."""
        assert isinstance(model, GAN)
        self._value = self._value or self._fixed_value(trainer, model)
        players = model.discriminator, model.generator
        gap = duality_gap(self._value, *players, self.steps, self.learning_rate).gap
        return {"duality_gap/gap": gap} if math.isfinite(gap) else {}

    def describe(self, name: str) -> str:
        """What was done to find it."""
        return f"what both players gain in {self.steps} steps, each against the other as it is"

    def _fixed_value(self, trainer: Trainer, model: GAN) -> GameValue:
        """The value on the data and latents that all measurements have in common."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        real, labels = datamodule.real(self.samples, self.seed)
        random, device = torch.Generator().manual_seed(self.seed), model.device
        latents = model.latent_prior.sample(len(real), generator=random).to(device)
        labels = None if labels is None else labels.to(device)
        return GameValue(model, real.to(device), labels, latents, self.seed)


def _with_discriminator(model: GAN, discriminator: nn.Module) -> GAN:
    """The game with another discriminator; all else is that of the model, which stays as it is."""
    game = copy.copy(model)
    game._modules = model._modules | {"discriminator": discriminator}
    return game


def _seed(device: torch.device, seed: int) -> None:
    """Set the random states that a pass through the networks uses, and no others."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
