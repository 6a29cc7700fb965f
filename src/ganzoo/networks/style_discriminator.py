"""The discriminators of StyleGAN2, of three forms.

Karras et al. 2020 (arXiv 1912.04958), figure 7 and appendix B; labels as in Karras et al. 2020
(arXiv 2006.06676).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive
from ganzoo.networks.equalized import HALF, EqualizedConvolution, EqualizedLinear, leaky_relu
from ganzoo.networks.label_mapping import LabelMapping
from ganzoo.networks.map_deviation import MapDeviation
from ganzoo.networks.resampling import downsample, downsampling_convolution, low_pass
from ganzoo.networks.shapes import LEAST_LEVELS, MOST_LEVELS, check_batch, image_levels
from ganzoo.networks.style_layers import activated
from ganzoo.networks.style_synthesis import widths_of
from ganzoo.precision import at_least_float32

PLAIN_SIDE = 32  # the largest images whose discriminator is plain in the authors' presets


class ActivatedConvolution(nn.Module):
    """A convolution with equalised learning rate, a bias, leaky ReLU and a bound.

    Args:
        inputs: I.
        outputs: O.
        size: K, odd.
        negative_slope: of leaky ReLU.
        clamp: bound of the outputs' magnitude at a gain of 1, or None.
    """

    def __init__(
        self, inputs: int, outputs: int, size: int, *, negative_slope: float, clamp: float | None
    ) -> None:
        super().__init__()
        self.convolution = EqualizedConvolution(inputs, outputs, size)
        self.negative_slope, self.clamp = negative_slope, clamp

    def forward(
        self, features: Tensor, kernel: Tensor | None = None, *, gain: float = 1.0
    ) -> Tensor:
        """Map [B, I, H, W] to [B, O, H, W], or with a filter to maps of half the size."""
        convolve = kernel if kernel is None else partial(downsampling_convolution, kernel=kernel)
        outputs = self.convolution(features, convolve)
        return activated(outputs, self.negative_slope, self.clamp, gain)


Layer = Callable[[int, int, int], ActivatedConvolution]
"""From I, O and K to a convolution."""


class PlainBlock(nn.Module):
    """Two 3x3 convolutions, of which the second halves the maps.

    Args:
        inputs: I.
        outputs: O.
        layer: makes a convolution.
    """

    gain = 1.0

    def __init__(self, inputs: int, outputs: int, layer: Layer) -> None:
        super().__init__()
        self.first, self.second = layer(inputs, inputs, 3), layer(inputs, outputs, 3)

    def forward(self, features: Tensor, kernel: Tensor) -> Tensor:
        """Map [B, I, H, W] to [B, O, H / 2, W / 2]."""
        halved: Tensor = self.second(self.first(features), kernel, gain=self.gain)
        return halved


class ResidualBlock(PlainBlock):
    """The same beside a 1x1 convolution of the halved maps; the sum keeps the variance.

    Args:
        inputs: I.
        outputs: O.
        layer: makes a convolution.
    """

    gain = HALF

    def __init__(self, inputs: int, outputs: int, layer: Layer) -> None:
        super().__init__(inputs, outputs, layer)
        self.skip = EqualizedConvolution(inputs, outputs, 1, bias=False)

    def forward(self, features: Tensor, kernel: Tensor) -> Tensor:
        """Map [B, I, H, W] to [B, O, H / 2, W / 2]."""
        halve = partial(downsampling_convolution, kernel=kernel)
        skip: Tensor = self.skip(features, halve) * HALF
        return skip + super().forward(features, kernel)


@defaults_from("network/discriminator/stylegan2", beside="network/style")
class StyleDiscriminator(nn.Module):
    """Blocks from images to small maps, the deviation of groups, and linear layers.

    In the form of the authors' presets: plain for images up to 32 pixels (CIFAR-10), residual for
    larger ones. With labels the logit is the inner product of the last layer's outputs
    with a mapped label, over the root of their number.

    Images of 8, 16, 32 pixels and so on end at 4x4 maps, as in the paper, and others at maps of
    :func:`~ganzoo.networks.shapes.levels_of`, 28 at 7x7.

    Args:
        shape: [C, H, W], H and W even and with such maps.
        num_classes: K; None for a discriminator without labels.
        mapping_layers: Of the label's mapping network.
        lr_multiplier: By which it learns more slowly.
        width: Channels of the maps of the images' size; they double towards the last maps. None
            takes those of the authors' presets
            (:func:`~ganzoo.networks.style_synthesis.usual_width`).
        max_width: The most channels, of presets at 32 pixels.
        group_size: Samples whose deviation is taken together; it divides a batch, or the batch is
            smaller.
        group_features: Maps of deviations that are added, each of its share of the channels.
        taps: Of the low-pass filter between sizes.
        negative_slope: Of leaky ReLU.
        clamp: Bound of the magnitude of what layers return, or None.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    kernel: Tensor
    block: type[PlainBlock] | None = None

    def __init__(
        self,
        *,
        shape: Sequence[int],
        num_classes: int | None = FROM_CONFIG,
        mapping_layers: int = FROM_CONFIG,
        lr_multiplier: float = FROM_CONFIG,
        width: int | None = FROM_CONFIG,
        max_width: int = FROM_CONFIG,
        group_size: int | None = FROM_CONFIG,
        group_features: int = FROM_CONFIG,
        taps: Sequence[float] = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        clamp: float | None = FROM_CONFIG,
    ) -> None:
        super().__init__()
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        check_positive(clamp=1 if clamp is None else clamp)
        check_not_negative(negative_slope=negative_slope)
        self.shape, self.num_classes = tuple(shape), num_classes
        self.negative_slope = negative_slope
        self.register_buffer("kernel", low_pass(taps), persistent=False)
        layer = partial(ActivatedConvolution, negative_slope=negative_slope, clamp=clamp)
        widths = widths_of(width, max_width, min(shape[1:]), levels)[::-1]
        last = widths[-1]
        self.from_images = self.image_layers(shape[0], widths, layer)
        block = self.block or (PlainBlock if min(shape[1:]) <= PLAIN_SIDE else ResidualBlock)
        self.blocks = nn.ModuleList(block(*pair, layer) for pair in pairwise(widths))
        self.deviation = MapDeviation(group_size=group_size, features=group_features)
        self.last = layer(last + group_features, last, 3)
        self.hidden = EqualizedLinear(last * math.prod(levels.base), last)
        if num_classes is not None:
            self.label_mapping = LabelMapping(
                num_classes=num_classes,
                dimension=last,
                layers=mapping_layers,
                lr_multiplier=lr_multiplier,
                negative_slope=negative_slope,
            )
        self.output = EqualizedLinear(last, 1 if num_classes is None else last)

    def image_layers(self, channels: int, widths: Sequence[int], layer: Layer) -> nn.ModuleList:
        """The 1x1 convolutions of images, here of their full size alone."""
        return nn.ModuleList([layer(channels, widths[0], 1)])

    def input_layers(self) -> list[list[nn.Module]]:
        """What works on images and maps of each size but the last, the largest first."""
        layers: list[list[nn.Module]] = [[block] for block in self.blocks]
        for layer, from_image in zip(layers, self.from_images, strict=False):
            layer.append(from_image)
        return layers

    def features(self, images: Tensor) -> Tensor:
        """Maps [B, F, h, w] of images [B, C, H, W], before the deviation of groups."""
        features: Tensor = self.from_images[0](images)
        for block in self.blocks:
            features = block(features, self.kernel)
        return features

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map images [B, C, H, W], and labels [B] where it has classes, to logits [B].

        Raises:
            InputError: if images or labels do not fit.
        """
        check_batch(self, images, self.shape)
        if (labels is None) != (self.num_classes is None):
            wants = "labels [B]" if labels is None else "no labels: it was built without classes"
            raise InputError(f"this {type(self).__name__} takes {wants}")
        code = None if labels is None else self.label_mapping(labels)
        maps = self.last(self.deviation(self.features(images)))
        hidden = leaky_relu(self.hidden(at_least_float32(maps).flatten(1)), self.negative_slope)
        outputs: Tensor = self.output(hidden)
        if code is None:
            return outputs.squeeze(1)
        products: Tensor = outputs * code
        return products.sum(dim=1) / math.sqrt(products.shape[1])


@defaults_from("network/discriminator/stylegan2_residual", beside="network/style")
class ResidualStyleDiscriminator(StyleDiscriminator):
    """The form of the paper, of residual blocks (figure 7c)."""

    block = ResidualBlock


@defaults_from("network/discriminator/stylegan2_plain", beside="network/style")
class PlainStyleDiscriminator(StyleDiscriminator):
    """The form without skips (figure 7a; ``orig`` in the authors' code)."""

    block = PlainBlock


@defaults_from("network/discriminator/stylegan2_skip", beside="network/style")
class SkipStyleDiscriminator(StyleDiscriminator):
    """The form whose maps of each size are joined by those of the image of that size (7b)."""

    block = PlainBlock

    def image_layers(self, channels: int, widths: Sequence[int], layer: Layer) -> nn.ModuleList:
        """The 1x1 convolutions of images, one for each size; the smallest has no bound."""
        larger = [layer(channels, width, 1) for width in widths[:-1]]
        smallest = ActivatedConvolution(
            channels, widths[-1], 1, negative_slope=self.negative_slope, clamp=None
        )
        return nn.ModuleList([*larger, smallest])

    def features(self, images: Tensor) -> Tensor:
        """Maps [B, F, h, w] of images [B, C, H, W] and of the same images at smaller sizes."""
        features = self.from_images[0](images)
        for block, from_image in zip(self.blocks, self.from_images[1:], strict=True):
            images = downsample(images, self.kernel)
            features = block(features, self.kernel) + from_image(images)
        return torch.as_tensor(features)
