"""How probable an augmentation is: as given, or as the discriminator's overfitting asks for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.annealing import CosineAnnealing, Setting, value_before
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.logits import mean_logits
from ganzoo.precision import KeptInFloat32, at_least_float32
from ganzoo.progress import Progress
from ganzoo.strategies.across_devices import mean_across_devices, world_size


class Probability(nn.Module, ABC):
    """The probability of an augmentation, which may change from iteration to iteration."""

    @property
    @abstractmethod
    def scalar(self) -> Tensor:
        """That of this iteration, in [0, 1]: a number in float64 on the CPU.

        Under ``torch.compile`` it is read in each call, and nothing is compiled for its value.
        """

    @property
    def now(self) -> float:
        """The same as a number of Python's."""
        return float(self.scalar)


class GivenProbability(Probability):
    """A probability that stays as it is, or changes along a given curve.

    Args:
        value: The probability, or how it changes.

    Raises:
        InputError: if it is not in [0, 1].
    """

    def __init__(self, value: Setting) -> None:
        super().__init__()
        for end in (value.first, value.last) if isinstance(value, CosineAnnealing) else (value,):
            _check_probability(end)
        self.value = value
        self._present = torch.zeros((), dtype=torch.float64, device="cpu")
        self.begin_iteration(Progress())

    def begin_iteration(self, progress: Progress) -> None:
        """Take the probability of this iteration."""
        self._present.fill_(value_before(self.value, progress))

    @property
    def scalar(self) -> Tensor:
        """That of this iteration, in [0, 1]."""
        return self._present


@defaults_from("augment/ada")
class AdaptiveProbability(KeptInFloat32, Probability):
    """A probability that rises while the discriminator overfits, and falls while it does not.

    Karras et al. (2020, arXiv 2006.06676), section 3.1: every ``interval`` steps of the
    discriminator ``r_t = E sign D(x)``, over the real data of those steps on all devices, is
    compared with a target. Where it is above, the probability rises by the share of
    ``images_to_one`` that these data are; where it is below, it falls by as much. Of a map of
    logits the mean of the signs counts.

    The probability and the sums of signs and samples are buffers, so that a run that was stopped
    goes on with them. Departures: the probability is at most 1, where the authors' has no bound,
    and it is part of checkpoints, where theirs starts again from 0.

    Args:
        first: The probability at the start, in [0, 1].
        target: Of ``r_t``, in (-1, 1).
        images_to_one: Real samples, on all devices, in which the probability goes from 0 to 1.
        interval: Steps of the discriminator from one change to the next, at least 1.

    Raises:
        InputError: if a number is out of range.
    """

    probability: Tensor
    signs: Tensor
    samples: Tensor

    def __init__(
        self,
        *,
        first: float = FROM_CONFIG,
        target: float = FROM_CONFIG,
        images_to_one: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        _check_probability(first)
        check_positive(images_to_one=images_to_one)
        check_whole(interval=interval)
        if not -1 < target < 1:
            raise InputError(f"target of the mean sign must be between -1 and 1, not {target}")
        self.target, self.images_to_one, self.interval = target, images_to_one, interval
        self.register_buffer("probability", torch.tensor(float(first)))
        self.register_buffer("signs", torch.zeros(()))
        self.register_buffer("samples", torch.zeros(()))
        self._read: tuple[Tensor, int] | None = None

    @property
    def scalar(self) -> Tensor:
        """That of this iteration, in [0, 1]; the device is waited for where it has changed."""
        if torch.compiler.is_compiling():
            return _on_cpu(self.probability)
        version = self.probability._version
        if self._read is None or self._read[0] is not self.probability or self._read[1] != version:
            self._present = _on_cpu(self.probability)
            self._read = self.probability, version
        return self._present

    @torch.no_grad()
    def after_step(self, player: Any) -> Mapping[str, Tensor]:
        """Look at the signs of the discriminator's logits of real data.

        Returns:
            What is logged.
        """
        if player.role != "discriminator" or "real" not in player.logits:
            return {}
        for logits in player.logits["real"]:
            self.signs += mean_logits(at_least_float32(logits).sign()).sum()
            self.samples += len(logits)
        if (player.step_number + 1) % self.interval == 0:
            self.adapt()
        return {"augmentation_probability": self.probability}

    @torch.no_grad()
    def adapt(self) -> None:
        """Change the probability by what has been seen since the last change."""
        (sums,) = mean_across_devices([torch.stack([self.signs, self.samples])])
        signs, samples = sums
        share = samples * world_size() / self.images_to_one
        self.probability.add_(share * (signs / samples - self.target).sign()).clamp_(0, 1)
        self.signs.zero_()
        self.samples.zero_()


def as_probability(value: Probability | Setting) -> Probability:
    """Take a number, or how it changes, for a probability.

    Raises:
        InputError: if it is not in [0, 1].
    """
    return value if isinstance(value, Probability) else GivenProbability(value)


def _on_cpu(probability: Tensor) -> Tensor:
    return probability.to("cpu", torch.float64)


def _check_probability(value: float) -> None:
    if isinstance(value, bool | str) or not 0 <= value <= 1:
        raise InputError(f"probability must be between 0 and 1, not {value!r}")
