"""Pickling of modules whose weights are parametrised, which torch leaves to state dicts."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize


def let_be_pickled(model: nn.Module) -> None:
    """Let every parametrised module inside (spectral normalisation) be pickled.

    torch gives each such module a class of its own, which cannot be found by its name when it is
    unpickled. Here it is found by the class that it had before.
    """
    for module in model.modules():
        if parametrize.is_parametrized(module):
            type(module).__reduce_ex__ = _reduce  # type: ignore[method-assign, assignment]


Reduced = tuple[Callable[..., nn.Module], tuple[Any, ...], dict[str, Any], None, None, Any]


def _reduce(module: nn.Module, protocol: int) -> Reduced:
    kind = parametrize.type_before_parametrizations(module)
    return _bare, (kind,), dict(module.__dict__), None, None, _fill


def _bare(kind: type[nn.Module]) -> nn.Module:
    return kind.__new__(kind)


def _fill(module: nn.Module, state: dict[str, Any]) -> None:
    """Give a bare module its state, and the properties that its parametrisations stand for."""
    module.__setstate__(state)  # type: ignore[no-untyped-call]
    whole = module._modules.pop("parametrizations")
    assert isinstance(whole, nn.ModuleDict)
    for name in whole:
        module.register_parameter(name, nn.Parameter(torch.empty(0)))
        parametrize.register_parametrization(module, name, nn.Identity(), unsafe=True)
    module._modules["parametrizations"] = whole
    let_be_pickled(module)
