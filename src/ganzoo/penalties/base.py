"""What every penalty offers to the game: whose it is, when it is due, and its term."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.penalties.scene import Discriminator, Scene, constant

__all__ = ["Discriminator", "GamePenalty", "Penalty", "Regularizer", "Term"]


class Regularizer(nn.Module, ABC):
    """What can be chosen as a penalty: a term of one player's objective, or a constraint on it.

    Attributes:
        player: Name of the player whose objective or weights it acts on.
    """

    player: str

    def attach(self, networks: Mapping[str, nn.Module]) -> None:
        """Make ready for the players' networks, once, when the game is built."""

    @abstractmethod
    def due(self, update: int) -> bool:
        """Tell whether its term belongs to the player's update of this number, from 0."""

    @abstractmethod
    def term(self, scene: Scene) -> Tensor:
        """Compute the term as it enters the player's loss: a scalar."""

    def project(self, parameters: Sequence[nn.Parameter]) -> None:
        """Move the player's parameters to where they may be, after each of its updates."""


@defaults_from()
class Term(Regularizer):
    """A term that is added to a player's loss in every ``interval``-th of its updates.

    Lazy regularisation is that of Karras et al. (2020, arXiv:1912.04958), appendix B: a term
    that is computed in one update of ``interval`` is multiplied by ``interval``, which leaves its
    average share of the gradient as it was. Departure: the optimizer's learning rate and decay
    rates are not rescaled.

    Everything is computed in float32 (float64 stays as it is) with autocast off, the forward of
    the networks included, because squares of gradients leave the range of half precision. The
    gradients by the data are taken of plain logits, before any scaling of the loss.

    A penalty that keeps running statistics registers them as buffers: they follow the model to
    its device and into its checkpoints. Where the data of an update passes through the networks
    in parts, they move once for each part.

    Args:
        weight: factor of the term, at least 0.
        interval: the term is due in every interval-th update of its player; 1 is always.

    Raises:
        InputError: if weight is negative or not finite, or interval is not a whole number from 1.
    """

    def __init__(self, *, weight: float = FROM_CONFIG, interval: int = FROM_CONFIG) -> None:
        super().__init__()
        check_not_negative(weight=weight)
        check_whole(interval=interval)
        self.weight = weight
        self.interval = interval

    def due(self, update: int) -> bool:
        """Tell whether the term belongs to the player's update of this number, from 0."""
        return update % self.interval == 0

    def weighted(self, value: Tensor) -> Tensor:
        """Multiply a value by the weight and by the interval."""
        return self.weight * self.interval * value


class Penalty(Term):
    """A term of the discriminator's loss on its outputs for real, generated or other data.

    Args:
        weight: see :class:`Term`.
        interval: see :class:`Term`.

    Attributes:
        looks_at_fake: Whether generated data have a part in its value.
    """

    player = "discriminator"
    looks_at_fake: ClassVar[bool] = True

    def forward(
        self, discriminator: Discriminator, real: Tensor, fake: Tensor | None = None
    ) -> Tensor:
        """Compute the term as it enters the loss.

        Args:
            discriminator: data ``[B, ...]`` to logits ``[B]``.
            real: real data ``[B, ...]``.
            fake: generated data ``[B', ...]``; no gradient flows to the generator. Those that
                look at real data alone do without.

        Returns:
            A scalar: the value, times the weight, times the interval.

        Raises:
            InputError: if generated data are needed and missing.
        """
        if fake is None:
            fake = self._no_fake(real)
        with full_precision(real.device):
            return self.weighted(self.value(discriminator, constant(real), constant(fake)))

    def term(self, scene: Scene) -> Tensor:
        """Compute the term of one update of the game: a scalar."""
        term: Tensor = self(scene.discriminator, scene.real, scene.fake)
        return term

    @abstractmethod
    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Compute the mean over the batch, unweighted, of detached float32 data: a scalar."""

    def _no_fake(self, real: Tensor) -> Tensor:
        if self.looks_at_fake:
            name = type(self).__name__
            raise InputError(
                f"{name} looks at generated data: call it as (discriminator, real, fake)"
            )
        return real[:0]


class GamePenalty(Term):
    """A term that needs more of the game than the discriminator: its generator, or a network.

    It is the term of one player, named by its attribute ``player``. While that player updates,
    the parameters of the others are frozen, so that a gradient reaches the player's alone.

    Args:
        weight: see :class:`Term`.
        interval: see :class:`Term`.
    """

    def forward(self, scene: Scene) -> Tensor:
        """Compute the term as it enters the loss: the value, times weight and interval."""
        with full_precision(scene.real.device):
            return self.weighted(self.value(scene.constant()))

    def term(self, scene: Scene) -> Tensor:
        """Compute the term of one update of the game: a scalar."""
        term: Tensor = self(scene)
        return term

    @abstractmethod
    def value(self, scene: Scene) -> Tensor:
        """Compute the unweighted value, given detached float32 data: a scalar."""


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute with gradients and without autocast."""
    with torch.enable_grad(), torch.autocast(device_type=device.type, enabled=False):
        yield
