"""What is timed: networks with the settings of their papers, and how they are run."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.gpu.part import REHEARSAL
from ganzoo import create_model
from ganzoo.models.gan import GAN

TINY = ("network.generator.width=8", "network.discriminator.width=8") if REHEARSAL else ()
BATCHES = 8
"""Ready batches that are used again and again, so that no time goes into data."""


@dataclass(frozen=True)
class Case:
    """A model and the batches of one discriminator step.

    Attributes:
        name: For the table.
        overrides: That compose it, and the number of the discriminator's steps.
        batch: Samples in one step.
        steps: Discriminator steps for each generator step.
        size: Height and width of its pictures.
    """

    name: str
    overrides: tuple[str, ...]
    batch: int
    steps: int
    size: int

    def model(self, seed: int = 0) -> GAN:
        """The model, with the same first weights for each seed."""
        torch.manual_seed(seed)
        settings = ["ema=none", f"dataset.image_size={self.size}", *self.overrides, *TINY]
        made = create_model("gan", dataset="cifar10", overrides=settings)
        assert isinstance(made, GAN)
        return made

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the real data of an iteration."""
        rows = 8 if REHEARSAL else self.batch
        return rows * self.steps, 3, self.size, self.size


SPECTRAL = "normalization@discriminator_normalization=spectral"
CASES = [
    Case(
        "SNGAN 32, B 64, 5 D steps",
        ("network=resnet", "loss=hinge", SPECTRAL, "model.discriminator_steps=5"),
        batch=64,
        steps=5,
        size=32,
    ),
    Case(
        "WGAN-GP residual 32, B 64, 5 D steps",
        (
            "network=resnet",
            "network.generator.width=128",
            "loss=wasserstein",
            "penalty=gradient_penalty",
            "model.discriminator_steps=5",
        ),
        batch=64,
        steps=5,
        size=32,
    ),
    Case("DCGAN 64, B 128", ("network=dcgan",), batch=128, steps=1, size=64),
]


@dataclass(frozen=True)
class Setting:
    """How a case is computed.

    Attributes:
        name: For the table.
        precision: Lightning's name of it.
        matmul: torch's name of the precision of float32 products; ``high`` is TF32.
        channels_last: Whether networks and pictures have that memory format.
        compiled: Whether torch.compile compiles the networks.
    """

    name: str
    precision: str = "32-true"
    matmul: str = "highest"
    channels_last: bool = False
    compiled: bool = False

    def prepare(self, model: GAN) -> GAN:
        """Choose precision and format, and compile."""
        torch.set_float32_matmul_precision(self.matmul)
        torch.backends.cudnn.allow_tf32 = self.matmul != "highest"
        if self.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compiled:
            model.generator.compile()
            model.discriminator.compile()
        return model

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """Mixed precision, where it is asked for."""
        if self.precision == "32-true":
            return nullcontext()
        return torch.autocast(device.type, dtype=torch.bfloat16)

    def batches(self, shape: tuple[int, ...], device: torch.device) -> list[Tensor]:
        """The same ready batches each time."""
        generator = torch.Generator().manual_seed(0)
        made = [torch.rand(shape, generator=generator) * 2 - 1 for _ in range(BATCHES)]
        form = torch.channels_last if self.channels_last else torch.contiguous_format
        return [batch.to(device, memory_format=form) for batch in made]


SETTINGS = [
    Setting("float32"),
    Setting("TF32", matmul="high"),
    Setting("bf16-mixed", precision="bf16-mixed", matmul="high"),
    Setting("bf16-mixed, channels last", "bf16-mixed", "high", channels_last=True),
    Setting("bf16-mixed, compiled", "bf16-mixed", "high", compiled=True),
][: 3 if REHEARSAL else None : 2 if REHEARSAL else 1]


class Stream:
    """Batches again and again, as a dataloader."""

    def __init__(self, batches: list[Tensor]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batch in itertools.cycle(self.batches):
            yield [batch]
