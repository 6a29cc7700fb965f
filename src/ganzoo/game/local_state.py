"""What differs from process to process: each one's part of a checkpoint."""

import random
from typing import Any

import numpy as np
import torch
import torch.distributed
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from ganzoo.losses.base import LossTerms
from ganzoo.strategies.across_devices import world_size

LocalState = dict[str, Any]
"""Random states, latest terms, buffers and skipped updates of one process."""

_STRIDE = 1_000_003  # between the seeds of runs that go on with another number of processes


def capture(model: LightningModule, terms: LossTerms, skipped: int) -> list[LocalState]:
    """Gather the states of all processes; every process must call this.

    Buffers that are those of the first process, as most are, are part of the weights already.

    Args:
        model: The model that is trained.
        terms: Its latest terms, which lazy penalties do not renew at every update.
        skipped: Updates left out so far.
    """
    mine: LocalState = {
        "random": random_states(model.device),
        "terms": {name: value.detach().cpu() for name, value in terms.items()},
        "buffers": {name: value.detach().cpu() for name, value in model.named_buffers()},
        "skipped": skipped,
    }
    states = [mine]
    if world_size() > 1:
        states = [{} for _ in range(world_size())]
        torch.distributed.all_gather_object(states, mine)
    first = states[0]["buffers"]
    for state in states:
        kept = {n: b for n, b in state["buffers"].items() if not torch.equal(b, first[n])}
        state["buffers"] = kept
    return states


def of_this_process(checkpoint: dict[str, Any], rank: int) -> LocalState | None:
    """This process's state, or None where the run had another number of processes."""
    states: list[LocalState] = checkpoint["ganzoo"].get("processes", [])
    return states[rank] if len(states) == world_size() else None


@torch.no_grad()
def restore_buffers(model: nn.Module, saved: dict[str, Tensor]) -> None:
    """Put back the buffers in which this process differs from the first."""
    buffers = dict(model.named_buffers())
    for name, value in saved.items():
        buffers[name].copy_(value)


def random_states(device: torch.device) -> dict[str, Any]:
    """The random states of Python, NumPy, torch and the device, as plain values and tensors."""
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    states = {
        "python": random.getstate(),
        "numpy": [torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, gauss],
        "torch": torch.get_rng_state(),
    }
    if device.type != "cpu":
        states["device"] = torch.get_device_module(device).get_rng_state()
    return states


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Go on with saved random states; a device of another kind keeps its own."""
    version, keys, gauss = states["python"]
    random.setstate((version, tuple(keys), gauss))
    numpy_keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state(
        ("MT19937", numpy_keys.numpy().astype(np.uint32), position, has_gauss, cached)
    )
    torch.set_rng_state(states["torch"])
    if device.type != "cpu" and "device" in states:
        torch.get_device_module(device).set_rng_state(states["device"])


def seed(rank: int, step: int) -> None:
    """Give this process random numbers of its own, from the run's seed, the rank and the step."""
    if world_size() > 1 or step:
        torch.manual_seed(torch.initial_seed() + rank + _STRIDE * step)
