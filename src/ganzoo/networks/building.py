"""Networks that are given as they are, or as functions that build them."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from torch import nn

from ganzoo.errors import InputError, described


def built(name: str, network: nn.Module | Callable[..., nn.Module], **how: Any) -> nn.Module:
    """Take a network as it is, or build it.

    Args:
        name: Of the argument that it was given as.
        network: The network, or a function that builds it.
        how: What the function is called with.

    Raises:
        InputError: if it is neither, or the function builds something else.
    """
    if isinstance(network, nn.Module):
        return network
    made = network(**how) if callable(network) and not isinstance(network, type) else None
    if not isinstance(made, nn.Module):
        raise InputError(
            f"{name} must be a torch.nn.Module, or a function that builds one from "
            f"{' and '.join(how)}; it is {described(network)}"
        )
    return made


def takes_argument(network: Callable[..., nn.Module], argument: str) -> bool:
    """Tell whether a function that builds a network can be called with an argument of a name."""
    return argument in signature(network).parameters
