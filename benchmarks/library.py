"""What benchmarks take from inside the library: where a name changes there, it changes here."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule
from omegaconf import DictConfig
from torch import Tensor, nn

from ganzoo import create_model
from ganzoo.composition.compose import build, callbacks_of, compose_config

Latents = Callable[[int, torch.device], Tensor]


@dataclass(frozen=True)
class Parts:
    """What a training loop written by hand needs of a model.

    Attributes:
        generator: From latents to samples.
        discriminator: From samples to logits.
        of_generator: Its optimizer.
        of_discriminator: Its optimizer.
        latents: Draws a number of latents on a device.
    """

    generator: nn.Module
    discriminator: nn.Module
    of_generator: torch.optim.Optimizer
    of_discriminator: torch.optim.Optimizer
    latents: Latents


def make_model(dataset: str, overrides: Sequence[str], seed: int = 0) -> LightningModule:
    """A plain GAN with the same first weights for each seed."""
    return deepcopy(_model(dataset, tuple(overrides), seed))


@cache  # composing takes longer than an iteration
def _model(dataset: str, overrides: tuple[str, ...], seed: int) -> LightningModule:
    torch.manual_seed(seed)
    return create_model("gan", dataset=dataset, overrides=overrides)


def parts_of(model: Any) -> Parts:
    """Networks and optimizers of a model."""
    (of_discriminator, of_generator), _ = model.configure_optimizers()
    return Parts(
        generator=model.generator,
        discriminator=model.discriminator,
        of_generator=of_generator,
        of_discriminator=of_discriminator,
        latents=lambda count, device: model.latent_prior.sample(count, device=device),
    )


def discriminator_loss(model: Any) -> Tensor:
    """The discriminator's loss in the iteration that has just ended."""
    return model.latest_terms["discriminator/loss"]


def callbacks_and_logger(folder: str, *names: str) -> tuple[list[Callback], Any]:
    """The library's callbacks of some names and its CSV logger, as a run in a folder has them."""
    config = deepcopy(_config(names))
    config.run_dir = folder
    return [build(node) for node in callbacks_of(config)], build(config.logger.csv)


@cache
def _config(callbacks: tuple[str, ...]) -> DictConfig:
    words = [f"callbacks=[{','.join(callbacks)}]", "logger=csv", "run_dir=folder"]
    return compose_config([*words, "model=gan", "dataset=ring", "metrics=none"])
