"""Samples and their features, made in batches by one process or by several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.comparison import SampleSet
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.populations import Population, StoredSamples
from ganzoo.metrics.progress import announced
from ganzoo.metrics.samples import check_samples
from ganzoo.metrics.team import Team


@dataclass(frozen=True)
class Extraction:
    """How populations become sets of samples.

    Attributes:
        features: Extractors by name.
        batch_size: Samples that are made and go through an extractor at once.
        device: Where that happens.
        team: The processes that share the work; each calls every method, with the same arguments.
    """

    features: Mapping[str, FeatureExtractor]
    batch_size: int
    device: torch.device | str
    team: Team

    def prepare(self) -> None:
        """Let extractors do what takes long, the first process before the others.

        Raises:
            InputError: if an extractor cannot be had.
        """
        for extractor in self.features.values():
            extractor.to(self.device)
            if self.team.rank == 0:
                extractor.prepare()
            self.team.agree(None)
            extractor.prepare()

    def run(self, population: Population) -> dict[str, SampleSet]:
        """Make all samples of a population and their features, under each features' name.

        Raises:
            InputError: if samples are not finite, or an extractor cannot take them.
        """
        samples, rows = self._all(population, list(self.features))
        return {
            name: SampleSet(samples, population.labels, rows[name], extractor)
            for name, extractor in self.features.items()
        }

    def recall(self, population: StoredSamples, cache: FeatureCache) -> dict[str, SampleSet]:
        """Do the same with features from a cache, where it has them; what it lacks is added."""
        sets = {}
        for name, extractor in self.features.items():
            key = cache.key(population.samples, extractor.fingerprint())
            rows = self.team.agree(cache.read(key) if self.team.rank == 0 else None)
            if rows is None or len(rows) != len(population):
                rows = self._all(population, [name])[1][name]
                if self.team.rank == 0:
                    cache.write(key, rows)
            sets[name] = SampleSet(population.samples, population.labels, rows, extractor)
        return sets

    @torch.no_grad()
    def _all(
        self, population: Population, names: Sequence[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        count = len(population)
        if not count:
            raise InputError("there are no samples to measure")
        parts: list[Tensor] = []
        rows: dict[str, list[Tensor]] = {name: [] for name in names}
        starts = self.team.share(count, self.batch_size)
        what = f"computing the features {', '.join(names)} of {count:,} samples"
        for start in announced(starts, count=len(starts), what=what):
            batch = population.part(start, min(start + self.batch_size, count)).to(self.device)
            check_samples(batch, real=isinstance(population, StoredSamples))
            batch = to_image_range(batch)
            parts.append(batch.cpu())
            for name in names:
                rows[name].append(self.features[name](batch).cpu())
        joined = {name: self.team.gather(several, count) for name, several in rows.items()}
        return self.team.gather(parts, count), joined
