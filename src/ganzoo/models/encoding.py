"""Models with an encoder among the players."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ganzoo.errors import InputError, described
from ganzoo.models.player import Player, Share, Terms
from ganzoo.networks.encoders import CodeNetwork


class Encoding(ABC):
    """The part of a model that has an encoder, a player of its own.

    Attributes:
        encoder: Network from data to codes, see :mod:`ganzoo.networks.encoders`.
    """

    encoder: CodeNetwork

    @abstractmethod
    def encoder_objective(self, share: Share) -> Terms:
        """What the encoder minimises."""

    def encoder_player(self) -> Player:
        """The encoder as a player, with one update in each iteration."""
        return Player(
            name="encoder", network=self.encoder, objective=self.encoder_objective, steps=1
        )

    def other_networks(self) -> Mapping[str, Callable[[Tensor], Any]]:
        """The encoder, to be tried on the first batch."""
        return {"encoder": self.encode}

    def encode(self, data: Tensor) -> Tensor:
        """The likeliest codes ``[B, Z]`` of data ``[B, ...]``."""
        return self.encoder.codes(data)


def checked_encoder(encoder: Any, kind: type[CodeNetwork]) -> Any:
    """The encoder, if it is a network with ``codes``.

    Args:
        encoder: What was given.
        kind: What makes an encoder of another network.

    Raises:
        InputError: saying how to make one.
    """
    if not isinstance(encoder, nn.Module) or not hasattr(encoder, "codes"):
        raise InputError(
            "encoder must be a network with codes(data), as ganzoo.networks.encoders."
            f"{kind.__name__}(network=lambda outputs: network, latent_dim=Z) makes one of any; "
            f"it is {described(encoder)}"
        )
    return encoder
