"""What the metrics that compare two sets of samples have in common."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from ganzoo.errors import InputError
from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.inputs import MetricInputs, SampleSet


def check_samples(data: Tensor, *, real: bool) -> Tensor:
    """Check a batch of samples and flatten each to a row.

    Args:
        data: ``[B, ...]``: features or points in floating point, or images, in floating point in
            [-1, 1] or uint8.
        real: Whose samples they are, for the message.

    Returns:
        ``[B, D]``, in float32 or float64; images in [-1, 1].

    Raises:
        InputError: if data has no sample dimension, is of another type, is not finite, or holds
            images outside [-1, 1].
    """
    name = origin(real)
    if data.ndim < 2:
        raise InputError(f"{name} samples must have shape [B, ...], not {list(data.shape)}")
    broken = int((~data.isfinite()).flatten(start_dim=1).any(dim=1).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(data)} {name} samples are NaN or infinite, "
            "metrics need samples that are finite"
        )
    flat = to_image_range(data.detach()).flatten(start_dim=1)
    if not flat.is_floating_point():
        raise InputError(f"{name} samples must be floating point, not {data.dtype}")
    return flat if flat.dtype == torch.float64 else flat.float()


def origin(real: bool) -> str:
    """What messages call samples."""
    return "real" if real else "generated"


class TwoSampleMetric(Metric):
    """A metric of generated samples, most often beside real ones.

    Subclasses implement ``update(data, real=...)`` and ``compute``, which returns named scalars.
    In a loop of your own those two are all that is needed; :meth:`measure` is what the library's
    own evaluation calls.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.

    Attributes:
        directions: For each name that can be an objective, ``"minimize"`` or ``"maximize"``.
        depends_on_features: Whether other features would give other values.
        needs_held_out: Whether it looks at real samples that the generator does not learn from.
    """

    full_state_update = False
    depends_on_features: ClassVar[bool] = True
    needs_held_out: ClassVar[bool] = False
    directions: ClassVar[dict[str, str]]

    def select(self, samples: SampleSet) -> Tensor:
        """What this metric looks at: the features, unless a subclass says otherwise."""
        return samples.features

    def measure(self, inputs: MetricInputs) -> dict[str, Tensor]:
        """Compute the values of these inputs, whatever was seen before.

        Raises:
            InputError: if there are too few samples, or they are not what the metric needs.
        """
        self.reset()
        self.update_from(inputs)
        values: dict[str, Tensor] = self.compute()
        self.reset()
        return values

    def update_from(self, inputs: MetricInputs) -> None:
        """Update with what this metric needs of its inputs."""
        self.update(self.select(inputs.real).to(self.device), real=True)
        self.update(self.select(inputs.generated).to(self.device), real=False)

    def protocol(self) -> dict[str, Any]:
        """The settings that a value must be reported with: plain values."""
        return {
            name: value
            for name, value in vars(self).items()
            if name in type(self).__init__.__annotations__ and isinstance(value, int | float | str)
        }

    def require(self, count: int, *, at_least: int, real: bool, consequence: str = "") -> None:
        """Refuse too few samples.

        Raises:
            InputError: with the number that is needed and what fewer would do to the value.
        """
        if count < at_least:
            raise InputError(
                f"{type(self).__name__} needs at least {at_least} {origin(real)} samples, "
                f"got {count}{consequence and ': ' + consequence}"
            )


class SampleMetric(TwoSampleMetric):
    """Keeps all real and all generated samples until they are compared.

    Subclasses implement ``compute``. The samples of all devices are gathered before.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.
    """

    real: list[Tensor]
    generated: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("generated", default=[], dist_reduce_fx="cat")

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add samples to one of the two sets.

        Args:
            data: ``[B, ...]``, features, points or images, in [-1, 1] or uint8.
            real: Whether they come from the data or from the generator.

        Raises:
            InputError: if data is not finite, of another type or range, or not of the shape of
                the samples before.
        """
        flat = check_samples(data, real=real)
        for kept in [*self.real[:1], *self.generated[:1]]:
            if kept.shape[1] != flat.shape[1]:
                raise InputError(
                    f"all samples must have the same size: got {flat.shape[1]} values "
                    f"a sample after {kept.shape[1]}"
                )
        (self.real if real else self.generated).append(flat)

    def gather(self, *, at_least: int, consequence: str = "") -> tuple[Tensor, Tensor]:
        """Return all real ``[N, D]`` and all generated samples ``[M, D]``.

        Args:
            at_least: The number of samples that either set needs.
            consequence: What fewer samples would do to the value, for the message.

        Raises:
            InputError: if one of the two sets holds fewer than ``at_least`` samples.
        """
        sets = joined(self.real), joined(self.generated)
        for real, samples in zip((True, False), sets, strict=True):
            self.require(len(samples), at_least=at_least, real=real, consequence=consequence)
        return sets


def joined(samples: list[Tensor] | Tensor) -> Tensor:
    """Join a state: a list, or one tensor after the devices were gathered."""
    whole = samples if isinstance(samples, Tensor) else torch.cat(samples or [torch.empty(0)])
    # MPS has no float64, which the distances need.
    return whole.cpu() if whole.device.type == "mps" else whole
