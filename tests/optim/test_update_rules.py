"""Single steps of the update rules against formulas with the game's whole Jacobian."""

import logging

import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.optim import (
    CompetitiveGradientDescent,
    ConsensusOptimization,
    Extragradient,
    PastExtragradient,
    SignAlignment,
    Simultaneous,
    SymplecticGradientAdjustment,
)

LR = 0.05


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def blockwise(values, random_game):
    """A vector that has each player's value at each of its coordinates."""
    pairs = zip(values, random_game.sizes, strict=True)
    return torch.cat([torch.full((size,), value, dtype=torch.float64) for value, size in pairs])


def test_extragradient_steps_along_the_gradient_one_step_ahead(random_game):
    it = random_game(lr=LR)
    z, g = it.position(), it.gradient
    assert_close(it.follow(Extragradient())[0], z - LR * g(z - LR * g(z)))


def test_past_extragradient_is_popovs_recursion(random_game):
    it = random_game(lr=LR)
    z = ahead = it.position()
    path = it.follow(PastExtragradient(), iterations=4)
    for found in path:
        slope = it.gradient(ahead)
        z = z - LR * slope
        ahead = z - LR * slope
        assert_close(found, z)


def test_consensus_adds_the_slope_of_half_the_squared_gradient(random_game):
    it = random_game(lr=LR)
    z = it.position()
    v, jacobian = it.gradient(z), it.jacobian(z)
    assert_close(
        it.follow(ConsensusOptimization(weight=0.7))[0], z - LR * (v + 0.7 * jacobian.T @ v)
    )


def test_symplectic_adjustment_is_that_of_the_antisymmetric_part(random_game):
    it = random_game(lr=LR)
    z = it.position()
    xi, jacobian = it.gradient(z), it.jacobian(z)
    turning = (jacobian - jacobian.T) / 2
    rule = SymplecticGradientAdjustment(weight=0.7, alignment=None)
    assert_close(it.follow(rule)[0], z - LR * (xi + 0.7 * turning.T @ xi))


def test_alignment_has_the_sign_of_algorithm_1(random_game):
    signs = set()
    for seed in range(8):
        it = random_game(lr=LR, seed=seed)
        z = it.position()
        xi, jacobian = it.gradient(z), it.jacobian(z)
        adjustment, slope = (jacobian - jacobian.T).T @ xi / 2, jacobian.T @ xi
        sign = torch.sign((xi @ slope) * (adjustment @ slope) / len(z) + 0.1)
        rule = SymplecticGradientAdjustment(weight=0.7, alignment=SignAlignment(offset=0.1))
        assert_close(it.follow(rule)[0], z - LR * (xi + 0.7 * sign * adjustment))
        signs.add(sign.item())
    assert signs == {-1.0, 1.0}, "both cases have been seen"


@pytest.mark.parametrize(("offset", "sign"), [(0.1, 1.0), (0.04, -1.0), (0.05, 0.0)])
def test_alignment_takes_the_mean_over_parameters(offset, sign):
    """Products of 0.5 and -0.4, over four parameters -0.05."""
    gradient = [torch.tensor([0.5, 0.0]), torch.zeros(2)]
    adjustment = [torch.tensor([-0.4, 1.0]), torch.ones(2)]
    slope = [torch.tensor([1.0, 0.0]), torch.zeros(2)]
    assert SignAlignment(offset=offset)(gradient, adjustment, slope) == sign


def test_competitive_steps_solve_the_local_game_at_each_ones_own_rate(random_game):
    it = random_game()
    rates = [0.05, 0.2, 0.1][: len(it.sizes)]
    for player, rate in zip(it.players, rates, strict=True):
        player.optimizer.param_groups[0]["lr"] = rate
    z, eta = it.position(), torch.diag(blockwise(rates, it))
    mixed = it.jacobian(z)
    for block in it.blocks():
        mixed[block, block] = 0
    step = -torch.linalg.solve(torch.eye(len(z)) + eta @ mixed, eta @ it.gradient(z))
    found = it.follow(CompetitiveGradientDescent(tolerance=1e-13, iterations=20))[0]
    torch.testing.assert_close(found, z + step, rtol=1e-8, atol=1e-10)


def test_competitive_steps_are_best_answers_to_each_other(random_game):
    """The step is where each one's local objective has no slope; nothing is solved here."""
    it = random_game(lr=LR)
    z, jacobian = it.position(), it.jacobian(it.position())
    step = it.follow(CompetitiveGradientDescent(tolerance=1e-13, iterations=20))[0] - z
    for block in it.blocks():
        others = step.clone()
        others[block] = 0
        slope = it.gradient(z)[block] + jacobian[block] @ others + step[block] / LR
        torch.testing.assert_close(slope, torch.zeros_like(slope), rtol=0, atol=1e-7)


TWICE = {
    "consensus": lambda: ConsensusOptimization(weight=0.5),
    "adjusted": lambda: SymplecticGradientAdjustment(
        weight=0.5, alignment=SignAlignment(offset=0.1)
    ),
    "competitive": lambda: CompetitiveGradientDescent(tolerance=1e-10, iterations=20),
}


