"""The networks of R3GAN: residual blocks without normalisation, and a filter between sizes."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.label_codes import one_hot
from ganzoo.networks.r3gan_blocks import (
    Convolution,
    Down,
    Up,
    block_stages,
    each_size,
    normal,
    widths_of,
)
from ganzoo.networks.shapes import LEAST_LEVELS, MOST_LEVELS, check_batch, image_levels
from ganzoo.precision import at_least_float32


@defaults_from("network/r3gan")
class R3GANGenerator(nn.Module):
    """Latents weigh a learnt basis of small maps, which residual blocks and filters enlarge.

    Huang et al. 2024 (arXiv 2501.05441), section 4 and appendix. Images end in no tanh.

    The defaults are the published networks of CIFAR-10 and, at 64 and 256 pixels, of FFHQ; those
    of ImageNet have width and max_width 1536 and groups of 16. Images of 8, 16, 32 pixels start
    from 4x4 maps, as there, and others from maps of
    :func:`~ganzoo.networks.shapes.levels_of`, 28 from 7x7.

    Args:
        latent_dim: Z.
        shape: [C, H, W], H and W even and with such maps.
        num_classes: K; None for a generator without labels.
        embedding_dim: Of the linear code of a label, which is joined to the latents.
        width: Channels of the maps of the images' size; they double towards the first maps. Or a
            number for each size, from the first maps on; or None for the authors' presets
            (:func:`~ganzoo.networks.r3gan_blocks.usual_width`).
        max_width: The most channels, where width is no list.
        group_width: Channels that each group of a 3x3 convolution stands for, or one for each size.
        blocks: Residual blocks of each size, or one number for each.
        expansion: By which blocks have more channels within.
        taps: Of the low-pass filter between sizes.
        negative_slope: Of leaky ReLU.
        bfloat16_sizes: So many of the largest sizes of maps are computed in bfloat16, where the
            trainer's precision does not say so already.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        shape: Sequence[int],
        num_classes: int | None = FROM_CONFIG,
        embedding_dim: int = FROM_CONFIG,
        width: int | Sequence[int] | None = FROM_CONFIG,
        max_width: int = FROM_CONFIG,
        group_width: int | Sequence[int] = FROM_CONFIG,
        blocks: int | Sequence[int] = FROM_CONFIG,
        expansion: int = FROM_CONFIG,
        taps: Sequence[float] = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        bfloat16_sizes: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim)
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        widths = widths_of(
            width, max_width=max_width, side=min(shape[1:]), count=levels.halvings + 1
        )
        check_whole(0, bfloat16_sizes=bfloat16_sizes)
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.bfloat16_sizes = bfloat16_sizes
        inputs = latent_dim
        if num_classes is not None:
            check_whole(num_classes=num_classes, embedding_dim=embedding_dim)
            self.embedding = normal(embedding_dim, num_classes)
            inputs += embedding_dim
        self.linear = normal(widths[0], inputs)
        self.basis = nn.Parameter(torch.randn(widths[0], *levels.base))
        self.transitions = nn.ModuleList(Up(*pair, taps) for pair in pairwise(widths))
        self.stages = nn.ModuleList(
            block_stages(
                widths,
                group_widths=each_size("group_width", group_width, len(widths)),
                blocks=each_size("blocks", blocks, len(widths)),
                expansion=expansion,
                negative_slope=negative_slope,
            )
        )
        self.to_image = Convolution(widths[-1], shape[0])

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents [B, Z], and labels [B] where it has classes, to images [B, C, H, W].

        Raises:
            InputError: if latents or labels do not fit.
        """
        check_batch(self, latents, (self.latent_dim,))
        if (one_hots := known_labels(self, labels)) is not None:
            code = functional.linear(one_hots.to(self.embedding.dtype), self.embedding)
            latents = torch.cat([latents, code], dim=1)
        weights = functional.linear(latents, self.linear)
        features = self._cast(weights[:, :, None, None] * self.basis, 0)
        features = self.stages[0](features)
        for index, transition in enumerate(self.transitions, start=1):
            features = self.stages[index](transition(self._cast(features, index)))
        image: Tensor = self.to_image(features)
        return at_least_float32(image)

    def _cast(self, features: Tensor, index: int) -> Tensor:
        """Features in the precision of a stage, counted from the smallest maps."""
        in_half = index >= len(self.stages) - self.bfloat16_sizes
        return features.to(torch.bfloat16) if in_half else features


@defaults_from("network/discriminator/r3gan", beside="network/r3gan")
class R3GANDiscriminator(nn.Module):
    """Residual blocks and filters reduce images to small maps, and linear layers these to a logit.

    Huang et al. 2024 (arXiv 2501.05441), section 4 and appendix: the generator turned around, with
    a depthwise convolution of the whole last maps in place of the basis. With labels the logit is
    the inner product of features and a linear code of the label (Miyato and Koyama 2018, arXiv
    1802.05637) without their term of the features alone.

    Args:
        shape: [C, H, W], as for :class:`R3GANGenerator`.
        num_classes: K; None for a discriminator without labels.
        embedding_dim: Of the features and of the label's code; None takes the channels of the
            smallest maps, as the published networks do.
        width: As for :class:`R3GANGenerator`, from the smallest maps on, like the next three.
        max_width: The most channels, where width is no list.
        group_width: Channels that each group of a 3x3 convolution stands for.
        blocks: Residual blocks of each size.
        expansion: By which blocks have more channels within.
        taps: Of the low-pass filter between sizes.
        negative_slope: Of leaky ReLU.
        bfloat16_sizes: So many of the largest sizes of maps are computed in bfloat16.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        num_classes: int | None = FROM_CONFIG,
        embedding_dim: int | None = FROM_CONFIG,
        width: int | Sequence[int] | None = FROM_CONFIG,
        max_width: int = FROM_CONFIG,
        group_width: int | Sequence[int] = FROM_CONFIG,
        blocks: int | Sequence[int] = FROM_CONFIG,
        expansion: int = FROM_CONFIG,
        taps: Sequence[float] = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        bfloat16_sizes: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        widths = widths_of(
            width, max_width=max_width, side=min(shape[1:]), count=levels.halvings + 1
        )[::-1]
        check_whole(0, bfloat16_sizes=bfloat16_sizes)
        self.shape, self.num_classes = tuple(shape), num_classes
        self.bfloat16_sizes = bfloat16_sizes
        outputs = 1
        if num_classes is not None:
            outputs = widths[-1] if embedding_dim is None else embedding_dim
            check_whole(num_classes=num_classes, embedding_dim=outputs)
            self.embedding = normal(outputs, num_classes, gain=1 / math.sqrt(outputs))
        self.from_image = Convolution(shape[0], widths[0])
        self.stages = nn.ModuleList(
            block_stages(
                widths,
                group_widths=each_size("group_width", group_width, len(widths))[::-1],
                blocks=each_size("blocks", blocks, len(widths))[::-1],
                expansion=expansion,
                negative_slope=negative_slope,
            )
        )
        self.transitions = nn.ModuleList(Down(*pair, taps) for pair in pairwise(widths))
        self.basis = normal(widths[-1], 1, *levels.base)
        self.linear = normal(outputs, widths[-1])

    def input_layers(self) -> list[list[nn.Module]]:
        """What works on images and maps of each size but the last, the largest first."""
        pairs = zip(self.stages, self.transitions, strict=False)
        layers: list[list[nn.Module]] = [list(pair) for pair in pairs]
        layers[0].append(self.from_image)
        return layers

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map images [B, C, H, W], and labels [B] where it has classes, to logits [B].

        Raises:
            InputError: if images or labels do not fit.
        """
        check_batch(self, images, self.shape)
        features = self.from_image(self._cast(images, 0))
        for index, transition in enumerate(self.transitions):
            features = transition(self.stages[index](self._cast(features, index)))
        last = len(self.transitions)
        features = self.stages[last](self._cast(features, last))
        basis = self.basis.to(features.dtype)
        extracted = functional.conv2d(features, basis, groups=len(basis)).flatten(start_dim=1)
        outputs = at_least_float32(functional.linear(extracted, self.linear.to(extracted.dtype)))
        if (one_hots := known_labels(self, labels)) is None:
            return outputs.squeeze(1)
        code = functional.linear(one_hots.to(self.embedding.dtype), self.embedding)
        return (outputs * code).sum(dim=1)

    def _cast(self, features: Tensor, index: int) -> Tensor:
        """Features in the precision of a stage, counted from the largest maps."""
        if index < self.bfloat16_sizes:
            return features.to(torch.bfloat16)
        return features.to(self.linear.dtype) if self.bfloat16_sizes else features


def known_labels(
    network: R3GANGenerator | R3GANDiscriminator, labels: Tensor | None
) -> Tensor | None:
    """One-hot labels [B, K] where a network has classes, None where it has none.

    Raises:
        InputError: if labels are missing, not wanted or out of range.
    """
    name, classes = type(network).__name__, network.num_classes
    if (labels is None) != (classes is None):
        wants = "no labels: it was built without num_classes" if classes is None else "labels [B]"
        raise InputError(f"this {name} takes {wants}")
    return None if labels is None or classes is None else one_hot(labels, classes)
