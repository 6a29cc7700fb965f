"""The autoencoder of VQGAN (Esser et al. 2021, arXiv 2012.09841), without its codebook.

Its quantizer is :class:`ganzoo.networks.vector_quantizer.VectorQuantizer`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.blocks import chain
from ganzoo.networks.shapes import check_shape
from ganzoo.networks.vqgan_blocks import Downsample, GroupNormBlocks, upsampling_layer


@defaults_from()
class VQGANHalf(nn.Module, ABC):
    """What the encoder and the decoder have in common: resolutions and their blocks.

    Departure of both from the authors' code: images need not be square, and after construction
    images of other sizes are taken too, with attention where it is. Weights start as torch's
    layers do, as there.

    Args:
        shape: [C, H, W] of the images, H and W multiples of ``factor``.
        width: channels where the multiplier is 1.
        multipliers: of the width, one for each resolution, from the images' own down; each
            resolution is half the one before.
        blocks: residual blocks of the encoder at each resolution.
        attention_sizes: shorter sides of the maps whose blocks are followed by attention.
        z_channels: between the 3x3 convolution at the smallest maps and the 1x1 convolution that
            goes with the codes.
        code_dim: D, of each code vector.
        groups: of channels that are normalised together; each width is a multiple of it.
        eps: added to the variance of a group.
        dropout: probability of dropping a value inside residual blocks, from 0 to below 1.

    Attributes:
        channels: C.
        code_shape: (D, H / factor, W / factor).
        factor: of the images' size to that of the codes' map, 2 to the number of multipliers
            less one.

    Raises:
        InputError: if a number is out of range, or the shape is not such an image.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        multipliers: Sequence[int] = FROM_CONFIG,
        blocks: int = FROM_CONFIG,
        attention_sizes: Sequence[int] = FROM_CONFIG,
        z_channels: int = FROM_CONFIG,
        code_dim: int = FROM_CONFIG,
        groups: int = FROM_CONFIG,
        eps: float = FROM_CONFIG,
        dropout: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width, blocks=blocks, z_channels=z_channels, code_dim=code_dim)
        _check_multipliers(multipliers)
        self.factor = 2 ** (len(multipliers) - 1)
        _check_images(self, shape, self.factor)
        self.channels = shape[0]
        self.code_shape = (code_dim, shape[1] // self.factor, shape[2] // self.factor)
        self._attends = [min(shape[1:]) // 2**n in attention_sizes for n in range(len(multipliers))]
        self._width, self._widths = width, [width * multiplier for multiplier in multipliers]
        self._blocks, self._z_channels = blocks, z_channels
        self.layers = chain(*self._layers(GroupNormBlocks(groups=groups, eps=eps, dropout=dropout)))

    @abstractmethod
    def _layers(self, parts: GroupNormBlocks) -> list[nn.Module]:
        """All layers, built of these parts."""

    def _resolution(
        self, parts: GroupNormBlocks, number: int, width_in: int, count: int
    ) -> list[nn.Module]:
        """Blocks at one resolution (0 is the images'), each with attention where it is chosen."""
        width = self._widths[number]
        layers: list[nn.Module] = []
        for width_before in [width_in, *[width] * (count - 1)]:
            layers.append(parts.residual(width_before, width))
            if self._attends[number]:
                layers.append(parts.attention(width))
        return layers

    def _middle(self, parts: GroupNormBlocks) -> list[nn.Module]:
        """What stands at the smallest maps, whatever the choice of attention."""
        width = self._widths[-1]
        blocks = [parts.residual(width, width) for _ in range(2)]
        return [blocks[0], parts.attention(width), blocks[1]]


@defaults_from("network/base/vqgan")
class VQGANEncoder(VQGANHalf):
    """Residual blocks down to a map of code vectors, with attention at the smallest maps.

    The encoder of the authors' code: a 3x3 convolution; at each resolution ``blocks`` residual
    blocks, each followed by attention where the map's shorter side is among ``attention_sizes``,
    and, but for the last resolution, a convolution of stride 2 on maps padded by a row below and
    a column at the right; residual, attention, residual; group normalisation, swish, a 3x3
    convolution to ``z_channels``, and the 1x1 convolution to the codes' dimension that the code
    keeps outside of its encoder.

    The paper's model of factor 16 for 256 pixels: width 128, multipliers [1, 1, 2, 2, 4], 2 blocks,
    attention_sizes [16], z_channels and code_dim 256.

    Arguments, attributes, errors and departures are those of :class:`VQGANHalf`.
    """

    def _layers(self, parts: GroupNormBlocks) -> list[nn.Module]:
        layers: list[nn.Module] = [nn.Conv2d(self.channels, self._width, 3, padding=1)]
        for number, widths in enumerate(pairwise([self._width, *self._widths])):
            if number:
                layers.append(Downsample(widths[0]))
            layers += self._resolution(parts, number, widths[0], self._blocks)
        return [
            *layers,
            *self._middle(parts),
            parts.normalization(self._widths[-1]),
            nn.SiLU(),
            nn.Conv2d(self._widths[-1], self._z_channels, 3, padding=1),
            nn.Conv2d(self._z_channels, self.code_shape[0], 1),
        ]

    def forward(self, images: Tensor) -> Tensor:
        """Map images [B, C, H, W] to code vectors [B, D, H / factor, W / factor].

        Raises:
            InputError: if the images have another number of channels, or sides that are not
                multiples of the factor.
        """
        if (
            images.dim() != 4
            or images.shape[1] != self.channels
            or _indivisible(images.shape[2:], self.factor)
        ):
            raise InputError(
                f"{type(self).__name__} takes images [B, {self.channels}, H, W] with H and W "
                f"multiples of {self.factor}, not {list(images.shape)}"
            )
        codes: Tensor = self.layers(images)
        return codes


@defaults_from("network/base/vqgan")
class VQGANDecoder(VQGANHalf):
    """Residual blocks from a map of code vectors up to images, the encoder turned round.

    The decoder of the authors' code: a 1x1 convolution from the codes' dimension to ``z_channels``;
    a 3x3 convolution; residual, attention, residual; at each resolution one residual block more
    than the encoder has, attention as there, and, but for the last, nearest upsampling and a 3x3
    convolution; group normalisation, swish and a 3x3 convolution to images.

    As in the authors' code images are not squashed: a trained decoder's lie in [-1, 1] but for
    overshoot, which whoever shows or measures them clamps.

    Arguments, attributes, errors and departures are those of :class:`VQGANHalf`.
    """

    def _layers(self, parts: GroupNormBlocks) -> list[nn.Module]:
        widths = [self._widths[-1], *self._widths[::-1]]
        layers: list[nn.Module] = [
            nn.Conv2d(self.code_shape[0], self._z_channels, 1),
            nn.Conv2d(self._z_channels, widths[0], 3, padding=1),
            *self._middle(parts),
        ]
        for passed, width in enumerate(widths[:-1]):
            if passed:
                layers.append(upsampling_layer(width))
            number = len(self._widths) - 1 - passed
            layers += self._resolution(parts, number, width, self._blocks + 1)
        last = nn.Conv2d(widths[-1], self.channels, 3, padding=1)
        return [*layers, parts.normalization(widths[-1]), nn.SiLU(), last]

    @property
    def last_layer(self) -> nn.Parameter:
        """The weight [C, width, 3, 3] of the last convolution, for adaptive weights of terms."""
        weight = self.layers[-1].weight
        assert isinstance(weight, nn.Parameter)
        return weight

    def forward(self, codes: Tensor) -> Tensor:
        """Map code vectors [B, D, h, w] to images [B, C, factor h, factor w], not squashed.

        Raises:
            InputError: if the codes have another dimension.
        """
        if codes.dim() != 4 or codes.shape[1] != self.code_shape[0]:
            raise InputError(
                f"{type(self).__name__} takes codes [B, {self.code_shape[0]}, h, w],"
                f" not {list(codes.shape)}"
            )
        images: Tensor = self.layers(codes)
        return images


def _check_multipliers(multipliers: Sequence[int]) -> None:
    if not multipliers:
        raise InputError("multipliers must have a number for each resolution, such as [1,2,2]")
    for multiplier in multipliers:
        check_whole(multipliers=multiplier)


def _check_images(owner: object, shape: Sequence[int], factor: int) -> None:
    """Refuse what cannot be halved as often as there are steps from one resolution to the next."""
    check_shape(owner, shape)
    if len(shape) != 3:
        raise InputError(
            f"{type(owner).__name__} works on images, not points {list(shape)}: "
            "choose a data set of images"
        )
    if _indivisible(shape[1:], factor):
        near = [max(1, round(side / factor)) * factor for side in shape[1:]]
        size = near[0] if near[0] == near[1] else f"[{near[0]},{near[1]}]"
        raise InputError(
            f"{type(owner).__name__} divides height and width by {factor}, and {shape[1]}x"
            f"{shape[2]} cannot be: set dataset.image_size={size}, or fewer multipliers"
        )


def _indivisible(sides: Sequence[int], factor: int) -> bool:
    return any(side % factor for side in sides)
