"""Noise on what the discriminator sees."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.augment.base import Augmentation
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive
from ganzoo.progress import Progress, Unit, check_unit


@defaults_from("penalty/base/augmentation")
class GaussianNoise(Augmentation):
    """Add independent Gaussian noise to every entry of data of any shape.

    Args:
        deviation: of the noise, in the data's units, positive.

    Raises:
        InputError: if ``deviation`` is not positive.
    """

    def __init__(self, *, deviation: float = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(deviation=deviation)
        self.deviation = deviation

    def forward(self, data: Tensor) -> Tensor:
        """Move each sample by noise."""
        return data + self.deviation * torch.randn_like(data)


@defaults_from("augment/instance_noise")
class InstanceNoise(Augmentation):
    """Gaussian noise on real and generated data, less and less of it.

    Arjovsky and Bottou (2017, arXiv:1701.04862), section 3, and Sonderby et al. (2017,
    arXiv:1610.04490), section 3: where the supports of real and generated data do not overlap, a
    discriminator that is sure everywhere leaves the generator no gradient; the sums with noise
    always overlap. The deviation goes along a line from its first value to 0, as the latter
    propose, so that the game ends with the data themselves.

    Args:
        deviation: of the noise at first, in the data's units, at least 0.
        end: time at which there is none left; None keeps the deviation.
        unit: of that, ``"iterations"`` or ``"images"`` shown.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self, *, deviation: float = FROM_CONFIG, end: int | None, unit: Unit = FROM_CONFIG
    ) -> None:
        super().__init__()
        check_not_negative(deviation=deviation)
        check_unit(unit)
        if end is not None and end < 1:
            raise InputError(
                "noise that goes needs its end as augment.instance_noise.end or trainer.max_steps, "
                f"a positive number or null (noise that stays), not {end}"
            )
        self.deviation, self.end, self.unit = deviation, end, unit
        self.begin_iteration(Progress())

    def begin_iteration(self, progress: Progress) -> None:
        """Take the deviation of this iteration."""
        left = 1.0 if self.end is None else max(0.0, 1.0 - progress.in_unit(self.unit) / self.end)
        self.present = self.deviation * left

    def forward(self, data: Tensor) -> Tensor:
        """Move each sample by noise."""
        return data + self.present * torch.randn_like(data) if self.present else data


@defaults_from("augment/input_dropout")
class InputDropout(Augmentation):
    """Set entries of the discriminator's input to 0, each on its own.

    Hinton et al. (2012, arXiv:1207.0580), section 2, who leave out 20 percent of the inputs: what
    is left is divided by the share that stays. Departure: real and generated data are changed in
    the generator's turns too, and samples for people are not.

    Args:
        probability: that an entry is left out, in [0, 1).

    Raises:
        InputError: if the probability is out of range.
    """

    def __init__(self, *, probability: float = FROM_CONFIG) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise InputError(f"probability must be at least 0 and below 1, not {probability}")
        self.probability = probability

    def forward(self, data: Tensor) -> Tensor:
        """Leave out entries of each sample."""
        return functional.dropout(data, self.probability)
