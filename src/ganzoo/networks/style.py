"""The generator of StyleGAN2: a style from latents, an image from styles and noise."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.building import takes_argument
from ganzoo.networks.label_codes import known_classes
from ganzoo.networks.noise import Noise
from ganzoo.networks.shapes import LEAST_LEVELS, MOST_LEVELS, check_batch, image_levels
from ganzoo.networks.style_mapping import StyleMapping
from ganzoo.networks.style_synthesis import StyleSynthesis


@defaults_from("network/style")
class StyleGenerator(nn.Module):
    """A mapping network, and a synthesis network with skips of images.

    Karras et al. 2020 (arXiv 1912.04958); labels as in Karras et al. 2020 (arXiv 2006.06676).

    Images of 8, 16, 32 pixels and so on start from 4x4 maps, as in the paper, and others from maps
    that are 2 to 32 pixels high and wide (:func:`~ganzoo.networks.shapes.levels_of`), 28 from 7x7,
    48x64 from 3x4.

    Departure: noise is drawn anew in evaluation mode too unless it is given. The authors' presets
    are those of ``model=stylegan2``.

    Args:
        latent_dim: Z.
        shape: [C, H, W], H and W even and with such maps.
        num_classes: K; None for a generator without labels.
        style_dim: W, of each style.
        mapping_layers: Of the mapping network.
        lr_multiplier: By which the mapping network learns more slowly.
        mean_decay: Share of the past in the mean of styles, at each step of the generator.
        width: Channels of the maps of the images' size; they double towards the first maps. None
            takes those of the authors' presets
            (:func:`~ganzoo.networks.style_synthesis.usual_width`).
        max_width: The most channels, of presets at 32 pixels.
        taps: Of the low-pass filter between sizes.
        negative_slope: Of leaky ReLU.
        clamp: Bound of the magnitude of what layers return, or None.

    Attributes:
        mapping: From latents and labels to styles [B, L, W].
        synthesis: From styles to images.
        takes_noise: That ``noise`` is an argument.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    takes_noise = True

    def __init__(
        self,
        *,
        latent_dim: int,
        shape: Sequence[int],
        num_classes: int | None = FROM_CONFIG,
        style_dim: int = FROM_CONFIG,
        mapping_layers: int = FROM_CONFIG,
        lr_multiplier: float = FROM_CONFIG,
        mean_decay: float = FROM_CONFIG,
        width: int | None = FROM_CONFIG,
        max_width: int = FROM_CONFIG,
        taps: Sequence[float] = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        clamp: float | None = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim)
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        self.latent_dim = latent_dim
        synthesis = StyleSynthesis(
            channels=shape[0],
            levels=levels,
            style_dim=style_dim,
            width=width,
            max_width=max_width,
            taps=taps,
            negative_slope=negative_slope,
            clamp=clamp,
        )
        self.mapping = StyleMapping(
            latent_dim=latent_dim,
            style_dim=style_dim,
            copies=synthesis.num_styles,
            layers=mapping_layers,
            num_classes=num_classes,
            lr_multiplier=lr_multiplier,
            negative_slope=negative_slope,
            mean_decay=mean_decay,
        )
        self.synthesis = synthesis

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        *,
        truncation: float | None = None,
        noise: Noise | None = None,
    ) -> Tensor:
        """Map latents [B, Z], and labels [B] where it has classes, to images [B, C, H, W].

        Args:
            latents: As above.
            labels: As above.
            truncation: In [0, 1]: styles keep so much of their way from the mean style.
            noise: What draws the noise; None draws from torch's global random state.

        Raises:
            InputError: if latents, labels or truncation do not fit.
        """
        check_batch(self, latents, (self.latent_dim,))
        styles = self.mapping(latents, labels, truncation=truncation)
        images: Tensor = self.synthesis(styles, noise=noise)
        return images


def labelled_generator(*, network: Callable[..., nn.Module], num_classes: int | None) -> nn.Module:
    """Build a generator that takes labels by itself.

    Args:
        network: builds it when called with num_classes; all else is bound already.
        num_classes: K.

    Raises:
        InputError: if it takes no labels, or the data have no classes.
    """
    if not takes_argument(network, "num_classes"):
        raise InputError(
            "network.conditioning=mapping is for generators whose mapping network takes labels: "
            "choose network=style, or network.conditioning=concatenation"
        )
    return network(num_classes=known_classes(num_classes))
