"""Wasserstein GAN with weight clipping."""

from typing import Any

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.models.gan import GAN
from ganzoo.penalties.weight_clipping import WeightClipping


@defaults_from("model/wgan")
class WGAN(GAN):
    """Wasserstein GAN: a critic kept in a compact set by clipping its weights.

    Arjovsky, Chintala and Bottou (2017), "Wasserstein GAN", Algorithm 1 (arXiv 1701.07875): the
    critic makes ``discriminator_steps`` steps with the Wasserstein loss, and after each of them
    every one of its weights w is clipped to [-c, c]; then the generator makes one update. The
    paper uses RMSprop because momentum made the critic unstable.

    Departures: none of the algorithm. The scales and shifts of normalisation layers are clipped
    as any other weight, as in the authors' code; running statistics are not weights.

    Args:
        clip_value: Bound c of every weight of the critic, positive.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`.

    Raises:
        InputError: if ``clip_value`` is not positive, or weights are clipped twice.
    """

    def __init__(self, *, clip_value: float = FROM_CONFIG, **game: Any) -> None:
        super().__init__(**game)
        if "weight_clipping" in self.penalties:
            raise InputError("this model clips weights already: set model.clip_value")
        clipping = WeightClipping(clip_value=clip_value, on="discriminator")
        self.penalties["weight_clipping"] = clipping
