"""What the parts of an augmentation pipe offer to it."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Transform(nn.Module, ABC):
    """Random transforms of images, each of which is chosen with a probability of its own."""

    @abstractmethod
    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Change images.

        Args:
            images: ``[B, C, H, W]`` in float32 or better.
            probability: That of the pipe, a number in [0, 1], which each transform multiplies by
                one of its own.

        Returns:
            As many images of the same size.
        """
