"""Parts of a model that stay as they are while the rest is trained."""

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import LightningModule
from torch import nn
from typing_extensions import Self

from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.networks.input_layers import input_layers


class PartlyFrozen(LightningModule):
    """The part of a model that can freeze the first layers of its discriminators.

    Mo, Cho and Shin (2020), "Freeze the Discriminator" (Freeze-D, arXiv 2002.10964): layers near
    the data see what many data have in common, and a discriminator that was trained on others
    keeps them.

    Their weights take no gradients, and they stay in evaluation mode, so that what is no weight
    does not move either: running statistics of batch normalisation, which then normalise, and the
    power iteration of spectral normalisation, whose norm stays that of the weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frozen: list[nn.Module] = []

    def freeze_first_layers(self, players: Sequence[Player], count: int) -> None:
        """Freeze so many layers, from the data on, of each player that is a discriminator.

        Raises:
            InputError: if there is none, or it does not have as many beside its last one.
        """
        judges = [player for player in players if player.role == "discriminator"]
        if not judges:
            raise InputError(
                "this model has no discriminator: leave freeze_discriminator_layers out"
            )
        for player in judges:
            for network in player.modules:
                layers = input_layers(network)
                if count > len(layers):
                    raise InputError(
                        f"the {player.name} has {len(layers)} layers that can be frozen: set "
                        f"freeze_discriminator_layers to at most that, not {count}"
                    )
                self._frozen += [part for layer in layers[:count] for part in layer]
        for part in self._frozen:
            part.requires_grad_(False)
        for player in players:
            player.find_parameters()
        self.train(self.training)

    def frozen_names(self) -> list[str]:
        """The beginnings of the names of frozen weights."""
        return [f"{name}." for name, module in self.named_modules() if module in self._frozen]

    def train(self, mode: bool = True) -> Self:
        """Choose training or evaluation mode, the latter for what is frozen."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def unfreeze(self) -> Any:
        """Train all of the model again."""
        self._frozen = []
        return super().unfreeze()
