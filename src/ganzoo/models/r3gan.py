"""R3GAN: a regularised relativistic game on real data of their own for each player."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.logits import logits_of
from ganzoo.models.gan import GAN
from ganzoo.optim.gradient_play import Alternating
from ganzoo.sampling.classes import ClassSampler, required


@defaults_from("model/r3gan")
class R3GAN(ClassSampler, GAN):
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
        num_classes: Number of classes, labels run from 0 to ``num_classes - 1``; None for data
            without labels, or to do without them.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; networks take labels as well where
            there are classes.

    Raises:
        InputError: if an update rule is asked for that moves players on one minibatch, or, with
            classes, samples are packed or replayed.
    """

    def __init__(self, *, num_classes: int | None, **game: Any) -> None:
        super().__init__(**game)
        self.num_classes = num_classes
        if num_classes is not None:
            check_whole(num_classes=num_classes)
            self.refuse_unlabelled()
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

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B]`` of data, which claim to be of the given classes where there are any."""
        if self.num_classes is None:
            return super().score(data)
        return logits_of(self.discriminator(self.augmentations(data), required(labels)))
