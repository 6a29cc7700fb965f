"""Wasserstein GAN with gradient penalty."""

from typing import Any

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.models.gan import GAN
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.own import as_penalties


@defaults_from("model/wgan_gp")
class WGANGP(GAN):
    """Wasserstein GAN whose critic is kept 1-Lipschitz by a penalty on its gradient.

    Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", Algorithm 1 (arXiv
    1704.00028): in each of ``discriminator_steps`` updates the critic minimises
    D(fake) - D(real) + weight * (|grad D(interpolate)| - 1)^2, then the generator makes one
    update with -D(fake). The critic must have no batch normalisation: the penalty is on the
    gradient at each sample alone.

    Departures: none.

    Args:
        gradient_penalty: The penalty on interpolates between real and fake data.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`.

    Raises:
        InputError: if it is no penalty, or a second one is named ``gradient_penalty``.
    """

    def __init__(self, *, gradient_penalty: Penalty = FROM_CONFIG, **game: Any) -> None:
        super().__init__(**game)
        if "gradient_penalty" in self.penalties:
            raise InputError(
                "this model has its gradient penalty already: "
                "set model.gradient_penalty.weight, or choose another penalty"
            )
        own = as_penalties({"gradient_penalty": gradient_penalty})
        self.penalties.update(dict(own.items()))
