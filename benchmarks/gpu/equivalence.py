"""Part 4, where there is more than one GPU: N devices with batch B each, and one with N x B.

One process trains with all data; then it and those that Lightning starts beside it train with their
parts, on the same latents. In float32, with gradient descent, and without batch statistics, the
weights end the same but for the order in which numbers are added up.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from benchmarks.gpu.cases import TINY
from benchmarks.gpu.part import ONE_DEVICE, REHEARSAL, Report
from benchmarks.library import make_model

STEPS = 4 if REHEARSAL else 50
BATCH = 4 if REHEARSAL else 64
"""Of each device."""
RUN = (
    *("network=dcgan", "network.generator_normalization=none", *TINY),
    *("network.discriminator_normalization=none", "penalty=r1"),
    *("optimizer=sgd", "optimizer.lr=0.05", "optimizer.ema=none"),
)


class Share:
    """Draws what one process would draw, and takes this process's part of it.

    Each draw has a seed of its own, so that one of a fixed size, which is no process's part of
    anything, doesn't change those after it.
    """

    def __init__(self, devices: int, rank: int, seed: int) -> None:
        self.devices, self.rank = devices, rank
        self._seeds = itertools.count(1000 * seed)

    def draw(self, count: int, *shape: int) -> Tensor:
        """This process's samples ``[B, ...]``, as many as asked for."""
        generator = torch.Generator().manual_seed(next(self._seeds))
        numbers = torch.randn(self.devices * count, *shape, generator=generator)
        return numbers.chunk(self.devices)[self.rank]


class SharedLatents:
    """Latents of all processes, in the place of a model's prior."""

    def __init__(self, share: Share, latent_dim: int) -> None:
        self.share, self.latent_dim = share, latent_dim

    def sample(self, count: int, *, device: Any = None, **_: object) -> Tensor:
        """This process's latents ``[B, Z]``."""
        return self.share.draw(count, self.latent_dim).to(device)


class SharedPictures:
    """Batches of all processes, as a dataloader."""

    def __init__(self, share: Share, batch: int) -> None:
        self.share, self.batch = share, batch

    def __iter__(self) -> Iterator[list[Tensor]]:
        for _ in itertools.count():
            yield [self.share.draw(self.batch, 3, 32, 32).tanh()]


def main() -> None:
    """Train in both ways; the processes that were started beside the first one only help."""
    report = Report.begin("equivalence")
    devices = report.devices
    if devices < 2:
        report.put(left_out=ONE_DEVICE)
        return
    torch.backends.cudnn.allow_tf32 = False
    if "LOCAL_RANK" in os.environ:
        _trained(devices, BATCH, int(os.environ["LOCAL_RANK"]))
        return
    start, one = _trained(1, devices * BATCH, 0)
    _, many = _trained(devices, BATCH, 0)
    report.put(
        devices=devices,
        steps=STEPS,
        batch_of_a_device=BATCH,
        largest_change=float((one - start).abs().max()),
        largest_difference=float((many - one).abs().max()),
    )


def _trained(devices: int, batch: int, rank: int) -> tuple[Tensor, Tensor]:
    """All weights before and after some iterations."""
    model = make_model("cifar10", RUN)
    start = parameters_to_vector(model.parameters()).detach()
    latent_dim = model.latent_prior.latent_dim
    model.latent_prior = SharedLatents(Share(devices, rank, seed=1), latent_dim)
    Trainer(
        max_steps=STEPS,
        max_epochs=-1,
        accelerator="cpu" if REHEARSAL else "gpu",
        devices=devices,
        strategy="player_parallel" if devices > 1 else "auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    ).fit(model, SharedPictures(Share(devices, rank, seed=2), batch))
    return start, parameters_to_vector(model.parameters()).detach().cpu()


if __name__ == "__main__":
    main()
