"""Real samples with their true labels, to measure with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LabelledSamples:
    """Samples with true labels, which training does not learn from.

    Attributes:
        data: Samples ``[N, ...]``.
        labels: Their classes ``[N]``, int64.
        name: Which they are, as part of the measured value's name.
        description: The same in words.
    """

    data: Tensor
    labels: Tensor
    name: str
    description: str


def labelled_samples(
    datamodule: Any, kinds: Mapping[str, str], *, count: int, seed: int
) -> LabelledSamples | None:
    """The first kind of labelled samples that there are some of.

    Args:
        datamodule: Whose samples they are; any object, also None.
        kinds: What each kind is, in words, by the name of the data module's method
            ``(count, seed) -> (data, labels or None) or None`` that gives them.
        count: Number of samples, at least 1; where there are fewer, all of them.
        seed: Chooses the samples.

    Returns:
        The samples, or None where there are none with labels.
    """
    for name, description in kinds.items():
        found = getattr(datamodule, name, _nothing)(count, seed)
        if found is not None and found[1] is not None:
            return LabelledSamples(
                data=found[0], labels=found[1], name=name, description=description
            )
    return None


def _nothing(count: int, seed: int) -> None:
    return None
