"""Networks that are given the label beside their usual input.

Mirza and Osindero 2014 (arXiv 1411.1784), figure 1. Any unconditional network becomes conditional:
the wrapper builds it with room for a code of the label in its input. Departure: the paper maps
latents and labels by a hidden layer each before they are joined; here they are joined at the input.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.joining import with_vectors
from ganzoo.networks.label_codes import LabelCode
from ganzoo.networks.shapes import check_batch, check_shape


class LabelCodeGenerator(nn.Module):
    """A generator of latents with codes of the labels appended.

    Args:
        network: builds the generator when called with latent_dim; all else is bound already.
        latent_dim: Z, without the label.
        label_code: maps labels [B] to [B, W].

    Raises:
        InputError: if the generator has a style space, whose mapping network takes labels itself.
    """

    def __init__(
        self, *, network: Callable[..., nn.Module], latent_dim: int, label_code: LabelCode
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim)
        self.num_classes = label_code.num_classes
        self.latent_dim = latent_dim
        self.label_code = label_code
        self.network = network(latent_dim=latent_dim + label_code.width)
        if hasattr(self.network, "mapping"):
            raise InputError(
                f"{type(self.network).__name__} takes labels in its mapping network: choose "
                "network.conditioning=mapping"
            )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents [B, Z] and labels [B] to points [B, D] or images [B, C, H, W].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_batch(self, latents, (self.latent_dim,))
        data: Tensor = self.network(with_vectors(latents, self.label_code(labels)))
        return data


class LabelCodeDiscriminator(nn.Module):
    """A discriminator of points with codes as features, or images with codes as constant maps.

    Args:
        network: builds the discriminator when called with shape; all else is bound already.
        shape: [D] or [C, H, W], without the label.
        label_code: maps labels [B] to [B, W].
    """

    def __init__(
        self, *, network: Callable[..., nn.Module], shape: Sequence[int], label_code: LabelCode
    ) -> None:
        super().__init__()
        check_shape(self, shape)
        self.num_classes = label_code.num_classes
        self.shape = tuple(shape)
        self.label_code = label_code
        self.network = network(shape=[shape[0] + label_code.width, *shape[1:]])

    def forward(self, data: Tensor, labels: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] and labels [B] to logits [B].

        A network of several outputs gives [B, outputs].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_batch(self, data, self.shape)
        logits: Tensor = self.network(with_vectors(data, self.label_code(labels)))
        return logits
