"""The Dirac-GAN, and what Mescheder et al. (2018, arXiv:1801.04406) say of its training."""

import math
from functools import cache, partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from torch.optim import SGD

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
from ganzoo.optim import Alternating, ConsensusOptimization, Simultaneous
from ganzoo.penalties import R1, R2, GradientPenalty, WeightClipping
from ganzoo.theory.dirac import DiracGAN
from ganzoo.theory.gaussian_games import GaussianMeanGAN
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.update_operator import UpdateOperator
from ganzoo.theory.verdict import Verdict, analyse, analyse_flow

START = torch.tensor([0.5, 0.5], dtype=torch.float64)
SLOPES = {
    "minimax": (Minimax(label_smoothing=0.0), 0.5),
    "non_saturating": (NonSaturating(label_smoothing=0.0), 0.5),
    "wasserstein": (Wasserstein(), 1.0),
    "hinge": (Hinge(), 1.0),
}
every_slope = pytest.mark.parametrize(("loss", "slope"), SLOPES.values(), ids=SLOPES)

REMEMBERS, RANDOM, CONSTANT = "remembers earlier", "draws random numbers", "is constant"
REFUSED_LOSSES = dict.fromkeys(("boundary_equilibrium", "fisher", "top_k"), REMEMBERS)
REFUSED_PENALTIES = {
    "approximate_r1": RANDOM,
    "approximate_r2": RANDOM,
    "balanced_consistency": RANDOM,
    "consistency": RANDOM,
    "historical_averaging": REMEMBERS,
    "historical_averaging_generator": REMEMBERS,
    "latent_consistency": CONSTANT,
    "latent_diversity": CONSTANT,
    "lecam": REMEMBERS,
    "moment_matching_kullback_leibler": "is not finite",
    "orthogonal": "no layer is named",
    "orthonormal": "no layer is named",
    "path_length": "set its interval to 1",
    "pulling_away": CONSTANT,
    "spectral": REMEMBERS,
}


def dirac(loss, target=0.0, **penalties):
    return DiracGAN(loss=loss, penalties=penalties, target=target)


def descent(rate, rule, **more):
    return UpdateOperator(update_rule=rule, optimizer=partial(SGD, lr=rate), **more)


def minimax():
    return Minimax(label_smoothing=0.0)


def r1(weight):
    return R1(weight=weight, interval=1)


@cache
def penalty_nodes():
    names = [name for name in group_choices("penalty") if name != "none"]
    return compose_config([f"penalty=[{','.join(names)}]"]).penalty


@cache
def loss_of(name):
    return build(compose_config([], config_name=f"loss/{name}").loss)


def logistic(t):
    return 1 / (1 + math.exp(-t))


@settings(max_examples=10, deadline=None)
@given(psi=st.floats(-3, 3), theta=st.floats(-3, 3), target=st.floats(-2, 2))
def test_the_field_by_hand(psi, theta, target):
    point = torch.tensor([psi, theta], dtype=torch.float64)
    fake, real = logistic(psi * theta), logistic(-psi * target)
    cases = {
        minimax(): [theta * fake - target * real, -psi * fake],
        NonSaturating(label_smoothing=0.0): [theta * fake - target * real, -psi * (1 - fake)],
        Wasserstein(): [theta - target, -psi],
        LeastSquares(fake_target=-1.0, real_target=1.0, generator_target=0.0): [
            (psi * theta + 1) * theta + (psi * target - 1) * target,
            psi * theta * psi,
        ],
    }
    for loss, expected in cases.items():
        field = dirac(loss, target, first=r1(3.0)).field(point)
        np.testing.assert_allclose(field, [expected[0] + 3 * psi, expected[1]], atol=1e-12)


@pytest.mark.parametrize("name", group_choices("loss"))
def test_every_loss_is_played_or_refused_in_one_line(name):
    reason = REFUSED_LOSSES.get(name)
    if reason:
        with pytest.raises(InputError, match=reason) as caught:
            dirac(loss_of(name))
        assert "\n" not in str(caught.value)
        return
    check_jacobian(dirac(loss_of(name), target=0.6))


@pytest.mark.parametrize("name", [name for name in group_choices("penalty") if name != "none"])
def test_every_penalty_is_played_or_refused_in_one_line(name):
    penalty, reason = build(penalty_nodes()[name]), REFUSED_PENALTIES.get(name)
    if reason:
        with pytest.raises(InputError, match=reason) as caught:
            dirac(minimax(), this=penalty)
        assert "\n" not in str(caught.value)
        return
    check_jacobian(dirac(minimax(), target=0.6, this=penalty))


def check_jacobian(game):
    for point in ([0.7, -0.3], [-1.8, 1.1]):
        matrix = game.jacobian(torch.tensor(point, dtype=torch.float64))
        rough = approx_fprime(point, lambda x: game.field(torch.from_numpy(x)).numpy(), 1e-7)
        np.testing.assert_allclose(matrix.numpy(), rough, atol=1e-5, rtol=1e-5)


@settings(max_examples=8, deadline=None)
@given(gamma=st.floats(0.01, 6), penalty=st.sampled_from([R1, R2]))
@every_slope
def test_zero_centred_penalties_have_the_eigenvalues_of_the_paper(loss, slope, gamma, penalty):
    """-gamma/2 +- sqrt(gamma^2/4 - f'(0)^2), converging for any gamma above 0."""
    game = dirac(loss, penalty=penalty(weight=gamma, interval=1))
    analysis = analyse_flow(game, game.equilibrium, tolerance=1e-9)
    root = np.sqrt(complex(gamma**2 / 4 - slope**2))
    expected = np.array([-gamma / 2 + root, -gamma / 2 - root])
    found = analysis.eigenvalues.numpy()
    np.testing.assert_allclose(found.sum(), expected.sum(), atol=1e-9)
    np.testing.assert_allclose(found.prod(), expected.prod(), atol=1e-9)
    assert analysis.rate == pytest.approx(math.exp(expected.real.max()), abs=1e-6)
    assert analysis.verdict is Verdict.CONVERGES


