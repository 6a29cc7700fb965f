"""What the device can do at most, and what an iteration asks of it."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.gpu.device import synchronize
from benchmarks.gpu.part import REHEARSAL

SIZE = 512 if REHEARSAL else 8192
MEGABYTES = 16 if REHEARSAL else 2048
REPETITIONS = 3 if REHEARSAL else 20


def ceilings(device: torch.device) -> dict[str, float]:
    """TFLOP/s of a bfloat16 matrix product on random data, and GB/s read and written by a copy."""
    a, b = (torch.randn(SIZE, SIZE, device=device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.randn(MEGABYTES * 2**18, device=device)
    target = torch.empty_like(source)
    product = seconds(lambda: a @ b)
    copy = seconds(lambda: target.copy_(source))
    return {
        "bf16_tflops": 2 * SIZE**3 / product / 1e12,
        "copy_gigabytes_a_second": 2 * source.nbytes / copy / 1e9,
    }


def seconds(run: Callable[[], Any]) -> float:
    """The median time of a run."""
    run()
    times = []
    for _ in range(REPETITIONS):
        synchronize()
        started = time.perf_counter()
        run()
        synchronize()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


class _Demands(TorchDispatchMode):
    """Adds up what every eager operation computes, reads and writes.

    torch's own counter follows modules, which fails where gradients are differentiated.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.bytes = 0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        found = operation(*args, **kwargs)
        count = flop_registry.get(operation._overloadpacket)
        if count is not None:
            self.flops += count(*args, **kwargs, out_val=found)
        if not operation.is_view:
            leaves = tree_leaves((args, kwargs, found))
            self.bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
        return found


def demands(run: Callable[[], Any]) -> dict[str, float]:
    """Floating point operations of products and convolutions, and bytes that operations touch."""
    with _Demands() as counted:
        run()
    return {"tflop": counted.flops / 1e12, "gigabytes": counted.bytes / 1e9}
