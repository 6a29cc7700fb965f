"""The device that parts run on, its clock and its memory."""

import torch

from benchmarks.gpu.part import REHEARSAL


def device() -> torch.device:
    """The GPU; the CPU in a rehearsal."""
    if REHEARSAL:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SystemExit("there is no GPU: --rehearse tries everything on the CPU")
    return torch.device("cuda")


def synchronize() -> None:
    """Wait for all that the device was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Memory:
    """What is allocated on a GPU from now on; nothing is known of a CPU."""

    def __init__(self) -> None:
        self._before = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0

    def forget_peak(self) -> None:
        """Look for the peak from here on."""
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def peak(self) -> float | None:
        """The most gigabytes above what was there at first, or None on a CPU."""
        if not torch.cuda.is_available():
            return None
        return (torch.cuda.max_memory_allocated() - self._before) / 1e9