@every_slope
def test_the_critical_weight_is_twice_the_slope(loss, slope):
    for factor, turns in ((0.99, True), (1.01, False)):
        game = dirac(loss, first=r1(2 * slope * factor))
        assert (game.eigenvalues(game.equilibrium).imag.abs().max() > 1e-3) == turns


@every_slope
def test_without_a_penalty_nothing_converges(loss, slope):
    """Eigenvalues +- f'(0) i; alternating updates rotate while sqrt(n_d) lr f'(0) < 2."""
    game = dirac(loss)
    flow = analyse_flow(game, game.equilibrium, tolerance=1e-9)
    np.testing.assert_allclose(np.sort(flow.eigenvalues.imag), [-slope, slope], atol=1e-12)
    assert flow.verdict is Verdict.CYCLES
    for rate in (0.1, 1.0):
        found = analyse(descent(rate, Simultaneous()), game, game.equilibrium, tolerance=1e-9)
        assert found.verdict is Verdict.DIVERGES
        assert found.rate == pytest.approx(np.sqrt(1 + (rate * slope) ** 2))
        for steps in (1, 3):
            operator = descent(rate, Alternating(), discriminator_steps=steps)
            found = analyse(operator, game, game.equilibrium, tolerance=1e-9)
            assert found.verdict is Verdict.CYCLES
            angle = 2 * np.arcsin(np.sqrt(steps) * rate * slope / 2)
            assert found.eigenvalues[0].abs().item() == pytest.approx(1)
            assert abs(found.eigenvalues[0].angle().item()) == pytest.approx(angle)


NOISY = GaussianMeanGAN(loss=minimax(), mean=[0.0], deviation=1.0, nodes=12)
DESCENT = descent(0.2, Alternating())
TABLE = [  # method, optimizer, whether it converges
    ("minimax", dirac(minimax()), DESCENT, False),
    ("non-saturating", dirac(NonSaturating(label_smoothing=0.0)), DESCENT, False),
    ("wgan", dirac(Wasserstein()), DESCENT, False),
    (
        "wgan, clipped",
        dirac(Wasserstein(), clip=WeightClipping(clip_value=1.0, on="discriminator")),
        DESCENT,
        False,
    ),
    ("wgan_gp", dirac(Wasserstein(), gp=GradientPenalty(weight=1.0, interval=1)), DESCENT, False),
    ("instance noise", NOISY, DESCENT, True),
    ("consensus", dirac(minimax()), descent(0.2, ConsensusOptimization(weight=1.0)), True),
    ("r1", dirac(minimax(), r1=r1(1.0)), DESCENT, True),
    ("r2", dirac(minimax(), r2=R2(weight=1.0, interval=1)), DESCENT, True),
]


@pytest.mark.parametrize(
    ("name", "game", "operator", "converges"), TABLE, ids=lambda x: str(x)[:14]
)
def test_the_table_of_methods(name, game, operator, converges):
    """Verdicts of linearisations, and where trajectories end."""
    verdict = analyse(operator, game, game.equilibrium, tolerance=1e-9).verdict
    assert (verdict is Verdict.CONVERGES) == converges
    distances = (trajectory(operator, game, start=START, steps=300) - game.equilibrium).norm(dim=1)
    if converges:
        assert distances[-1] < 1e-2 * distances[0]
    else:
        assert distances[-100:].max() > 0.2 * distances[0]


def test_a_penalty_with_a_kink_has_no_verdict():
    """At a flat critic the gradient of (|psi| - 1)^2 jumps: no equilibrium is smooth."""
    game = dirac(Wasserstein(), gp=GradientPenalty(weight=1.0, interval=1))
    analysis = analyse_flow(game, game.equilibrium, tolerance=1e-9)
    assert analysis.verdict is Verdict.UNDECIDED
    assert not analysis.differentiable
    assert math.isnan(analysis.rate) and not len(analysis.eigenvalues)


def test_clipping_bounds_the_discriminator_and_no_one_else():
    clip = WeightClipping(clip_value=0.3, on="discriminator")
    points = trajectory(DESCENT, dirac(Wasserstein(), clip=clip), start=START, steps=200)
    assert points[:, 0].abs().max() == pytest.approx(0.3)
    assert points[:, 1].abs().max() > 0.45


def test_playing_changes_neither_the_objects_nor_the_random_numbers():
    loss, penalty = loss_of("wasserstein"), GradientPenalty(weight=1.0, interval=1)
    state = torch.get_rng_state()
    game = dirac(loss, this=penalty)
    game.field(START)
    assert torch.equal(torch.get_rng_state(), state)
    assert game.penalties["this"] is not penalty


def test_wrong_targets_and_players_are_refused():
    with pytest.raises(InputError, match="target must be a finite number"):
        dirac(minimax(), target=float("inf"))
    clip = WeightClipping(clip_value=1.0, on="encoder")
    with pytest.raises(InputError, match="no player is named 'encoder'"):
        dirac(minimax(), clip=clip)
    with pytest.raises(InputError, match="set its interval to 1"):
        dirac(minimax(), lazy=R1(weight=1.0, interval=16))
