"""Models, batches and precision of a case in a setting."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from benchmarks.gpu.cases import Case, Setting
from benchmarks.library import make_model

BATCHES = 8
"""Ready batches that are used again and again, so that no time goes into data."""


def prepare(case: Case, setting: Setting, device: torch.device, seed: int = 0) -> LightningModule:
    """The model on its device, in the setting's precision and format, compiled if it says so."""
    torch.set_float32_matmul_precision(setting.matmul)
    torch.backends.cudnn.allow_tf32 = setting.matmul != "highest"
    model = make_model("cifar10", case.settings, seed).to(device)
    if setting.channels_last:
        model.to(memory_format=torch.channels_last)
    if setting.compiled is not None:
        for network in (model.generator, model.discriminator):
            network.forward = _compiled(network, setting)
    return model


def _compiled(network: nn.Module, setting: Setting) -> Callable[..., Any]:
    run = torch.compile(network.forward, mode=setting.compiled)
    if not setting.has_graphs:
        return run
    # A graph writes its output to the same place each time, where the discriminator, which runs
    # after the generator has, would read what is there no more.
    return lambda *inputs, **named: run(*inputs, **named).clone()


def batches(case: Case, setting: Setting, device: torch.device) -> list[Tensor]:
    """The same ready batches each time."""
    generator = torch.Generator().manual_seed(0)
    made = [torch.rand(case.shape, generator=generator) * 2 - 1 for _ in range(BATCHES)]
    form = torch.channels_last if setting.channels_last else torch.contiguous_format
    return [batch.to(device, memory_format=form) for batch in made]


def autocast(setting: Setting, device: torch.device) -> AbstractContextManager[object]:
    """Mixed precision, where it is asked for."""
    if setting.precision == "32-true":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


class Stream:
    """Batches again and again, as a dataloader."""

    def __init__(self, batches: list[Tensor]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batch in itertools.cycle(self.batches):
            yield [batch]
