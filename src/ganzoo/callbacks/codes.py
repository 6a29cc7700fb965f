"""Measure how well codes are recovered from samples, and what they say of real data."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ganzoo.callbacks.labelled_samples import labelled_samples
from ganzoo.callbacks.measurements import SampleMeasurement
from ganzoo.defaults import defaults_from
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.encoders import (
    CodeClassifier,
    CodePosterior,
    DiagonalGaussian,
    cross_entropies,
)
from ganzoo.sampling.latents import LatentSampler

KINDS = {"held_out": "held-out samples", "real": "samples of the training data"}
MEANINGS = {
    "recovered": "share of {generated} generated samples whose categorical code is recovered",
    "correlation": "correlation of the code with its recovery from {generated} generated samples",
    "information": "nats of information on the codes in {generated} generated samples, at least",
    "clustering_accuracy": "share of {real} whose class is the one that their code stands for",
}


@defaults_from("callbacks/codes")
class CodeRecovery(SampleMeasurement):
    """Measures what InfoGAN's classifier Q finds out of codes, and what of classes.

    Every few generator updates and at the end, in evaluation mode, Q with its own weights looks
    at samples of the averaged generator from the same latents, and at the same real samples:

    - ``codes/recovered``: share of generated samples whose first categorical code is the one that
      Q finds likeliest;
    - ``codes/correlation_<i>``: Pearson's correlation of continuous code i, from 0, with Q's mean
      of it, in [-1, 1]; 0 where that does not vary;
    - ``codes/information``: the codes' entropy minus the mean of -log Q, in nats, which bounds
      the mutual information of codes and samples from below (Chen et al. 2016, arXiv 1606.03657,
      equation 5);
    - ``codes/clustering_accuracy``: see :func:`clustering_accuracy`, of real samples and their
      likeliest values of the first categorical code. They are held-out ones where the data set
      has some, else those of the training data. Labels serve to measure alone.

    What the prior has no codes for, or the data no labels, is left out; models without such a
    classifier are left alone.

    Args:
        every_n_steps: Generator updates from one measurement to the next, at least 1.
        samples: Number of generated samples, and at most as many real ones, at least 1.
        batch_size: Samples that are looked at at once, at least 1.
        seed: Chooses the samples.

    Raises:
        InputError: if a number is out of range.
    """

    name = "codes"
    direction = "maximize"

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That nothing recovers codes, where nothing does; else real samples are found."""
        classifier = getattr(model, "classifier", None)
        if not isinstance(classifier, CodeClassifier):
            return f"{type(model).__name__} has no classifier that recovers codes"
        if classifier.prior.categories:
            datamodule: Any = getattr(trainer, "datamodule", None)
            self._labelled = labelled_samples(datamodule, KINDS, count=self.samples, seed=self.seed)
        return None

    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """All values by name."""
        assert isinstance(model, LatentSampler)
        classifier: Any = model.classifier
        latents, posterior = recover_codes(
            model, classifier, count=self.samples, batch_size=self.batch_size, seed=self.seed
        )
        values = recovery_scores(classifier.prior, latents, posterior)
        if self._labelled is not None:
            data = torch.split(self._labelled.data, self.batch_size)
            found = [classifier.recovered(part.to(model.device)).cpu() for part in data]
            labels = self._labelled.labels
            values["clustering_accuracy"] = clustering_accuracy(torch.cat(found), labels)
        return {f"codes/{name}": value for name, value in values.items()}

    def describe(self, name: str) -> str:
        """Of how many samples."""
        kind = name.removeprefix("codes/").rstrip("0123456789").rstrip("_")
        real = ""
        if self._labelled is not None:
            real = f"{len(self._labelled.data):,} {self._labelled.description}"
        return MEANINGS[kind].format(generated=f"{self.samples:,}", real=real)


@torch.no_grad()
def recover_codes(
    model: LatentSampler, classifier: CodeClassifier, *, count: int, batch_size: int, seed: int
) -> tuple[Tensor, CodePosterior]:
    """Make samples from codes, and let Q recover the codes.

    Args:
        model: Whose averaged generator makes them.
        classifier: Q, in evaluation mode.
        count: Number of samples, N.
        batch_size: Samples that are looked at at once.
        seed: Chooses the latents.

    Returns:
        The latents ``[N, Z]``, and what Q says of their codes, on the CPU.
    """
    latents, labels = model.draw(count, labels=None, seed=seed, truncation=None)
    found = []
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        chosen = None if labels is None else labels[rows]
        samples = model.decode(latents[rows], chosen, averaged=True, batch_size=batch_size)
        found.append(classifier(samples))
    logits = zip(*(part.logits for part in found), strict=True)
    continuous = zip(*(part.continuous for part in found), strict=True)
    return latents, CodePosterior(
        _concatenated(logits), DiagonalGaussian(*_concatenated(continuous))
    )


def _concatenated(kinds: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    """The parts ``[B, ...]`` of each kind as one, on the CPU."""
    return [torch.cat(list(parts)).cpu() for parts in kinds]


def recovery_scores(
    prior: CodePrior, latents: Tensor, posterior: CodePosterior
) -> dict[str, float]:
    """How much of the codes in latents a posterior tells.

    Args:
        prior: Where latents come from.
        latents: ``[N, Z]``.
        posterior: What Q says of the codes of what was made from each.

    Returns:
        ``recovered`` where there are categorical codes, ``correlation_<i>`` for each continuous
        one, and ``information``, as :class:`CodeRecovery` has them.
    """
    codes, values, cross_entropy = prior.codes(latents), {}, 0.0
    if prior.categories:
        hits = posterior.logits[0].argmax(dim=1) == codes.categories[0]
        values["recovered"] = hits.float().mean().item()
        cross_entropy += cross_entropies(posterior.logits, codes.categories).item()
    if prior.continuous:
        pairs = zip(codes.continuous.T, posterior.continuous.mean.T, strict=True)
        values |= {f"correlation_{i}": correlation(*pair) for i, pair in enumerate(pairs)}
        cross_entropy += (
            posterior.continuous.negative_log_likelihood(codes.continuous).mean().item()
        )
    return values | {"information": prior.entropy - cross_entropy}


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's correlation of ``[N]`` and ``[N]``, in [-1, 1]; 0 where one does not vary."""
    deviations = [values.double() - values.double().mean() for values in (first, second)]
    scale = deviations[0].norm() * deviations[1].norm()
    return (deviations[0].dot(deviations[1]) / scale).item() if scale != 0 else 0.0


def clustering_accuracy(clusters: Tensor, labels: Tensor) -> float:
    """The share of samples whose class is the one that their cluster stands for, in [0, 1].

    Clusters stand for classes one to one, in the way that makes the share largest; where there are
    more of the ones than of the others, some stand for none. Xie et al. 2016 (arXiv 1511.06335),
    section 4.2.

    Args:
        clusters: int64 ``[N]``, from 0.
        labels: Classes, int64 ``[N]``, from 0.
    """
    shape = int(clusters.max()) + 1, int(labels.max()) + 1
    counts = torch.zeros(shape, dtype=torch.int64)
    counts.index_put_((clusters, labels), torch.ones_like(labels), accumulate=True)
    rows, columns = linear_sum_assignment(counts.numpy(), maximize=True)
    return counts[rows, columns].sum().item() / len(labels)
