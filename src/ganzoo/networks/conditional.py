"""Networks that are given the label beside their usual input.

Mirza and Osindero 2014 (arXiv 1411.1784), figure 1. Any unconditional network becomes conditional:
the wrapper builds it with room for a one-hot label in its input. Departure: the paper maps latents
and labels by a hidden layer each before they are joined; here they are joined at the input.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.shapes import check_batch, check_shape


class LabelConcatGenerator(nn.Module):
    """A generator of latents with one-hot labels appended.

    Args:
        network: builds the generator when called with latent_dim; all else is bound already.
        latent_dim: Z, without the label.
        num_classes: K.

    Raises:
        InputError: if num_classes is None (data without labels) or not positive.
    """

    def __init__(
        self, *, network: Callable[..., nn.Module], latent_dim: int, num_classes: int | None
    ) -> None:
        super().__init__()
        self.num_classes = _known_classes(num_classes)
        check_whole(latent_dim=latent_dim)
        self.latent_dim = latent_dim
        self.network = network(latent_dim=latent_dim + self.num_classes)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents [B, Z] and labels [B] to points [B, D] or images [B, C, H, W].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_batch(self, latents, (self.latent_dim,))
        classes = one_hot(labels, self.num_classes).to(latents.dtype)
        data: Tensor = self.network(torch.cat([latents, classes], dim=1))
        return data


class LabelConcatDiscriminator(nn.Module):
    """A discriminator of points with one-hot features, or images with one-hot constant maps.

    Args:
        network: builds the discriminator when called with shape; all else is bound already.
        shape: [D] or [C, H, W], without the label.
        num_classes: K.

    Raises:
        InputError: if num_classes is None (data without labels) or not positive.
    """

    def __init__(
        self, *, network: Callable[..., nn.Module], shape: Sequence[int], num_classes: int | None
    ) -> None:
        super().__init__()
        self.num_classes = _known_classes(num_classes)
        check_shape(self, shape)
        self.shape = tuple(shape)
        self.network = network(shape=[shape[0] + self.num_classes, *shape[1:]])

    def forward(self, data: Tensor, labels: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] and labels [B] to logits [B].

        A network of several outputs gives [B, outputs].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_batch(self, data, self.shape)
        classes = one_hot(labels, self.num_classes).to(data.dtype)
        maps = classes.view(*classes.shape, *[1] * (data.dim() - 2)).expand(-1, -1, *data.shape[2:])
        logits: Tensor = self.network(torch.cat([data, maps], dim=1))
        return logits


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Return int64 [B, K] that is one at each label and zero elsewhere.

    Labels on an accelerator are not looked at here, which would make the host wait for it.

    Raises:
        InputError: naming the first label outside 0 to K - 1.
    """
    if labels.device.type == "cpu" and not torch.compiler.is_compiling():
        wrong = labels[(labels < 0) | (labels >= num_classes)]
        if len(wrong):
            raise InputError(
                f"label {wrong[0].item()} is out of range:"
                f" {num_classes} classes have labels 0 to {num_classes - 1}"
            )
    return nn.functional.one_hot(labels, num_classes)


def _known_classes(num_classes: int | None) -> int:
    if num_classes is None:
        raise InputError(
            "a conditional model needs labelled data, and this data set has no labels:"
            " choose a labelled dataset or an unconditional model"
        )
    check_whole(num_classes=num_classes)
    return num_classes
