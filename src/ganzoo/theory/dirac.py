"""The Dirac-GAN: the smallest game that the zoo's losses and penalties can play."""

import copy
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.losses import AdversarialLoss
from ganzoo.penalties import Regularizer, Scene
from ganzoo.theory.dirac_checks import check_constraint, check_loss, check_penalty
from ganzoo.theory.game import Game, Parameters

# Copies of the one point in a batch: losses of pairs of samples need two.
COPIES = 2


@defaults_from("theory/game/dirac")
class DiracGAN(Game):
    """Data at one point c, a generator of one point theta, a discriminator ``D(x) = psi x``.

    Mescheder et al. (2018, arXiv:1801.04406), section 2, with c = 0. The parameters are
    (psi, theta), and the equilibrium is (0, c), except for a loss whose best logit is not zero
    (f_gan_kullback_leibler, least_squares) with another c than 0. Loss and penalties are the
    zoo's own objects, called as ``ganzoo.models.gan`` calls them, on batches of copies of the
    points. With c = 0 and the slope a of the loss at a logit of zero (1/2 for minimax and
    non-saturating, 1 for wasserstein and hinge) the flow has the eigenvalues ``+- i a``, and with
    R1 of weight gamma ``-gamma/2 +- sqrt(gamma^2/4 - a^2)``.

    A constraint on weights takes effect after every update.

    Departures: the zoo's logits are high for real data, where the paper's are low: psi has the
    other sign. Derivatives of penalties by generated data are not seen, since the zoo computes
    penalties of the discriminator on constant data; with this discriminator they are zero.

    Args:
        loss: the objective.
        penalties: by any names.
        target: c, where the data are.

    Raises:
        InputError: if target is not finite; if the loss, or a penalty, has no meaning in this
            game: if it draws random numbers, keeps a memory, needs many different samples, acts
            only in some updates, is constant, or is not finite.
    """

    def __init__(
        self,
        *,
        loss: AdversarialLoss = FROM_CONFIG,
        penalties: Mapping[str, Regularizer] = FROM_CONFIG,
        target: float = FROM_CONFIG,
    ) -> None:
        super().__init__(sizes={"discriminator": 1, "generator": 1})
        if not math.isfinite(target):
            raise InputError(f"target must be a finite number, not {target}")
        self.target = float(target)
        self.loss = copy.deepcopy(loss)
        self.penalties = {name: copy.deepcopy(penalty) for name, penalty in penalties.items()}
        self._real = torch.full((COPIES, 1), self.target, dtype=torch.float64)
        self._scores = {
            "discriminator": self._discriminator_loss,
            "generator": self._generator_loss,
        }
        with torch.random.fork_rng(devices=[]):
            self._players = _Players()
            self._begin()

    @property
    def equilibrium(self) -> Tensor:
        """A flat discriminator, and the generator at the data."""
        return torch.tensor([0.0, self.target], dtype=torch.float64)

    def objective(self, player: str, parameters: Parameters) -> Tensor:
        """The player's loss and its penalties."""
        return self._play(parameters, lambda: self._scores[player]() + self._penalise(player))

    def constrain(self, point: Tensor) -> Tensor:
        """Let constraints on weights move the players, one parameter by itself."""
        for player, penalty in self._constraints:
            own = self.slices[player]
            moved = project(penalty, point[own])
            # An entry that is moved is where the constraint puts it, wherever it came from.
            kept = torch.where(moved == point[own], point[own], moved)
            point = torch.cat([point[: own.start], kept, point[own.stop :]])
        return point

    def _begin(self) -> None:
        check_loss(self.loss, lambda *at: self._probe(self._all_scores, *at))
        networks = self._players.networks()
        for name, penalty in self.penalties.items():
            if penalty.player not in networks:
                raise InputError(
                    f"penalty {name}: no player is named {penalty.player!r}: choose from "
                    + ", ".join(networks)
                )
            _attach(name, penalty, networks)
            if penalty.due(0):
                check_penalty(name, penalty, self._term_of(penalty))
            check_constraint(name, penalty)
        self._constraints = [
            (penalty.player, penalty)
            for penalty in self.penalties.values()
            if type(penalty).project is not Regularizer.project
        ]

    def _term_of(self, penalty: Regularizer) -> Callable[[float, float], Tensor]:
        return lambda *at: self._probe(lambda: penalty.term(self._scene()), *at)

    def _probe(self, compute: Callable[[], Tensor], psi: float, theta: float) -> Tensor:
        parameters = {
            "discriminator": torch.tensor([psi], dtype=torch.float64),
            "generator": torch.tensor([theta], dtype=torch.float64),
        }
        return self._play(parameters, compute).detach()

    def _play(self, parameters: Parameters, compute: Callable[[], Tensor]) -> Tensor:
        """Compute something with the players' networks made of these parameters."""
        weights = {
            "discriminator.weight": parameters["discriminator"].view(1, 1),
            "generator.point": parameters["generator"],
        }
        with torch.random.fork_rng(devices=[]):
            value: Tensor = functional_call(self._players, weights, (compute,))
        return value

    def _all_scores(self) -> Tensor:
        return torch.stack([score() for score in self._scores.values()])

    def _discriminator_loss(self) -> Tensor:
        scene = self._scene()
        logits = scene.discriminator(scene.real), scene.discriminator(scene.fake)
        return total(self.loss.discriminator(*logits))

    def _generator_loss(self) -> Tensor:
        scene = self._scene()
        logits = scene.discriminator(scene.fake)
        terms = self.loss.generator_against(logits, lambda: scene.discriminator(scene.real))
        return total(terms)

    def _penalise(self, player: str) -> Tensor:
        due = [p for p in self.penalties.values() if p.player == player and p.due(0)]
        if not due:
            return torch.zeros((), dtype=torch.float64)
        scene = self._scene()
        return torch.stack([penalty.term(scene) for penalty in due]).sum()

    def _scene(self) -> Scene:
        players = self._players
        return Scene(
            networks=players.networks(),
            discriminator=players.judge,
            generator=players.generator,
            latents=_latents,
            real=self._real,
            fake=players.generator(_latents(COPIES)),
        )


