"""Models with an encoder among the players."""

from abc import ABC, abstractmethod

from torch import Tensor

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

    def encode(self, data: Tensor) -> Tensor:
        """The likeliest codes ``[B, Z]`` of data ``[B, ...]``."""
        return self.encoder.codes(data)
