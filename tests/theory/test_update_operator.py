"""Update rules and optimizers that train, against the maps that papers write down for them."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.optim import SGD, Adam, RMSprop

from ganzoo import optim
from ganzoo.composition.compose import build
from ganzoo.composition.theory import compose_theory, own_choices
from ganzoo.errors import InputError
from ganzoo.penalties import WeightClipping
from ganzoo.theory.games import Bilinear, QuadraticSaddle, VectorGame
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.update_operator import Dynamics, UpdateOperator
from ganzoo.theory.verdict import linearisation, spectral_radius

RATE = 0.2
XY = Bilinear(matrix=[[1.0]])
START = torch.tensor([1.0, -0.5], dtype=torch.float64)


def operator(rule, optimizer=SGD, lr=RATE, **settings):
    return UpdateOperator(update_rule=rule, optimizer=partial(optimizer, lr=lr), **settings)


def nonlinear():
    """A game without symmetry, with a fixed point at the origin."""

    def first(of):
        x, y = of["discriminator"], of["generator"]
        return (x.square() * (1 + y.sum()) + x * y.sin() - x**3).sum() / 2

    def second(of):
        x, y = of["discriminator"], of["generator"]
        return (y.square() / 3 - 2 * x * y + (x * y).square() + y**4).sum()

    return VectorGame(
        objectives={"discriminator": first, "generator": second},
        sizes={"discriminator": 2, "generator": 2},
        equilibrium=None,
    )


class Linear:
    """Closed forms on a field ``v(x) = J x`` of two players, r the learning rate.

    Of rules with a memory: the map of (x, memory).
    """

    def __init__(self, game, rate=RATE):
        self.jacobian = game.jacobian(torch.zeros(game.size).double()).numpy()
        self.rate, self.one = rate, np.eye(game.size)
        self.players = list(game.slices.values())

    def simultaneous(self):
        return self.one - self.rate * self.jacobian

    def in_turns(self, discriminator_steps):
        moved = self.one
        for own in [self.players[0]] * discriminator_steps + [self.players[1]]:
            turn = self.one.copy()
            turn[own] -= self.rate * self.jacobian[own]
            moved = turn @ moved
        return moved

    def momentum(self, kept, added, orders):
        """``u <- kept u - r added g`` and ``x <- x + u``, for each group of players in turn."""
        size = len(self.one)
        moved = np.eye(2 * size)
        for group in orders:
            own = np.concatenate([np.r_[self.players[player]] for player in group])
            turn = np.eye(2 * size)
            turn[size + own, :size] = -self.rate * added * self.jacobian[own]
            turn[size + own, size:] = kept * self.one[own]
            turn[own] += turn[size + own]
            moved = turn @ moved
        return moved

    def optimistic(self):
        """Of (x, x before): ``x - 2 r v(x) + r v(x before)``."""
        ahead = self.rate * self.jacobian
        return np.block([[self.one - 2 * ahead, ahead], [self.one, 0 * self.one]])

    def extragradient(self):
        ahead = self.rate * self.jacobian
        return self.one - ahead + ahead @ ahead

    def from_the_past(self):
        """Of (x, g): ``g' = J (x - r g)`` and ``x' = x - r g'``."""
        new = self.jacobian @ np.hstack([self.one, -self.rate * self.one])
        return np.vstack([np.hstack([self.one, 0 * self.one]) - self.rate * new, new])

    def consensus(self, weight):
        return self.one - self.rate * (self.jacobian + weight * self.jacobian.T @ self.jacobian)

    def adjusted(self, weight):
        rotation = (self.jacobian.T - self.jacobian) / 2
        return self.one - self.rate * (self.jacobian + weight * rotation @ self.jacobian)

    def competitive(self):
        """``(1 + r O)^-1 J`` in place of J, O the blocks off its diagonal."""
        across = self.jacobian.copy()
        for own in self.players:
            across[own, own] = 0
        return self.one - self.rate * np.linalg.solve(self.one + self.rate * across, self.jacobian)

    def lookahead(self, inner, steps, kept):
        """``(1 - a) + a M^k``; the place to go back to is remembered twice, where they go back."""
        mixed = (1 - kept) * self.one + kept * np.linalg.matrix_power(inner, steps)
        return np.block([[mixed, 0 * self.one], [0 * self.one, 0 * self.one]])


