"""The Dirac-GAN: the smallest game that the zoo's losses and penalties can play."""

import copy
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.game.penalties import assign_penalties
from ganzoo.game.player import Player
from ganzoo.losses import AdversarialLoss
from ganzoo.losses.base import LossTerms, total
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.constraint import Constraint
from ganzoo.penalties.context import Context
from ganzoo.theory.dirac_checks import Evaluate, check_forgets, check_loss, check_penalty
from ganzoo.theory.game import DifferentiableGame

# Copies of the one point in a batch: losses of pairs of samples need two.
COPIES = 2


@defaults_from("theory/game/dirac")
class DiracGAN(DifferentiableGame):
    """Data at one point c, a generator of one point theta, a discriminator ``D(x) = psi x``.

    Mescheder et al. (2018, arXiv:1801.04406), section 2, with c = 0. The parameters are
    (psi, theta), and the equilibrium is (0, c), except for a loss whose best logit is not zero
    (f_gan_kullback_leibler, least_squares) with another c than 0. Loss and penalties are the
    zoo's own objects, called as ``ganzoo.models.gan`` calls them, on batches of copies of the
    points. With c = 0 and the slope a of the loss at a logit of zero (1/2 for minimax and
    non-saturating, 1 for wasserstein and hinge) the flow has the eigenvalues ``+- i a``, and with
    R1 of weight gamma ``-gamma/2 +- sqrt(gamma^2/4 - a^2)``.

    A constraint on weights takes effect after every step.

    Departures: the zoo's logits are high for real data, where the paper's are low: psi has the
    other sign. Derivatives by generated data of penalties that take these as constants are not
    seen; with this discriminator they are zero.

    Args:
        loss: The objective.
        penalties: Penalties and constraints, by any names.
        target: c, where the data are.

    Raises:
        InputError: if target is not finite; if the loss, or a penalty, has no meaning in this
            game: if it draws random numbers, keeps a memory, needs many different samples, acts
            only in some steps, is constant, or is not finite.
    """

    def __init__(
        self,
        *,
        loss: AdversarialLoss = FROM_CONFIG,
        penalties: Mapping[str, Penalty | Constraint] = FROM_CONFIG,
        target: float = FROM_CONFIG,
    ) -> None:
        if not math.isfinite(target):
            raise InputError(f"target must be a finite number, not {target}")
        self.loss = copy.deepcopy(loss)
        self.penalties = {name: copy.deepcopy(penalty) for name, penalty in penalties.items()}
        self._real = torch.full((COPIES, 1), float(target), dtype=torch.float64)
        with torch.random.fork_rng(devices=[]):
            self.discriminator = nn.Linear(1, 1, bias=False, dtype=torch.float64)
            self.generator = _Point()
            equilibrium = torch.tensor([0.0, target], dtype=torch.float64)
            super().__init__(self._build_players(), equilibrium=equilibrium)
            self._add_penalties()
            self.move_to(equilibrium)

    def _build_players(self) -> list[Player]:
        def player(name: str, module: nn.Module, losses: Callable[[Context], LossTerms]) -> Player:
            return Player(name, module, losses, role=name, context=self._context)

        return [
            player("discriminator", self.discriminator, self._discriminator_losses),
            player("generator", self.generator, self._generator_losses),
        ]

    def _context(self, minibatch: None = None) -> Context:
        return Context(
            real=self._real,
            outputs=lambda data: self.discriminator(data).squeeze(1),
            discriminator=self.discriminator,
            generator=self.generator,
            generate=lambda latents, labels: self.generator(latents),
            draw_latents=lambda count: torch.zeros(count, 1, dtype=torch.float64),
        )

    def _discriminator_losses(self, context: Context) -> LossTerms:
        return self.loss.discriminator(context.real_logits, context.fake_logits)

    def _generator_losses(self, context: Context) -> LossTerms:
        return self.loss.generator_against(context.fake_logits, lambda: context.real_logits)

    def _add_penalties(self) -> None:
        check_loss(self.loss, self._losses_at)
        assign_penalties(self.penalties, self.players)
        for name, penalty in self.penalties.items():
            player = next(player for player in self.players if player.name == penalty.on)
            _attach(name, penalty, player)
            if isinstance(penalty, Penalty):
                check_penalty(name, penalty, self._term_at(penalty, player))
            else:
                check_forgets(f"penalty {name}", penalty)

    def _losses_at(self, psi: float, theta: float) -> Tensor:
        self.move_to(torch.tensor([psi, theta], dtype=torch.float64))
        losses = [total(player.losses(self._context())) for player in self.players]
        return torch.stack(losses).detach()

    def _term_at(self, penalty: Penalty, player: Player) -> Evaluate:
        def term(psi: float, theta: float) -> Tensor:
            self.move_to(torch.tensor([psi, theta], dtype=torch.float64))
            context = self._context()
            context.player = player
            value: Tensor = penalty(context)
            return value.detach()

        return term


class _Point(nn.Module):
    """A generator of one point, whatever the latents."""

    def __init__(self) -> None:
        super().__init__()
        self.point = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, latents: Tensor) -> Tensor:
        """The point once for each of the latents ``[B, 1]``: ``[B, 1]``."""
        return self.point.expand(len(latents), 1)


def _attach(name: str, penalty: Penalty | Constraint, player: Player) -> None:
    try:
        penalty.attach(player.modules)
    except InputError as error:
        raise InputError(f"penalty {name} has no meaning in the Dirac-GAN: {error}") from error
