"""Pictures of two domains, a and b, paired or not: what translation from one to the other needs.

Batches are dictionaries of uint8 pictures ``{"a": [B, C, H, W], "b": [B, C', H, W]}``. They have no
labels.
"""

from abc import abstractmethod

import torch
from torch import Tensor

from ganzoo.data.plan import ProcessShare, Purpose, seeded
from ganzoo.data.source import Batches, Drawn, Source
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole

Pictures = dict[str, Tensor]
"""Pictures ``[B, C, H, W]`` of each domain, under its name."""


class Domains(Source):
    """What data sets of two domains share.

    Attributes:
        shapes: Shape ``(C, H, W)`` of a picture of each domain, under its name.
        shape: That of the second, which is mostly what is generated.
        paired: Whether a picture of one belongs to the one beside it of the other.
    """

    shapes: dict[str, tuple[int, ...]]
    paired = False

    @abstractmethod
    def sources(self) -> list[Source]:
        """What the pictures come from."""

    def prepare(self) -> None:
        """Prepare both domains."""
        for source in self.sources():
            source.prepare()

    def setup(self, *, memory_limit: int) -> None:
        """Load both domains, each up to the limit."""
        for source in self.sources():
            source.setup(memory_limit=memory_limit)
        self.in_memory = all(source.in_memory for source in self.sources())


@defaults_from("dataset/digits_edges")
class PairedDomains(Domains):
    """Pictures that belong together: each pair is cut and mirrored as one.

    Args:
        source: Pictures of both domains one behind the other in their channels, a before b.
        channels_a: How many of the channels are a's.

    Raises:
        InputError: if there are no more channels than a's.
    """

    paired = True

    def __init__(self, *, source: Source = FROM_CONFIG, channels_a: int = FROM_CONFIG) -> None:
        check_whole(channels_a=channels_a)
        channels, *size = source.shape
        if channels_a >= channels:
            raise InputError(f"channels_a={channels_a} of {channels} leaves none for domain b")
        self.source, self._channels_a = source, channels_a
        self.shapes = {"a": (channels_a, *size), "b": (channels - channels_a, *size)}
        self.shape = self.shapes["b"]

    def sources(self) -> list[Source]:
        """The one source of both."""
        return [self.source]

    @property
    def size(self) -> int | None:
        """Number of pairs."""
        return self.source.size

    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process, each pass over the pairs in a new order."""
        joint = self.source.batches(shares=shares, seed=seed, horizontal_flip=horizontal_flip)
        return _Split(joint, self._channels_a)

    def real(self, count: int, seed: int) -> Drawn:
        """Choose pairs, all different while ``count`` is at most their number."""
        return _split(self.source.real(count, seed)[0], self._channels_a), None

    def held_out(self) -> "PairedDomains | None":
        """Return the held-out pairs, where there are any."""
        found = self.source.held_out()
        if found is None:
            return None
        return PairedDomains(source=found, channels_a=self._channels_a)


@defaults_from("dataset/digits_negatives")
class UnpairedDomains(Domains):
    """Pictures of which none of one domain belongs to one of the other.

    Each domain comes in passes of its own, in random orders that do not depend on one another's.
    The larger decides how long an epoch is, so that the smaller is seen more than once in it.
    Departure from CycleGAN's code (Zhu et al. 2017, arXiv 1703.10593), where the second domain is
    drawn with replacement: here pictures of neither are seen more often than others.

    Args:
        a: Pictures of one domain.
        b: Pictures of the other, as high and as wide.

    Raises:
        InputError: if their sizes differ.
    """

    def __init__(self, *, a: Source = FROM_CONFIG, b: Source = FROM_CONFIG) -> None:
        if a.shape[1:] != b.shape[1:]:
            raise InputError(
                f"pictures of both domains must have one size, not {list(a.shape[1:])} and "
                f"{list(b.shape[1:])}"
            )
        self.a, self.b = a, b
        self.shapes = {"a": a.shape, "b": b.shape}
        self.shape = b.shape

    def sources(self) -> list[Source]:
        """Those of both domains."""
        return [self.a, self.b]

    @property
    def size(self) -> int | None:
        """Number of pictures in the larger domain; None where one draws fresh samples."""
        sizes = [source.size for source in self.sources()]
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None

    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process, each domain in passes of its own."""
        return _BatchesOfBoth(
            {
                name: source.batches(
                    shares=shares, seed=domain_seed, horizontal_flip=horizontal_flip
                )
                for name, source, domain_seed in self._seeded(seed)
            }
        )

    def real(self, count: int, seed: int) -> Drawn:
        """Choose as many pictures of each, all different: at most what the smaller domain has."""
        sizes = [source.size for source in self.sources()]
        least = min([count, *(size for size in sizes if size is not None)])
        drawn = {name: source.real(least, own)[0] for name, source, own in self._seeded(seed)}
        return drawn, None

    def held_out(self) -> "UnpairedDomains | None":
        """Return the held-out pictures, where both domains have some."""
        a, b = (source.held_out() for source in self.sources())
        return None if a is None or b is None else UnpairedDomains(a=a, b=b)

    def _seeded(self, seed: int) -> list[tuple[str, Source, int]]:
        """The domains with their names and a seed for each."""
        other = seeded(seed, Purpose.DOMAIN).initial_seed()
        return [("a", self.a, seed), ("b", self.b, other)]


class _Split:
    """Batches of pairs that lie in the channels of others."""

    def __init__(self, batches: Batches, channels_a: int) -> None:
        self._batches, self._channels_a = batches, channels_a

    def __getitem__(self, iteration: int) -> Drawn:
        return _split(self._batches[iteration][0], self._channels_a), None


class _BatchesOfBoth:
    """Batches of two domains beside one another."""

    def __init__(self, domains: dict[str, Batches]) -> None:
        self._domains = domains

    def __getitem__(self, iteration: int) -> Drawn:
        return {name: batches[iteration][0] for name, batches in self._domains.items()}, None


def _split(images: Tensor, channels_a: int) -> Pictures:
    rest = images.shape[1] - channels_a
    a, b = torch.split(images, [channels_a, rest], dim=1)
    return {"a": a.contiguous(), "b": b.contiguous()}