IN_TURNS, AT_ONCE = ([0], [1]), ([0, 1],)
CASES = {
    "simultaneous": (operator(optim.Simultaneous()), Linear.simultaneous),
    "alternating": (
        operator(optim.Alternating(), discriminator_steps=2),
        lambda f: f.in_turns(2),
    ),
    "momentum at once": (
        operator(optim.Simultaneous(), partial(SGD, momentum=0.4)),
        lambda f: f.momentum(0.4, 1.0, AT_ONCE),
    ),
    "negative momentum": (
        operator(optim.Alternating(), partial(optim.NegativeMomentumSGD, momentum=-0.4)),
        lambda f: f.momentum(-0.4, 1.0, IN_TURNS),
    ),
    "frozen Adam": (
        operator(optim.Alternating(), partial(SGD, momentum=0.5, dampening=0.5)),
        lambda f: f.momentum(0.5, 0.5, IN_TURNS),
    ),
    "optimistic": (operator(optim.Simultaneous(), optim.OptimisticSGD), Linear.optimistic),
    "extragradient": (operator(optim.Extragradient()), Linear.extragradient),
    "from the past": (operator(optim.PastExtragradient()), Linear.from_the_past),
    "consensus": (
        operator(optim.ConsensusOptimization(weight=0.7)),
        lambda f: f.consensus(0.7),
    ),
    "adjusted": (
        operator(optim.SymplecticGradientAdjustment(weight=0.7, alignment=None)),
        lambda f: f.adjusted(0.7),
    ),
    "aligned": (
        operator(
            optim.SymplecticGradientAdjustment(
                weight=0.7, alignment=optim.SignAlignment(offset=0.1)
            )
        ),
        lambda f: f.adjusted(0.7),
    ),
    "competitive": (
        operator(optim.CompetitiveGradientDescent(tolerance=1e-13, iterations=50)),
        Linear.competitive,
    ),
    "lookahead": (
        operator(optim.Lookahead(optim.Alternating(), steps=3, weight=0.4), iterations=3),
        lambda f: f.lookahead(f.in_turns(1), 3, 0.4),
    ),
}
GAMES = {
    "bilinear": Bilinear(matrix=[[1.0, 0.5], [0.2, -1.0], [0.7, 0.3]]),
    "saddle": QuadraticSaddle(discriminator_curvature=0.5, generator_curvature=-0.3, coupling=2.0),
    "nonlinear": nonlinear(),
}
each = pytest.mark.parametrize("name", CASES)


def coefficients(matrix):
    """Of the characteristic polynomial, which double eigenvalues leave exact."""
    return np.poly(np.asarray(matrix))


@each
@pytest.mark.parametrize("played", GAMES)
def test_eigenvalues_are_those_of_the_closed_form(name, played):
    moved, closed_form = CASES[name]
    game = GAMES[played]
    found = linearisation(moved, game, torch.zeros(game.size).double()).numpy()
    expected = closed_form(Linear(game))
    assert found.shape == expected.shape
    np.testing.assert_allclose(coefficients(found), coefficients(expected), atol=1e-9)


@pytest.mark.parametrize("name", ["simultaneous", "alternating", "extragradient", "competitive"])
def test_maps_without_a_memory_are_the_closed_form_itself(name):
    moved, closed_form = CASES[name]
    found = linearisation(moved, GAMES["nonlinear"], torch.zeros(4).double())
    np.testing.assert_allclose(found, closed_form(Linear(GAMES["nonlinear"])), atol=1e-11)


def test_every_choice_has_a_closed_form():
    """By hand above; Adam and RMSprop have none."""
    rules = {type(moved.update_rule) for moved, _ in CASES.values()}
    for name in own_choices("optimizer"):
        assert type(build(compose_theory([f"optimizer={name}"]).optimizer).update_rule) in rules


@each
def test_the_state_at_rest_stays(name):
    dynamics = Dynamics(CASES[name][0], nonlinear(), torch.zeros(4, dtype=torch.float64))
    dynamics.step()
    rest = dynamics.state()
    dynamics.step()
    torch.testing.assert_close(dynamics.state(), rest, atol=1e-15, rtol=0)


@each
def test_a_state_and_its_map_are_all_there_is_to_a_trajectory(name):
    """Set into players, optimizers and rule, a state goes on as the run that it was read from."""
    start = torch.tensor([0.3, -0.2, 0.4, 0.1], dtype=torch.float64)
    dynamics = Dynamics(CASES[name][0], nonlinear(), start)
    states = []
    for _ in range(5):
        dynamics.step()
        states.append(dynamics.state())
    step = dynamics.map()
    for before, after in reversed(list(pairwise(states))):
        torch.testing.assert_close(step(before), after, atol=1e-14, rtol=0)


@each
def test_the_learning_rate_can_be_changed(name):
    game, zero = nonlinear(), torch.zeros(4, dtype=torch.float64)
    slower = CASES[name][0].with_learning_rate(RATE / 2)
    found = coefficients(linearisation(slower, game, zero))
    expected = coefficients(CASES[name][1](Linear(game, RATE / 2)))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        slower.with_learning_rate(0.0)


@each
def test_points_of_another_size_are_refused(name):
    with pytest.raises(InputError, match="vector of 4 numbers"):
        Dynamics(CASES[name][0], nonlinear(), torch.zeros(3, dtype=torch.float64))


