"""Samples and their features, a batch at a time, by one process or by several together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.processes import batch_starts, broadcast, gather, rank, world_size
from ganzoo.metrics.progress import with_progress
from ganzoo.metrics.sample_batches import SampleBatches, TensorSamples
from ganzoo.metrics.samples import check_samples


@dataclass(frozen=True)
class FeatureExtraction:
    """Computes samples and their features; every process must call every method.

    Attributes:
        extractors: Extractors by name.
        batch_size: Samples that are made and go through an extractor at once.
        device: Where that happens.
    """

    extractors: Mapping[str, FeatureExtractor]
    batch_size: int
    device: torch.device | str

    def prepare(self) -> None:
        """Let extractors do what takes long, the first process before the others.

        Raises:
            InputError: if an extractor cannot be had.
        """
        for extractor in self.extractors.values():
            extractor.to(self.device)
            if rank() == 0:
                extractor.prepare()
            broadcast(None)
            extractor.prepare()

    def generated(self, batches: SampleBatches) -> dict[str, SampleSet]:
        """Generated samples with their features, under each extractor's name.

        Raises:
            InputError: if there are none, they are not finite, or an extractor cannot take them.
        """
        samples, features = self._compute(batches, list(self.extractors), real=False)
        return {
            name: SampleSet(samples, batches.labels, features[name], extractor)
            for name, extractor in self.extractors.items()
        }

    def real(self, real: TensorSamples, cache: FeatureCache) -> dict[str, SampleSet]:
        """Real samples likewise, with features from a cache; what it lacks is added to it.

        Raises:
            InputError: as by :meth:`generated`, or if the cache cannot be written.
        """
        return {
            name: SampleSet(real.samples, real.labels, self._cached(real, name, cache), extractor)
            for name, extractor in self.extractors.items()
        }

    def _cached(self, real: TensorSamples, name: str, cache: FeatureCache) -> Tensor:
        key = cache.key(real.samples, self.extractors[name].fingerprint())
        found = broadcast(cache.read(key) if rank() == 0 else None)
        if found is not None and len(found) == len(real):
            return found
        computed = self._compute(real, [name], real=True)[1][name]
        if rank() == 0:
            cache.write(key, computed)
        return computed

    @torch.no_grad()
    def _compute(
        self, batches: SampleBatches, names: Sequence[str], *, real: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """All samples ``[N, ...]``, and the features ``[N, F]`` by some of the extractors."""
        count = len(batches)
        if not count:
            raise InputError("there are no samples to measure")
        starts = batch_starts(count, self.batch_size, rank=rank(), world_size=world_size())
        work = f"computing the features {', '.join(names)} of {count:,} samples"
        samples: list[Tensor] = []
        features: dict[str, list[Tensor]] = {name: [] for name in names}
        for start in with_progress(starts, count=len(starts), work=work):
            batch = batches.batch(start, min(start + self.batch_size, count)).to(self.device)
            check_samples(batch, real=real)
            batch = to_image_range(batch)
            samples.append(batch.cpu())
            for name in names:
                features[name].append(self.extractors[name](batch).cpu())
        joined = {name: gather(torch.cat(rows))[:count] for name, rows in features.items()}
        return gather(torch.cat(samples))[:count], joined
