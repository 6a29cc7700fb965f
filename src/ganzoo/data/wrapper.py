"""Sources that change what another one gives."""

import copy
from typing import TypeVar

from ganzoo.data.source import Collection, Source

Kind = TypeVar("Kind", bound="Wrapper")


class Wrapper(Source):
    """What sources share whose pictures come from a collection, as many and with its labels.

    Attributes:
        source: The collection.
    """

    source: Collection

    def prepare(self) -> None:
        """Prepare the collection."""
        self.source.prepare()

    def setup(self, *, memory_limit: int) -> None:
        """Load the collection."""
        self.source.setup(memory_limit=memory_limit)
        self.num_classes, self.class_names = self.source.num_classes, self.source.class_names
        self.in_memory = self.source.in_memory

    @property
    def size(self) -> int | None:
        """Number of pictures."""
        return self.source.size

    def held_out(self: Kind) -> Kind | None:
        """Return the same of the collection's held-out pictures, where there are any."""
        found = self.source.held_out()
        if not isinstance(found, Collection):
            return None
        other = copy.copy(self)
        other.source = found
        return other
