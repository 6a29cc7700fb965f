"""What the metrics that compare two sets of samples have in common."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from ganzoo.errors import InputError


def check_samples(data: Tensor, *, real: bool) -> Tensor:
    """Check a batch of samples and flatten each to a row.

    Args:
        data: ``[B, ...]``, floating point: images in [-1, 1] or points.
        real: Whose samples they are, for the message.

    Returns:
        ``[B, D]``, in float32 or float64.

    Raises:
        InputError: if data has no sample dimension, is not floating point or is not finite.
    """
    name = "real" if real else "generated"
    if data.ndim < 2:
        raise InputError(f"{name} samples must have shape [B, ...], not {list(data.shape)}")
    if not data.is_floating_point():
        raise InputError(
            f"{name} samples must be floating point (images in [-1, 1]), not {data.dtype}"
        )
    flat = data.detach().flatten(start_dim=1)
    broken = int((~flat.isfinite()).any(dim=1).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(flat)} {name} samples are NaN or infinite, "
            "metrics need samples that are finite"
        )
    return flat if flat.dtype == torch.float64 else flat.float()


class SampleMetric(Metric):
    """Keeps all real and all generated samples until they are compared.

    Subclasses implement ``compute``. The samples of all devices are gathered before.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.
    """

    full_state_update = False
    directions: ClassVar[dict[str, str]]
    real: list[Tensor]
    generated: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("generated", default=[], dist_reduce_fx="cat")

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add samples to one of the two sets.

        Args:
            data: ``[B, ...]``, images in [-1, 1] or points.
            real: Whether they come from the data or from the generator.

        Raises:
            InputError: if data is not finite, or is not of the shape of the samples before.
        """
        flat = check_samples(data, real=real)
        for kept in [*self.real[:1], *self.generated[:1]]:
            if kept.shape[1] != flat.shape[1]:
                raise InputError(
                    f"all samples must have the same size: got {flat.shape[1]} values "
                    f"a sample after {kept.shape[1]}"
                )
        (self.real if real else self.generated).append(flat)

    def gather(self, *, at_least: int) -> tuple[Tensor, Tensor]:
        """Return all real ``[N, D]`` and all generated samples ``[M, D]``.

        Raises:
            InputError: if one of the two sets holds fewer than ``at_least`` samples.
        """
        sets = _joined(self.real), _joined(self.generated)
        for name, samples in zip(("real", "generated"), sets, strict=True):
            if len(samples) < at_least:
                raise InputError(
                    f"{type(self).__name__} needs at least {at_least} {name} samples, "
                    f"got {len(samples)}"
                )
        return sets


def _joined(samples: list[Tensor] | Tensor) -> Tensor:
    """Join a state: a list, or one tensor after the devices were gathered."""
    joined = samples if isinstance(samples, Tensor) else torch.cat(samples or [torch.empty(0)])
    # MPS has no float64, which the distances need.
    return joined.cpu() if joined.device.type == "mps" else joined
