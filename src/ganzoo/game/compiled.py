"""Names of weights that do not tell whether ``torch.compile`` has wrapped a network.

A wrapped network is a module inside another, whose name torch puts into those of its weights.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

_WRAPPER = "_orig_mod."


def leave_wrappers_out(state: MutableMapping[str, Any]) -> None:
    """Give the weights of a state dict the names that they have without a wrapper."""
    if any(_WRAPPER in name for name in state):
        plain = {name.replace(_WRAPPER, ""): value for name, value in state.items()}
        state.clear()
        state.update(plain)


def with_wrappers(state: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A state dict under the names that torch wants, given all of these."""
    wanted = {name.replace(_WRAPPER, ""): name for name in names}
    return {wanted.get(name, name): value for name, value in state.items()}
