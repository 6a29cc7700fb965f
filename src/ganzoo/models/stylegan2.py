"""StyleGAN2: a generator of styles that are mixed while it trains."""

from typing import Any, cast

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.models.gan import GAN
from ganzoo.networks.style import StyleGenerator
from ganzoo.penalties.context import Context
from ganzoo.sampling.class_conditional import ClassConditional


@defaults_from("model/stylegan2")
class StyleGAN2(ClassConditional, GAN):
    """StyleGAN2, with or without labels.

    Karras et al. (2020), "Analyzing and Improving the Image Quality of StyleGAN" (arXiv
    1912.04958), with the settings of its version for limited data (arXiv 2006.06676): the
    non-saturating game with lazy R1 and path length penalties, Adam without momentum, and an
    average of the generator by its half-life. In training, the styles of later layers come from
    other latents with a given probability (Karras et al. 2019, arXiv 1812.04948, section 3.1).

    Departures: a lazy penalty is part of the step in which it applies, where the authors take a
    step of the optimizer of its own and correct Adam's rate and betas for these additional steps;
    the labels of generated data are those of the real batch, which they draw from the data; and
    the mean of styles, the centre of truncation, follows mixed styles too.

    Args:
        style_mixing: Probability that the styles of a step are mixed, in [0, 1].
        game: Arguments of :class:`~ganzoo.sampling.class_conditional.ClassConditional` and
            :class:`~ganzoo.models.gan.GAN`; without classes (``num_classes=None``) networks are
            called without labels.

    Raises:
        InputError: if the probability is out of range, or the generator has no styles.
    """

    def __init__(self, *, style_mixing: float = FROM_CONFIG, **game: Any) -> None:
        super().__init__(**game)
        if not 0 <= style_mixing <= 1:
            raise InputError(f"style_mixing must be at least 0 and at most 1, not {style_mixing}")
        if not hasattr(self.generator, "synthesis"):
            raise InputError(
                f"StyleGAN2 mixes styles, and {type(self.generator).__name__} has none: choose "
                "network=style, or another model"
            )
        self.style_mixing = float(style_mixing)

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """What losses and penalties look at in a step, generated of mixed styles."""
        return super().context(minibatch, **{"generate": self.generate_mixed, **other})

    def generate_mixed(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Data of latents ``[B, Z]`` whose later layers may have the styles of other latents."""
        if float(torch.rand(())) >= self.style_mixing:
            return self.generate(self.generator, latents, labels)
        styles = self.map_latents(latents, labels)
        others = self.map_latents(self.latents(len(latents)), labels)
        cutoff = int(torch.randint(1, styles.shape[1], ()))
        mixed = torch.cat([styles[:, :cutoff], others[:, cutoff:]], dim=1)
        return cast("StyleGenerator", self.generator).synthesis(mixed)  # type: ignore[no-any-return]