class _Point(nn.Module):
    """A generator of one point, whatever the latents."""

    def __init__(self) -> None:
        super().__init__()
        self.point = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, latents: Tensor) -> Tensor:
        """The point once for each of the latents ``[B, 1]``: ``[B, 1]``."""
        return self.point.expand(len(latents), 1)


class _Players(nn.Module):
    """Both networks; its forward pass is any computation with them."""

    def __init__(self) -> None:
        super().__init__()
        self.discriminator = nn.Linear(1, 1, bias=False, dtype=torch.float64)
        self.generator = _Point()

    def networks(self) -> dict[str, nn.Module]:
        """The networks by their players' names."""
        return {"discriminator": self.discriminator, "generator": self.generator}

    def judge(self, data: Tensor) -> Tensor:
        """Logits ``[B]`` of data ``[B, 1]``."""
        logits: Tensor = self.discriminator(data).squeeze(1)
        return logits

    def forward(self, compute: Callable[[], Tensor]) -> Tensor:
        """What the computation gives."""
        return compute()


def _attach(name: str, penalty: Regularizer, networks: dict[str, nn.Module]) -> None:
    try:
        penalty.attach(networks)
    except InputError as error:
        raise InputError(f"penalty {name} has no meaning in the Dirac-GAN: {error}") from error


def project(penalty: Regularizer, parameters: Tensor) -> Tensor:
    """Where a constraint moves a player's parameters ``[n]``."""
    moved = nn.Parameter(parameters.detach().clone())
    penalty.project([moved])
    return moved.detach()


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of a player's terms: a scalar."""
    return torch.stack(list(terms.values())).sum()


def _latents(count: int) -> Tensor:
    return torch.zeros(count, 1, dtype=torch.float64)
