"""What parts of a user's own must have, said when a model is built."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import InputError, described
from ganzoo.optim.base import UpdateRule


def check_kind(name: str, value: Any, kind: type, wanted: str) -> None:
    """Refuse an object of another kind, and a class in place of an object.

    Args:
        name: Of the argument.
        value: What was given.
        kind: The class that it must have.
        wanted: What that is, in words.

    Raises:
        InputError: naming the argument, what is wanted and what was given.
    """
    if not isinstance(value, kind):
        raise InputError(f"{name} must be {wanted}; it is {described(value)}")


def check_parts(generator: Any, latent_prior: Any, optimizers: Any, updates: Any) -> None:
    """Refuse parts that no game can be played with.

    Args:
        generator: A network.
        latent_prior: See :class:`~ganzoo.models.sampling.LatentPrior`.
        optimizers: For each player's name, a function from parameters to an optimizer.
        updates: An update rule.

    Raises:
        InputError: naming the part, and what it must be.
    """
    check_kind("generator", generator, nn.Module, "a torch.nn.Module")
    check_kind("updates", updates, UpdateRule, "an update rule of ganzoo.optim")
    _check_prior(latent_prior)
    check_kind("optimizers", optimizers, Mapping, "a dictionary from players' names to functions")
    check_functions(**{f"optimizers[{name!r}]": made for name, made in optimizers.items()})


def check_functions(**functions: Any) -> None:
    """Refuse what was made already, where a function that makes it is needed, or None.

    Raises:
        InputError: naming the first such argument.
    """
    for name, value in functions.items():
        made = isinstance(value, nn.Module | Optimizer)
        if value is not None and (made or not callable(value)):
            raise InputError(
                f"{name} must be a function, which the model calls with what it has, such as "
                f"functools.partial(SomeClass, setting=value); it is {described(value)}"
            )


def _check_prior(prior: Any) -> None:
    try:
        arguments = {"generator": None, "device": None, "truncation": None}
        inspect.signature(prior.sample).bind(1, **arguments)
        fits = isinstance(prior.latent_dim, int) and not isinstance(prior, type)
    except (AttributeError, TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError(
            "latent_prior must have a whole number latent_dim and sample(count, *, "
            "generator=None, device=None, truncation=None), which draws latents [count, "
            f"latent_dim]; it is {described(prior)}"
        )