def test_without_weight_the_steps_are_simultaneous(random_game):
    plain = random_game().follow(Simultaneous(), iterations=3)
    assert_close(random_game().follow(ConsensusOptimization(weight=0.0), iterations=3), plain)
    rule = SymplecticGradientAdjustment(weight=0.0, alignment=None)
    assert_close(random_game().follow(rule, iterations=3), plain)


def test_a_player_alone_on_a_minibatch_has_nobody_to_mix_with(random_game):
    for name in ("adjusted", "competitive"):
        it = random_game(lr=LR)
        z, block = it.position(), it.blocks()[1]
        expected = z.clone()
        expected[block] -= LR * it.gradient(z)[block]
        TWICE[name]().step(it.players[1:2])
        assert_close(it.position(), expected)
    it = random_game(lr=LR)
    own, table = it.gradient(z)[block], it.jacobian(z)[block, block]
    expected[block] = z[block] - LR * (own + 0.5 * table.T @ own)
    TWICE["consensus"]().step(it.players[1:2])
    assert_close(it.position(), expected)


@pytest.mark.parametrize("name", TWICE)
def test_parameters_that_an_objective_does_not_reach_count_as_zero_gradients(name, game):
    """The first player's objective knows nothing of the second, the second's only itself."""
    start = [torch.tensor([1.0, 2.0]).double(), torch.tensor([3.0, 4.0]).double()]
    objectives = [lambda z: z[0] * 2.0, lambda z: z[2].square()]
    it = game(objectives, start, lambda own: torch.optim.SGD(own, lr=0.1))
    squared = {"consensus": 0.5 * 2 * 6.0}.get(name, 0.0)  # of the second's gradient 2 * 3
    expected = torch.tensor([1 - 0.2, 2.0, 3 - 0.1 * (6 + squared), 4.0]).double()
    torch.testing.assert_close(it.follow(TWICE[name]())[0], expected)


def extra_adam(gradient, z, lr, betas, eps, rounds, past):
    """Algorithm 4 of Gidel et al. (2019), options 1 and 2, in NumPy; the first step has no past."""
    first, second = np.zeros_like(z), np.zeros_like(z)
    count, kept = 0, None

    def step(here, g):
        nonlocal first, second, count
        count += 1
        first = betas[0] * first + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g * g
        corrected = first / (1 - betas[0] ** count)
        return here - lr * corrected / (np.sqrt(second / (1 - betas[1] ** count)) + eps)

    for _ in range(rounds):
        known = kept if past else gradient(z)
        ahead = z if known is None else step(z, known)
        kept = gradient(ahead)
        z = step(z, kept)
    return z


@pytest.mark.parametrize("past", [False, True])
def test_with_adam_the_moments_learn_from_both_steps(random_game, past):
    lr, betas, eps = 0.02, (0.5, 0.9), 1e-8
    it = random_game(optimizer=lambda own: torch.optim.Adam(own, lr=lr, betas=betas, eps=eps))

    def gradient(z):
        return it.gradient(torch.from_numpy(z)).numpy()

    expected = extra_adam(gradient, it.position().numpy(), lr, betas, eps, 5, past)
    found = it.follow(PastExtragradient() if past else Extragradient(), iterations=5)[-1]
    assert_close(found, torch.from_numpy(expected))


def test_the_past_can_be_kept_and_taken_up(random_game, tmp_path):
    it, rule = random_game(), PastExtragradient()
    it.follow(rule, iterations=3)
    torch.save(rule.state_dict(), tmp_path / "rule")
    state = [[p.detach().clone() for p in own] for own in it.parameters]
    onwards = it.follow(rule, iterations=3)
    with torch.no_grad():
        for own, saved in zip(it.parameters, state, strict=True):
            for parameter, value in zip(own, saved, strict=True):
                parameter.copy_(value)
    again = PastExtragradient()
    again.load_state_dict(torch.load(tmp_path / "rule", weights_only=True))
    assert it.follow(again, iterations=3).equal(onwards)
    forgetful = random_game()
    forgetful.follow(PastExtragradient(), iterations=3)
    assert not forgetful.follow(PastExtragradient(), iterations=3).equal(onwards)


def test_a_solver_that_does_not_converge_says_so_once(random_game, caplog):
    it, rule = random_game(lr=1.0), CompetitiveGradientDescent(tolerance=1e-12, iterations=1)
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        it.follow(rule, iterations=2)
    (record,) = caplog.records
    assert "tolerance=1e-12 after iterations=1" in record.getMessage()


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_wrong_weights_are_refused(value):
    with pytest.raises(InputError, match="weight must be zero or a positive number"):
        ConsensusOptimization(weight=value)
    with pytest.raises(InputError, match="weight must be zero or a positive number"):
        SymplecticGradientAdjustment(weight=value, alignment=None)
    with pytest.raises(InputError, match="offset must be zero or a positive number"):
        SignAlignment(offset=value)


def test_wrong_settings_of_the_solver_are_refused():
    with pytest.raises(InputError, match="tolerance must be a positive number"):
        CompetitiveGradientDescent(tolerance=0.0, iterations=5)
    with pytest.raises(InputError, match="iterations must be a whole number from 1"):
        CompetitiveGradientDescent(tolerance=1e-3, iterations=0)
