"""The generator of CycleGAN: residual blocks between convolutions of stride 2."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.blocks import ResidualBlock, dropout_layers
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import check_image_shape, check_images


@defaults_from("network/resnet_translation")
class ResNetTranslationGenerator(nn.Module):
    """From pictures to pictures of the same size, in small maps in between.

    Zhu et al. (2017), arXiv 1703.10593, appendix 7.2, after Johnson et al. (2016), arXiv
    1603.08155: a 7x7 convolution, convolutions of stride 2 that double the channels, residual
    blocks of two 3x3 convolutions, transposed convolutions that halve the channels, a 7x7
    convolution and tanh; ReLU and normalisation after each convolution but the last, and no ReLU
    after a block's sum. The paper takes 9 blocks at 256 pixels and 6 at 128.

    As in the authors' code a convolution has a bias only where the normalisation does not replace
    it; the last has one. Departure: without normalisation all have biases, which the authors
    leave out.

    Args:
        shape: [C, H, W] of the pictures it takes. Others may be of any height and width that
            are multiples of 2 to the number of downsamplings, and at least twice that.
        out_channels: of the pictures it makes.
        width: channels of the maps of the pictures' size (the paper takes 64).
        downsamplings: how often they are halved (the paper takes 2).
        blocks: number of residual blocks.
        dropout: share of the entries that dropout leaves out in the middle of each block in
            training, in [0, 1) (the paper takes 0).
        padding_mode: of the 3x3 convolutions in the blocks, in torch's words: ``reflect`` as in
            the paper, ``zeros``, ``replicate`` or ``circular``.
        normalization: of each convolution but the last, and of the weights of all.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        out_channels: int,
        width: int = FROM_CONFIG,
        downsamplings: int = FROM_CONFIG,
        blocks: int = FROM_CONFIG,
        dropout: float = FROM_CONFIG,
        padding_mode: str = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(out_channels=out_channels, width=width, downsamplings=downsamplings)
        check_whole(0, blocks=blocks)
        check_image_shape(self, shape)
        self.channels, self.downsamplings = shape[0], downsamplings
        self.check_size(*shape[1:])
        widths = [width * 2**level for level in range(downsamplings + 1)]
        make = _Layers(normalization)
        layers = make.normalized(shape[0], width, 7, padding=3, padding_mode="reflect")
        for before, after in pairwise(widths):
            layers += make.normalized(before, after, 3, stride=2, padding=1)
        layers += [make.block(widths[-1], dropout, padding_mode) for _ in range(blocks)]
        for before, after in pairwise(reversed(widths)):
            layers += make.doubled(before, after)
        output = nn.Conv2d(width, out_channels, 7, padding=3, padding_mode="reflect")
        self.layers = nn.Sequential(*layers, normalization.weighted(output), nn.Tanh())
        initialization(self)
        normalization.attach(self, tuple(shape))

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures [B, C, H, W] to others [B, out_channels, H, W] in [-1, 1].

        Raises:
            InputError: if they have other channels, or a size that does not come out again.
        """
        check_images(self, images, self.channels)
        self.check_size(*images.shape[2:])
        translated: Tensor = self.layers(images)
        return translated

    def check_size(self, height: int, width: int) -> None:
        """Refuse pictures whose translations would be of another size.

        Raises:
            InputError: saying which sizes would do.
        """
        unit = 2**self.downsamplings
        if height % unit or width % unit or min(height, width) < 2 * unit:
            raise InputError(
                f"{type(self).__name__} works on images whose height and width are multiples of "
                f"{unit} from {2 * unit} up, not {height}x{width}: set dataset.image_size="
                f"{max(2, round(height / unit)) * unit}"
            )


class _Layers:
    """Makes the layers of one network."""

    def __init__(self, normalization: Normalization) -> None:
        self._normalization = normalization
        self._bias = not normalization.replaces_bias

    def normalized(self, before: int, after: int, kernel: int, **options: Any) -> list[nn.Module]:
        """A convolution, normalisation and ReLU."""
        return [*self._convolved(before, after, kernel, **options), nn.ReLU()]

    def doubled(self, before: int, after: int) -> list[nn.Module]:
        """A transposed convolution that doubles height and width, normalisation and ReLU."""
        convolution = nn.ConvTranspose2d(
            before, after, 3, stride=2, padding=1, output_padding=1, bias=self._bias
        )
        return [*self._followed(convolution, after), nn.ReLU()]

    def block(self, width: int, dropout: float, padding_mode: str) -> ResidualBlock:
        """Two convolutions on whose output the input is added."""
        options: dict[str, Any] = {"padding": 1, "padding_mode": padding_mode}
        residual = [
            *self.normalized(width, width, 3, **options),
            *dropout_layers(dropout),
            *self._convolved(width, width, 3, **options),
        ]
        return ResidualBlock(residual=nn.Sequential(*residual), skip=nn.Identity())

    def _convolved(self, before: int, after: int, kernel: int, **options: Any) -> list[nn.Module]:
        convolution = nn.Conv2d(before, after, kernel, bias=self._bias, **options)
        return self._followed(convolution, after)

    def _followed(self, convolution: nn.Module, channels: int) -> list[nn.Module]:
        normalization = self._normalization
        return [
            normalization.weighted(convolution),
            normalization.activations(channels, 2),
        ]
