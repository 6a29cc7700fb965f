"""Penalties on the weights of a network, of any player."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.penalties.base import Term, full_precision
from ganzoo.penalties.scene import Scene
from ganzoo.precision import at_least_float32


@defaults_from()
class WeightPenalty(Term):
    """A term on the weights of a network's linear and convolution layers, and on no data.

    A weight is taken as a matrix with one row for each output feature or channel, the flattened
    filter. Where a layer is parametrised (by spectral normalisation), it is the weight that is
    trained, before normalisation.

    Args:
        weight: see :class:`Term`.
        interval: see :class:`Term`.
        player: whose network it is, "discriminator" or "generator".
        layers: names of layers with * and ? as wildcards; ["*"] is all of them.

    Raises:
        InputError: if a number is out of range; later, if a pattern fits no layer.
    """

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        player: str = FROM_CONFIG,
        layers: Sequence[str] = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        self.player = player
        self.layers = [layers] if isinstance(layers, str) else list(layers)

    def attach(self, networks: Mapping[str, nn.Module]) -> None:
        """Refuse patterns that fit no layer before anything is trained."""
        if self.player in networks:
            chosen_weights(networks[self.player], self.layers)

    def forward(self, network: nn.Module) -> Tensor:
        """Compute the term as it enters the loss: a scalar."""
        weights = chosen_weights(network, self.layers)
        with full_precision(weights[0].device):
            return self.weighted(self.value([at_least_float32(weight) for weight in weights]))

    def term(self, scene: Scene) -> Tensor:
        """Compute the term of one update of the game: a scalar."""
        term: Tensor = self(scene.networks[self.player])
        return term

    @abstractmethod
    def value(self, weights: list[Tensor]) -> Tensor:
        """Compute the unweighted value of weights ``[out, in]``: a scalar."""


def chosen_weights(network: nn.Module, patterns: Sequence[str]) -> list[Tensor]:
    """Take the weights, as matrices ``[out, in]``, of the layers whose names fit a pattern.

    Raises:
        InputError: naming the pattern that fits none, and the layers there are.
    """
    layers = dict(weights_of(network))
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
    return chosen


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
