"""Models that make data again from their codes."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, described
from ganzoo.game.evaluating import evaluating
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.metrics.real_data import RealData
from ganzoo.networks.encoders import CodeNetwork
from ganzoo.sampling.data import DataReader
from ganzoo.sampling.evaluable import ProcessedSamples, inputs_from, protocol_of
from ganzoo.sampling.latents import LatentSampler


@runtime_checkable
class Reconstructs(Protocol):
    """A model that makes data again."""

    def reconstruct(self, data: Tensor, *, averaged: bool = True, batch_size: int = 256) -> Tensor:
        """Make data ``[N, ...]`` again, in evaluation mode: float32 ``[N, ...]``."""


class Autoencoder(DataReader):
    """The part of a model that makes nothing but data again.

    Evaluation compares the reconstructions of held-out samples with those of training: the FID
    against the training set that Esser et al. (2021, arXiv 2012.09841) report of reconstructions.
    Where nothing is held out, samples of training are reconstructed.
    """

    @abstractmethod
    def reconstruct(self, data: Tensor, *, averaged: bool = True, batch_size: int = 256) -> Tensor:
        """Make data ``[N, ...]`` again, in evaluation mode: float32 ``[N, ...]``."""

    def reference_data(self, data: RealData) -> RealData:
        """All of the data."""
        return data

    def evaluation_samples(
        self, data: RealData, *, count: int, real_labels: Tensor | None, seed: int
    ) -> ProcessedSamples:
        """Reconstructions.

        Raises:
            InputError: if there are too few data.
        """
        originals, which = inputs_from(data, count, seed)
        return ProcessedSamples(
            originals, self.reconstruct, protocol_of(self, f"reconstructions of {which}")
        )


class Reconstructor(LatentSampler):
    """The part of a model that has an encoder, a player of its own.

    Attributes:
        encoder: Network from data to codes, see :mod:`ganzoo.networks.encoders`.
    """

    encoder: CodeNetwork

    def encoder_player(self, losses: Callable[[Any], LossTerms], **how: Any) -> Player:
        """The encoder as a player, with one step in each iteration."""
        return Player("encoder", self.encoder, losses, **how)

    def encoders(self) -> Mapping[str, Callable[[Tensor], Any]]:
        """The encoder, to be tried on the first batch."""
        return {"encoder": self.encode}

    def encode(self, data: Tensor) -> Tensor:
        """The likeliest codes ``[B, Z]`` of data ``[B, ...]``."""
        return self.encoder.codes(data)

    @torch.no_grad()
    def reconstruct(self, data: Tensor, *, averaged: bool = True, batch_size: int = 256) -> Tensor:
        """Make data again from their likeliest codes, in evaluation mode.

        Args:
            data: ``[N, ...]``.
            averaged: Whether by the moving average of the generator where there is one.
            batch_size: Samples computed at once.

        Returns:
            float32 ``[N, ...]``.
        """
        with evaluating(self.encoder):
            parts = torch.split(data.to(self.device, self.weights_type), batch_size)
            codes = torch.cat([self.encode(part) for part in parts])
        return self.decode(codes, None, averaged=averaged, batch_size=batch_size)


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
