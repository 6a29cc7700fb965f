"""The discriminators of pix2pix (Isola et al. 2017, arXiv 1611.07004): logits of patches."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import check_image_shape, check_images

# The deepest maps have this many times the channels of the finest.
WIDEST = 8


@defaults_from("network/discriminator/unet", beside="network/unet")
class PatchGANDiscriminator(nn.Module):
    """Convolutions without a linear layer at the end: each logit is of one patch (section 6.1.2).

    4x4 convolutions of stride 2, as many as there are downsamplings, then two of stride 1;
    LeakyReLU after each but the last, and normalisation after each but the first and the last.
    Channels double at each convolution, up to 8 times the width. With 3 downsamplings a logit sees
    70x70 pixels; with 1 it sees 16x16 and with 5 it sees 286x286, which the paper compares.

    As in the authors' code a convolution that is normalised has a bias only where the
    normalisation does not replace it. Departure: without normalisation all have biases, which the
    authors leave out in the middle.

    Args:
        shape: [C, H, W] of the pictures, or of pictures one behind another in their channels.
            Others may be of any size from 3 times 2 to the number of downsamplings up.
        width: channels of the maps of half the pictures' size (the paper takes 64).
        downsamplings: convolutions of stride 2.
        negative_slope: slope of LeakyReLU below zero (the paper takes 0.2).
        normalization: of all convolutions but the ends, and of the weights of all.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        downsamplings: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width, downsamplings=downsamplings)
        check_not_negative(negative_slope=negative_slope)
        check_image_shape(self, shape)
        self.channels, self.downsamplings = shape[0], downsamplings
        self.check_size(*shape[1:])
        widths = [width * min(2**level, WIDEST) for level in range(downsamplings + 1)]
        first = nn.Conv2d(shape[0], width, 4, stride=2, padding=1)
        layers = [normalization.weighted(first), nn.LeakyReLU(negative_slope)]
        for level, (before, after) in enumerate(pairwise(widths), start=1):
            stride = 2 if level < downsamplings else 1
            bias = not normalization.replaces_bias
            convolution = nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=bias)
            layers += [
                normalization.weighted(convolution),
                normalization.activations(after, 2),
                nn.LeakyReLU(negative_slope),
            ]
        last = nn.Conv2d(widths[-1], 1, 4, padding=1)
        self.layers = nn.Sequential(*layers, normalization.weighted(last))
        initialization(self)
        normalization.attach(self, tuple(shape))

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures [B, C, H, W] to logits of patches [B, 1, H', W'].

        H' is the whole part of H over 2 to the number of downsamplings, less 2, and so is W'.

        Raises:
            InputError: if they have other channels, or are too small.
        """
        check_images(self, images, self.channels)
        self.check_size(*images.shape[2:])
        logits: Tensor = self.layers(images)
        return logits

    def check_size(self, height: int, width: int) -> None:
        """Refuse pictures of which nothing would be left.

        Raises:
            InputError: saying which sizes and numbers of downsamplings would do.
        """
        least = 3 * 2**self.downsamplings
        if min(height, width) < least:
            fitting = [n for n in range(1, self.downsamplings) if 3 * 2**n <= min(height, width)]
            fewer = f", or network.discriminator.downsamplings={fitting[-1]}" if fitting else ""
            raise InputError(
                f"{type(self).__name__} with {self.downsamplings} downsamplings works on images of "
                f"{least} pixels and more, not {height}x{width}: set dataset.image_size={least} or "
                f"more{fewer}"
            )


@defaults_from("network/discriminator/pixelgan", beside="network/unet")
class PixelDiscriminator(nn.Module):
    """1x1 convolutions: each logit is of one pixel (the paper's PixelGAN, section 4.4).

    As in the authors' code the last two convolutions have biases only where the normalisation does
    not replace them; that of the output has none then either. Departure: without normalisation they
    have biases, which the authors leave out.

    Args:
        shape: [C, H, W], as the one of :class:`PatchGANDiscriminator`; H and W are of no account.
        width: channels of the first maps, the second have twice as many (the paper takes 64).
        negative_slope: slope of LeakyReLU below zero (the paper takes 0.2).
        normalization: of the second convolution, and of the weights of all.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not that of images, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width)
        check_not_negative(negative_slope=negative_slope)
        check_image_shape(self, shape)
        self.channels = shape[0]
        bias = not normalization.replaces_bias
        self.layers = nn.Sequential(
            normalization.weighted(nn.Conv2d(shape[0], width, 1)),
            nn.LeakyReLU(negative_slope),
            normalization.weighted(nn.Conv2d(width, 2 * width, 1, bias=bias)),
            normalization.activations(2 * width, 2),
            nn.LeakyReLU(negative_slope),
            normalization.weighted(nn.Conv2d(2 * width, 1, 1, bias=bias)),
        )
        initialization(self)
        normalization.attach(self, tuple(shape))

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures [B, C, H, W] to logits of pixels [B, 1, H, W].

        Raises:
            InputError: if they have other channels.
        """
        check_images(self, images, self.channels)
        logits: Tensor = self.layers(images)
        return logits
