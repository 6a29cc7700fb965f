"""GAN whose generator looks some updates of the discriminator ahead."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms, total
from ganzoo.models.gan import GAN
from ganzoo.optim.differentiable_steps import DifferentiableSteps, called_with
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32, gradients_without_autocast
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

    def generator_losses(self, context: Context) -> LossTerms:
        """The generator's loss against the discriminator as it would be some steps later."""
        plain = partial(super().generator_losses, context)
        return called_with(self, self.unrolled(context), plain)

    def unrolled(self, context: Context) -> dict[str, Tensor]:
        """What the discriminator's parameters and buffers would be some steps later.

        Args:
            context: Of the generator's step.

        Returns:
            By their names in this model; gradients flow from the parameters to the generated data.
        """
        if not self.unrolling_steps:
            return {}
        player = next(player for player in self.players if player.name == "discriminator")
        steps = DifferentiableSteps(player.optimizer)
        names, weights = steps.names(self), steps.start()
        memory = {name: buffer.clone() for name, buffer in self.named_buffers()}
        real, fake = at_least_float32(context.real), at_least_float32(context.fake)
        for ahead in range(1, self.unrolling_steps + 1):
            copies = memory | dict(zip(names, weights, strict=True))
            loss = partial(self._foreseen, player, ahead, context.minibatch, real, fake)
            gradients = torch.autograd.grad(
                called_with(self, copies, loss), weights, create_graph=True, materialize_grads=True
            )
            weights = steps.step(weights, mean_across_devices(gradients))
        own = {name: b for name, b in memory.items() if name.startswith("discriminator.")}
        return own | dict(zip(names, weights, strict=True))

    def _foreseen(
        self, player: Player, ahead: int, minibatch: Minibatch, real: Tensor, fake: Tensor
    ) -> Tensor:
        """What a copy of the discriminator minimises in a later step of it: a scalar."""
        penalties = player.penalties_at(player.step_number + ahead)
        context = self.context(minibatch, real=real, fake=fake)
        with gradients_without_autocast(fake.device):
            return total(player.terms_of(context, penalties))