@each
def test_constraints_hold_from_the_start_and_after_every_step(name):
    game = Bilinear(matrix=[[1.0, 0.5], [0.2, 1.0]])
    for player in game.players:
        player.constraints.append(WeightClipping(clip_value=1.0, on=player.name))
    start = torch.tensor([3.0, -1.0, 0.7, 0.9], dtype=torch.float64)
    points = trajectory(CASES[name][0].with_learning_rate(0.9), game, start=start, steps=30)
    assert points.abs().max() <= 1
    assert points[0, 0] == 1


def test_a_run_leaves_the_rule_that_it_was_given_as_it_was():
    rule = optim.Lookahead(optim.PastExtragradient(), steps=3, weight=0.4)
    first, second = (trajectory(operator(rule), XY, start=START, steps=7) for _ in range(2))
    assert torch.equal(first, second)
    assert not rule.state_dict()["slow"]


def test_alternating_updates_happen_in_turn():
    """By hand on V = xy: x <- x + r y, twice, then y <- y - r x with the new x."""
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    in_turn = operator(optim.Alternating(), lr=0.5, discriminator_steps=2)
    assert trajectory(in_turn, XY, start=start, steps=1)[1].tolist() == [3.0, 0.5]
    at_once = operator(optim.Simultaneous(), lr=0.5)
    assert trajectory(at_once, XY, start=start, steps=1)[1].tolist() == [2.0, 1.5]


def by_hand(game, make, steps):
    """One optimizer for each player, in turn, with the gradients of the game."""
    weights = [START[:1].clone().requires_grad_(), START[1:].clone().requires_grad_()]
    optimizers = [make([own]) for own in weights]
    for _ in range(steps):
        for own, optimizer, place in zip(weights, optimizers, game.slices.values(), strict=True):
            own.grad = game.field(torch.cat(weights).detach())[place]
            optimizer.step()
    return torch.cat(weights).detach()


@pytest.mark.parametrize(
    "make",
    [
        partial(Adam, lr=0.05, betas=(0.5, 0.9), eps=1e-6),
        partial(Adam, lr=0.05, betas=(0.0, 0.99), eps=1e-6),
        partial(RMSprop, lr=0.02, alpha=0.95, eps=1e-6),
        partial(SGD, lr=0.1, momentum=0.6),
    ],
)
def test_trajectories_are_those_of_a_loop_by_hand(make):
    game = QuadraticSaddle(discriminator_curvature=0.4, generator_curvature=0.2, coupling=1.0)
    moved = UpdateOperator(optimizer=make, update_rule=optim.Alternating())
    found = trajectory(moved, game, start=START, steps=40)[-1]
    torch.testing.assert_close(found, by_hand(game, make, 40), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", [partial(Adam, betas=(0.5, 0.9)), RMSprop])
def test_a_divisor_that_vanishes_has_no_linearisation(optimizer):
    with pytest.raises(InputError, match="choose frozen_adam"):
        linearisation(operator(optim.Simultaneous(), optimizer), XY, XY.equilibrium)


def test_frozen_adam_is_adam_long_after_the_start_while_its_second_moment_stays():
    frozen = build(compose_theory(["optimizer=frozen_adam"]).optimizer)
    game = QuadraticSaddle(discriminator_curvature=0.4, generator_curvature=0.2, coupling=1.0)
    dynamics = Dynamics(operator(optim.Alternating(), Adam, lr=0.1), game, START)
    for player in game.players:
        player.optimizer = Adam(player.parameters, lr=0.1, betas=(0.5, 1 - 1e-13), eps=1e-12)
        for parameter in player.parameters:
            own = {"step": 1e15, "exp_avg": 0.0, "exp_avg_sq": 1.0}
            like = torch.ones_like(parameter)
            own = {name: value * (like if name != "step" else 1) for name, value in own.items()}
            player.optimizer.state[parameter] = own | {"step": torch.tensor(own["step"])}
    dynamics.step()
    adams = [START.clone(), game.point]
    for _ in range(30):
        dynamics.step()
        adams.append(game.point)
    # torch's first step of momentum has no dampening: begin with Adam's first moment.
    own = Dynamics(frozen, game, adams[1])
    for player, place in zip(game.players, game.slices.values(), strict=True):
        buffer = (adams[0] - adams[1])[place] / 0.1
        player.optimizer.state[player.parameters[0]]["momentum_buffer"] = buffer.clone()
    for expected in adams[2:]:
        own.step()
        torch.testing.assert_close(game.point, expected, rtol=1e-9, atol=1e-9)


def test_momentum_of_the_usual_sign_drives_adam_away_from_a_bilinear_equilibrium():
    def radius(beta):
        settings = partial(SGD, momentum=beta, dampening=beta)
        return spectral_radius(operator(optim.Alternating(), settings), XY, XY.equilibrium)

    assert radius(0.0) == pytest.approx(1, abs=1e-9)
    assert 1.001 < radius(0.5) < radius(0.9)


@pytest.mark.parametrize("setting", ["discriminator_steps", "iterations"])
def test_numbers_of_steps_are_whole(setting):
    with pytest.raises(InputError, match=f"{setting} must be a whole number"):
        operator(optim.Alternating(), **{setting: 0})
