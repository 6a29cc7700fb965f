"""GAN whose generator looks some updates of the discriminator ahead."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.models.gan import GAN
from ganzoo.models.player import Share, Terms
from ganzoo.models.unrolling import DifferentiableSteps, played_with
from ganzoo.penalties.base import full_precision
from ganzoo.precision import at_least_float32
from ganzoo.strategies.across_devices import mean_across_devices


@defaults_from("model/unrolled_gan")
class UnrolledGAN(GAN):
    """Unrolled GAN: the generator plays against the discriminator's answer to it.

    Metz et al. (2017), "Unrolled Generative Adversarial Networks", sections 2.2 and 2.3 (arXiv
    1611.02163). In the generator's update a copy of the discriminator makes ``unrolling_steps``
    updates on the same real and generated data, and the generator minimises its loss against
    that copy. The gradient flows through the updates, so it also says how the discriminator
    would react. Then the copy is thrown away: the discriminator, its optimizer and everything
    that remembers (running statistics of networks, penalties and losses) stay as they were, and
    the discriminator's own updates are those of the plain game. With no unrolling steps this is
    the plain game.

    The copy moves as the discriminator's own optimizer would move it, momentum included, on its
    loss and its penalties. With several devices each of its steps takes the mean gradient of
    all, so that N devices compute what one would with N times the batch. The copy's updates are
    computed in float32 or better, since their gradients are differentiated again.

    Departures: any loss and optimizer; the paper plays minimax. To a penalty of the discriminator
    generated data are constants, so what the generator could change in it is not seen. Neither
    gradient clipping nor constraints on weights act on the copy. With accumulation each part of a
    batch has a copy of its own.

    Args:
        unrolling_steps: Updates of the copy, at least 0; 5 and 10 in the paper's experiments.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`. The discriminator's optimizer must be
            one of torch's that have the argument ``differentiable``.

    Raises:
        InputError: if ``unrolling_steps`` is not a whole number from 0; in the first update, if
            no gradient flows through the discriminator's optimizer.
    """

    def __init__(self, *, unrolling_steps: int = FROM_CONFIG, **game: Any) -> None:
        super().__init__(**game)
        check_whole(0, unrolling_steps=unrolling_steps)
        self.unrolling_steps = unrolling_steps

    def generator_loss(self, share: Share, fake: Tensor) -> Terms:
        """The generator's loss against the discriminator as it would be some updates later."""
        plain = super().generator_loss
        return played_with(self, self.unrolled(share, fake), lambda: plain(share, fake))

    def unrolled(self, share: Share, fake: Tensor) -> dict[str, Tensor]:
        """What the discriminator's parameters and buffers would be some updates later.

        Args:
            share: Real data ``[B, ...]`` of the generator's update.
            fake: Generated data ``[B', ...]``.

        Returns:
            By their names in this model; gradients flow from the parameters to ``fake``.
        """
        if not self.unrolling_steps:
            return {}
        steps = DifferentiableSteps(self._turns["discriminator"].optimizer.optimizer)
        names, weights = steps.names(self), steps.start()
        memory = {name: buffer.clone() for name, buffer in self.named_buffers()}
        real, fake = at_least_float32(share.data), at_least_float32(fake)
        first = (share.update + 1) * self.discriminator_steps
        for update in range(first, first + self.unrolling_steps):
            ahead = share._replace(data=real, update=update)
            copies = memory | dict(zip(names, weights, strict=True))
            loss = played_with(self, copies, partial(self._foreseen, ahead, fake))
            gradients = torch.autograd.grad(
                loss, weights, create_graph=True, materialize_grads=True
            )
            weights = steps.step(weights, mean_across_devices(gradients))
        own = {name: b for name, b in memory.items() if name.startswith("discriminator.")}
        return own | dict(zip(names, weights, strict=True))

    def _foreseen(self, share: Share, fake: Tensor) -> Tensor:
        """What a copy of the discriminator minimises: a scalar."""
        with full_precision(fake.device):
            terms = self.discriminator_loss(share, fake)
            terms = terms | self.penalise(self.penalties, share, fake)
        return torch.stack(list(terms.values())).sum()
