"""How many of the thousand modes of stacked digits a generator has found."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.samples import TwoSampleMetric, check_samples

_DIGITS, _CHANNELS = 10, 3


def single_digits(source: Any) -> Any:
    """Return the source of the digits that a data set of stacked digits puts together.

    Raises:
        InputError: if the data set is not one.
    """
    if not hasattr(source, "digits"):
        raise InputError(
            f"{type(source).__name__} has no stacked digits to count the modes of, leave "
            "digit_modes out of its metrics or choose dataset=stacked_mnist"
        )
    return source.digits


@defaults_from("metrics/digit_modes")
class DigitModes(TwoSampleMetric):
    """Modes covered and evenness among modes of stacked digits.

    Each channel of a picture goes through a classifier of single digits; the three digits name
    one of 1,000 modes, as in Metz et al. 2016 (1611.02163, section 3.3.2), VEEGAN (Srivastava et
    al. 2017, 1705.07761) and PacGAN (Lin et al. 2018, 1712.04086). ``compute`` returns

    - ``modes``: the number of modes with at least one sample, from 0 to 1,000;
    - ``mode_kl``: KL(p || uniform) in nats, from 0 to ln 1000 = 6.91, where p is the share of
      each mode among the samples.

    Both depend on the number of samples N; the last two papers take 26,000. A perfect generator's
    samples cover 1000 (1 - exp(-N / 1000)) modes, and their ``mode_kl`` is about 999 / 2N, not 0.
    Every picture counts, whether it shows digits or not, so noise that the classifier takes for
    even digits does well; so does a pair of modes that the classifier confuses. Its accuracy is
    in the protocol.

    Departure: the papers train their own classifiers, with other architectures. As in PacGAN's
    code the target is uniform, although MNIST's digits are not quite equally frequent.

    Args:
        classifier: Features of grey pictures with logits for 10 digits.
        batch_size: Samples that are classified at once.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if batch_size is not a positive whole number.
    """

    depends_on_features: ClassVar[bool] = False
    directions: ClassVar[dict[str, str]] = {"modes": "maximize", "mode_kl": "minimize"}
    counts: Tensor

    def __init__(
        self, *, classifier: FeatureExtractor, batch_size: int = FROM_CONFIG, **options: Any
    ) -> None:
        check_whole(batch_size=batch_size)
        super().__init__(**options)
        self.classifier = classifier
        self.batch_size = batch_size
        none = torch.zeros(_DIGITS**_CHANNELS, dtype=torch.int64)
        self.add_state("counts", default=none, dist_reduce_fx="sum")

    def select(self, samples: SampleSet) -> Tensor:
        """The pictures themselves."""
        return samples.samples

    def update(self, data: Tensor, *, real: bool) -> None:
        """Count generated samples; real ones are not needed.

        Args:
            data: Images ``[B, 3, H, W]``, in [-1, 1] or uint8.
            real: Whether they come from the data, in which case they are passed over.

        Raises:
            InputError: if data is not finite, out of range or not of 3 channels, or if the
                classifier does not know 10 digits.
        """
        check_samples(data, real=real)
        if data.ndim != 4 or data.shape[1] != _CHANNELS:
            raise InputError(
                f"stacked digits are images [B, {_CHANNELS}, H, W], not {list(data.shape)}"
            )
        if real:
            return
        for batch in torch.split(data.detach(), self.batch_size):
            modes = self.name_modes(batch)
            self.counts += modes.bincount(minlength=len(self.counts)).to(self.counts)

    def name_modes(self, images: Tensor) -> Tensor:
        """Return 100 a + 10 b + c for the digits a, b, c in the channels of ``[B, 3, H, W]``."""
        channels = images.flatten(0, 1).unsqueeze(1)
        logits = self.classifier.classify(self.classifier(channels))
        if logits.shape[1] != _DIGITS:
            raise InputError(
                f"DigitModes needs a classifier of {_DIGITS} digits, not of {logits.shape[1]} "
                "classes"
            )
        digits = logits.argmax(dim=1).view(-1, _CHANNELS)
        return (digits * digits.new_tensor([100, 10, 1])).sum(dim=1)

    def compute(self) -> dict[str, Tensor]:
        """Return ``modes`` and ``mode_kl``, scalars.

        Raises:
            InputError: if there were no generated samples.
        """
        total = self.counts.sum()
        self.require(int(total), at_least=1, real=False)
        share = self.counts / total
        divergence = torch.special.xlogy(share, share * len(share)).sum().clamp(min=0)
        return {"modes": (self.counts > 0).sum().float(), "mode_kl": divergence}

    def protocol(self) -> dict[str, Any]:
        """The settings, and the classifier with its accuracy."""
        return {**super().protocol(), "classifier": self.classifier.protocol()}
