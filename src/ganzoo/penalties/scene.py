"""What a penalty may look at in one update of the game."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from ganzoo.precision import at_least_float32

Discriminator = Callable[[Tensor], Tensor]
"""Data ``[B, ...]`` to logits ``[B]``; labels, if there are any, are closed over."""

Generator = Callable[[Tensor], Tensor]
"""Latents ``[B, Z]`` to data ``[B, ...]``; labels, if there are any, are closed over."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The players as functions and as networks, and the data of one update.

    Attributes:
        networks: Each player's network, by the player's name.
        discriminator: The discriminator as a function.
        generator: The generator as a function to what the discriminator sees of its data.
        latents: From a number to the fresh latents that make as many inputs of the discriminator.
        real: Real data ``[B, ...]`` as the discriminator sees it.
        fake: Generated data ``[B', ...]`` as the discriminator sees it.
    """

    networks: Mapping[str, nn.Module]
    discriminator: Discriminator
    generator: Generator
    latents: Callable[[int], Tensor]
    real: Tensor
    fake: Tensor

    @classmethod
    def of(
        cls,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        latents: Callable[[int], Tensor],
        real: Tensor,
        fake: Tensor,
    ) -> "Scene":
        """The scene of two networks, for a penalty in a training step of one's own."""
        return cls(
            networks={"generator": generator, "discriminator": discriminator},
            discriminator=discriminator,
            generator=generator,
            latents=latents,
            real=real,
            fake=fake,
        )

    def constant(self) -> "Scene":
        """The same with data that no gradient flows through, in float32 or better."""
        return replace(self, real=constant(self.real), fake=constant(self.fake))


def constant(data: Tensor) -> Tensor:
    """Data that no gradient flows through, in float32 or better."""
    return at_least_float32(data.detach())
