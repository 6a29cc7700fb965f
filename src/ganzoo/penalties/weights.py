"""Penalties on the weights of a network, of any player."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32


@defaults_from()
class WeightPenalty(Penalty):
    """A term on the weights of a network's linear and convolution layers, and on no data.

    A weight is taken as a matrix with one row for each output feature or channel, the flattened
    filter. Where a layer is parametrised (by spectral normalisation) or its learning rate is
    equalised, it is the weight that is trained, before anything is done to it.

    Args:
        layers: names of layers with * and ? as wildcards; ["*"] is all of them.
        term: see :class:`~ganzoo.penalties.base.Penalty`.

    Raises:
        InputError: if a number is out of range; later, if a pattern fits no layer.
    """

    role = ""

    def __init__(self, *, layers: Sequence[str] = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        self.layers = [layers] if isinstance(layers, str) else list(layers)

    def attach(self, modules: Sequence[nn.Module]) -> None:
        """Refuse patterns that fit no layer before anything is trained."""
        chosen_weights(modules, self.layers)

    def value(self, context: Context) -> Tensor:
        """Compute the unweighted value of the player's weights: a scalar."""
        return self.value_of(chosen_weights(context.player.modules, self.layers))

    @abstractmethod
    def value_of(self, weights: list[Tensor]) -> Tensor:
        """Compute the unweighted value of weights ``[out, in]``: a scalar."""


def chosen_weights(modules: Sequence[nn.Module], patterns: Sequence[str]) -> list[Tensor]:
    """Take the weights ``[out, in]``, in float32 or better, of layers whose names fit a pattern.

    Raises:
        InputError: naming the pattern that fits none, and the layers there are.
    """
    layers = dict(pair for module in modules for pair in weights_of(module))
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in layers):
            known = ", ".join(layers) or "none"
            raise InputError(f"no layer is named {pattern!r}: the network's layers are {known}")
    chosen = [
        weight
        for name, weight in layers.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
    if not chosen:
        raise InputError("name at least one layer: layers=['*'] is all of them")
    return [at_least_float32(weight) for weight in chosen]


def weights_of(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Go through the linear and convolution layers: their names and weights ``[out, in]``."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | _ConvNd):
            weight = _trained(module)
            rows = weight.transpose(0, 1) if isinstance(module, _ConvTransposeNd) else weight
            yield name or type(module).__name__, rows.flatten(start_dim=1)


def _trained(module: nn.Module) -> Tensor:
    if is_parametrized(module, "weight"):
        return module.parametrizations.weight.original  # type: ignore[union-attr,return-value]
    return module.weight  # type: ignore[return-value]
