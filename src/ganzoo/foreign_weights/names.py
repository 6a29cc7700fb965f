"""From the names that authors give to weights to ours."""

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from ganzoo.checkpoints.trust import LONGEST_NAME
from ganzoo.errors import InputError

Table = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Rows of a pattern that all of an authors' name matches, and our name for it."""


def our_name(name: str, table: Table) -> str:
    """Our name for a parameter or buffer, from that of the authors.

    Raises:
        InputError: if the table has no row for it.
    """
    for pattern, ours in table:
        match = re.fullmatch(pattern, name)
        if match:
            return ours(match) if callable(ours) else match.expand(ours)
    raise InputError(f"has a weight {name[:LONGEST_NAME]!r} that the network here has not")


def translated(
    weights: Mapping[str, Tensor], table: Table, without: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Weights by our names.

    Args:
        weights: By the authors' names.
        table: Of the names.
        without: Endings of what ours has no weights or buffers for.

    Raises:
        InputError: if the table has no row for one.
    """
    return {
        our_name(name, table): value
        for name, value in weights.items()
        if not name.endswith(without)
    }
