"""How sure a classifier is of single generated samples, and how unsure of all together."""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.samples import TwoSampleMetric, check_samples, joined


@defaults_from("metrics/inception_score")
class InceptionScore(TwoSampleMetric):
    """The Inception Score (Salimans et al. 2016, section 4, 1606.03498), with any classifier.

    exp of the mean KL(p(y|x) || p(y)), between 1 and the number of classes K, the mean over
    splits of the shuffled samples, each of which estimates p(y) by itself. It looks at generated
    samples only, sees no lack of variety within a class, and means little on data unlike the
    classifier's own (Barratt and Sharma 2018, 1801.01973). It grows with the samples in a split:
    compare values at the same counts only. Its deviation over the splits divides by their number,
    as in the paper's code and so in published values. In float64.

    Args:
        splits: The paper uses 10.
        seed: Chooses the order of the samples.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if splits is not a positive whole number, and by ``compute`` if there are fewer
            than two samples for each split.
    """

    directions: ClassVar[dict[str, str]] = {"inception_score": "maximize"}
    generated: list[Tensor]

    def __init__(
        self, *, splits: int = FROM_CONFIG, seed: int = FROM_CONFIG, **options: Any
    ) -> None:
        super().__init__(**options)
        check_whole(splits=splits)
        self.splits, self.seed = splits, seed
        self.add_state("generated", default=[], dist_reduce_fx="cat")

    def select(self, samples: SampleSet) -> Tensor:
        """The class logits."""
        return samples.logits

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add generated samples; real ones are only checked.

        Args:
            data: Class logits ``[B, K]``.
            real: Whether they come from the data, in which case they are passed over.

        Raises:
            InputError: if data is not finite.
        """
        logits = check_samples(data, real=real)
        if not real:
            self.generated.append(logits)

    def compute(self) -> dict[str, Tensor]:
        """Return ``inception_score`` and its ``inception_score_deviation`` over the splits."""
        few = (
            f"two in each of splits={self.splits}, and with few the score is far too low; set "
            "metrics.evaluator.samples higher, or metrics.inception_score.splits lower"
        )
        logits = joined(self.generated)
        self.require(len(logits), at_least=2 * self.splits, real=False, consequence=few)
        scores = scores_of_splits(logits.cpu().double(), splits=self.splits, seed=self.seed)
        values = {
            "inception_score": scores.mean(),
            "inception_score_deviation": scores.std(correction=0),
        }
        return {name: value.float().to(self.device) for name, value in values.items()}


def scores_of_splits(logits: Tensor, *, splits: int, seed: int) -> Tensor:
    """The score of each split of the shuffled logits ``[N, K]``."""
    order = torch.randperm(len(logits), generator=torch.Generator().manual_seed(seed))
    return torch.stack([_score(part) for part in logits[order].tensor_split(splits)])


def _score(logits: Tensor) -> Tensor:
    logarithms = logits.log_softmax(dim=1)
    together = logarithms.logsumexp(dim=0) - math.log(len(logits))
    divergences = (logarithms.exp() * (logarithms - together)).sum(dim=1)
    return divergences.mean().exp()
