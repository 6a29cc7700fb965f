"""R3GAN: a regularised relativistic game on real data of their own for each player."""

from collections.abc import Sequence
from typing import Any

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.models.gan import GAN
from ganzoo.optim.gradient_play import Alternating
from ganzoo.sampling.class_conditional import ClassConditional


@defaults_from("model/r3gan")
class R3GAN(ClassConditional, GAN):
    """R3GAN: pairs of logits, R1 and R2 in every step, and a minibatch for the generator alone.

    Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN Baseline" (arXiv
    2501.05441), equations 2 to 4 and the authors' training loop. The discriminator minimises
    ``E softplus(D(G(z)) - D(x))`` over pairs, plus ``gamma / 2`` times the squared norms of its
    gradients by real and by generated data, which share the passes of that loss; the generator
    minimises the same with the pair exchanged. Each player's step takes real data and latents of
    its own, so that an iteration reads one minibatch more than there are discriminator steps.
    Generated data have the labels of the real data that they are paired with.

    As for the authors, the images of an iteration are those of the discriminator's steps: by them
    schedules, annealed weights and half-lives are measured.

    Args:
        game: Arguments of :class:`~ganzoo.sampling.class_conditional.ClassConditional` and
            :class:`~ganzoo.models.gan.GAN`; without classes (``num_classes=None``) networks are
            called without labels.

    Raises:
        InputError: if an update rule is asked for that moves players on one minibatch, or, with
            classes, samples are packed or replayed.
    """

    def __init__(self, **game: Any) -> None:
        super().__init__(**game)
        if not isinstance(self.update_rule, Alternating):
            raise InputError(
                "the players of R3GAN step on minibatches of their own, one after another: set "
                "optimizer.update_rule=alternating and optimizer.lookahead=none"
            )

    def build_players(self) -> Sequence[Player]:
        """The discriminator, then the generator, whose minibatch is the last of an iteration."""
        discriminator, generator = super().build_players()
        discriminator.left_to_others = generator.steps
        return discriminator, generator

    def minibatches(self, batch: Any) -> list[Minibatch]:
        """Those of the discriminator, and the generator's, which does not count as shown."""
        found = super().minibatches(batch)
        shown = sum(minibatch.size for minibatch in found[:-1])
        self.progress.images_per_iteration = shown * self._processes
        return found
