"""The networks of a file: their weights by the authors' names, and what else it says of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.checkpoints.trust import is_text
from ganzoo.errors import InputError
from ganzoo.foreign_weights.unpickling import StandIn, StoredTensor

AVERAGED = "ema"
"""Part of the label of a network whose weights are averages."""
SIMPLE = (bool, int, float, str, type(None), torch.dtype)
DEEPEST = 50


class Weights(dict[str, Tensor]):
    """Weights and buffers by the authors' names.

    Raises:
        InputError: naming one that is asked for and missing.
    """

    def __missing__(self, name: str) -> Tensor:
        raise InputError(f"lacks the weight {name!r}")


class Network(NamedTuple):
    """One network.

    Attributes:
        label: What the file calls it; the file's own name where it is alone in it.
        weights: All its weights and buffers.
        attributes: Plain attributes of its modules, ``"b4.mbstd.group_size"``; empty where the file
            has weights alone.
    """

    label: str
    weights: Weights
    attributes: Mapping[str, Any]


class Imported(NamedTuple):
    """What a model of ours is made of, so that it is the authors'.

    Attributes:
        model: Its config.
        dataset: The config of data that it would be trained on.
        settings: Settings of the config by their names.
        states: Of its modules, by their names in the model: weights by our names.
    """

    model: str
    dataset: str
    settings: Mapping[str, Any]
    states: Mapping[str, Mapping[str, Tensor]]


def networks_of(content: Any, label: str) -> list[Network]:
    """The networks in what was read of a file.

    Args:
        content: A module, a state dict, or a dictionary that has some under its keys.
        label: Of a network without a key.
    """
    alone = _network(content, label)
    if alone is not None:
        return [alone]
    entries = content.items() if isinstance(content, dict) else ()
    found = (_network(value, key) for key, value in entries if is_text(key))
    return [network for network in found if network is not None]


def _network(content: Any, label: str) -> Network | None:
    if isinstance(content, StandIn):
        attributes: dict[str, Any] = {}
        weights = Weights(_walk(content, "", attributes))
        return Network(label, weights, attributes) if weights else None
    if not isinstance(content, dict) or not content:
        return None
    if not all(isinstance(k, str) and type(v) is StoredTensor for k, v in content.items()):
        return None
    return Network(label, Weights({name: value.tensor for name, value in content.items()}), {})


def _walk(module: StandIn, prefix: str, attributes: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The weights of a module and of those in it; notes their attributes."""
    if prefix.count(".") > DEEPEST:
        raise InputError(f"has modules nested deeper than {DEEPEST} levels: refused")
    state = {name: value for name, value in module.state.items() if isinstance(name, str)}
    attributes |= {f"{prefix}{k}": v for k, v in state.items() if isinstance(v, SIMPLE)}
    for kind in ("_parameters", "_buffers"):
        for name, value in _entries(state, kind):
            if type(value) is StoredTensor:
                yield f"{prefix}{name}", value.tensor
    for name, value in _entries(state, "_modules"):
        if isinstance(value, StandIn):
            yield from _walk(value, f"{prefix}{name}.", attributes)


def _entries(state: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    entries = state.get(kind, {})
    if isinstance(entries, dict):
        yield from ((name, value) for name, value in entries.items() if isinstance(name, str))


def players_of(
    networks: Sequence[Network], is_generator: Callable[[Network], bool]
) -> dict[str, Network]:
    """Which network is whose: ``generator``, ``averaged`` and, where there is one, the other.

    A single generator is both of the first.

    Raises:
        InputError: if there is no generator, or there are two networks for a player.
    """
    found: dict[str, Network] = {}
    for network in networks:
        player = "discriminator"
        if is_generator(network):
            player = "averaged" if AVERAGED in network.label.lower() else "generator"
        if player in found:
            both = f"{found[player].label} and {network.label}"
            raise InputError(f"has two networks of one kind: {both}")
        found[player] = network
    generators = [found[name] for name in ("generator", "averaged") if name in found]
    if not generators:
        raise InputError("has no generator")
    return {"generator": generators[0], "averaged": generators[-1]} | found


def one_number(name: str, values: Iterable[int]) -> int:
    """The number that all of some are.

    Raises:
        InputError: if they differ.
    """
    found = sorted(set(values))
    if len(found) != 1:
        raise InputError(f"has a network whose {name} differs from place to place: {found}")
    return found[0]
