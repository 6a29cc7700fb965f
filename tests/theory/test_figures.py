"""The numbers behind the figures, against closed forms."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from ganzoo.composition.compose import build
from ganzoo.composition.theory import compose_theory
from ganzoo.errors import InputError
from ganzoo.optim import Simultaneous
from ganzoo.theory.behaviour import Behaviour, behaviour_of, followed_trajectory
from ganzoo.theory.figures.divergences import Divergences
from ganzoo.theory.figures.gaussian_kl import GaussianKL
from ganzoo.theory.figures.mode_seeking import ModeSeeking
from ganzoo.theory.figures.phase_portrait import portrait
from ganzoo.theory.figures.portraits import Portraits
from ganzoo.theory.games import Bilinear
from ganzoo.theory.update_operator import UpdateOperator


def figure(*words):
    return build(compose_theory(list(words)).figure)


def test_saturating_gradients_vanish_and_non_saturating_ones_do_not():
    """KL(q || p) - 2 JS has slope theta - (slope of 2 JS); the critic's slope is 1."""
    gradients = figure("figure=saturation", "figure.distances=[1,8]").gradients
    minimax, other, critic = (gradients[n] for n in ("minimax", "non_saturating", "wasserstein"))
    torch.testing.assert_close(minimax + other, torch.tensor([1.0, 8.0]).double())
    torch.testing.assert_close(critic, torch.ones(2).double())
    assert minimax[1] < 1e-3 < minimax[0]


def test_costs_have_the_slopes_of_sigmoids():
    found = figure("figure=saturation")
    sigmoid = found.logits.sigmoid()
    torch.testing.assert_close(found.slopes(found.losses["minimax"]), sigmoid)
    torch.testing.assert_close(found.slopes(found.losses["non_saturating"]), 1 - sigmoid)


def test_divergences_of_boxes_and_gaussians():
    found = Divergences(deviation=1.5, distances=[0.0, 0.5, 3.0], highest=4.0)
    boxes = found.of_boxes
    assert boxes["Jensen-Shannon"] == pytest.approx([0, math.log(2) / 2, math.log(2)], abs=1e-6)
    assert boxes["total variation"] == pytest.approx([0, 0.5, 1], abs=1e-6)
    assert boxes["squared Hellinger"] == pytest.approx([0, 1, 2], abs=1e-6)
    assert boxes["Wasserstein-1"] == pytest.approx([0, 0.5, 3], abs=1e-6)
    assert boxes["KL(P‖Q)"][1:] == [math.inf, math.inf]
    expected = [math.log(1.5) + (1 + t * t) / (2 * 1.5**2) - 0.5 for t in (0, 0.5, 3)]
    assert found.of_gaussians["KL(P‖Q)"] == pytest.approx(expected, abs=1e-6)


def test_the_value_at_the_best_discriminator_is_that_of_the_loss():
    formula, costs = figure("figure=optimal_discriminator", "figure.distances=[0,2]").values
    assert formula == pytest.approx(costs, abs=1e-9)
    same = figure(
        "figure=optimal_discriminator", "figure.distances=[0]", "figure.deviation=1"
    ).values
    assert same[1] == pytest.approx([-math.log(4)], abs=1e-9)


def test_kl_of_gaussians_and_its_gradient():
    found = GaussianKL(
        deviations=[0.5], reach=2.0, covariance=[[1.0, 0.8], [0.8, 1.0]], levels=[1.0]
    )
    values, slopes = found.divergence(0.5)
    torch.testing.assert_close(values, found.places**2 / (2 * 0.5**2))
    torch.testing.assert_close(slopes, found.places / 0.5**2)
    assert "9 times" in found.caption


def test_forward_kl_matches_moments_and_reverse_kl_seeks_the_heavier_mode():
    found = ModeSeeking(weight=0.7, deviation=0.5, half_distance=3.0, half_distances=[3.0])
    covering, seeking = found.fits["KL(P‖Q)"], found.fits["KL(Q‖P)"]
    assert covering.mean == pytest.approx(-0.4 * 3, abs=1e-3)
    assert covering.deviation == pytest.approx(math.sqrt(0.25 + 9 - 1.2**2), abs=1e-3)
    assert (seeking.mean, seeking.deviation) == pytest.approx((-3, 0.5), abs=1e-3)
    assert seeking.divergence == pytest.approx(-math.log(0.7), abs=1e-4)
    assert "KL(P‖Q) covers both, KL(Q‖P) seeks one" in found.caption


def test_gradients_against_trained_discriminators_of_parallel_lines():
    found = figure("figure=parallel_lines", "figure.steps=[30,300]").gradients
    assert found["minimax"][1] < 0.1 * found["minimax"][0]
    assert found["non_saturating"][1] > found["non_saturating"][0]
    assert found["wasserstein_clipped"][1] > 0.9 * found["wasserstein_clipped"][0]


def bilinear():
    return Bilinear(matrix=[[1.0]])


def test_the_portrait_of_a_bilinear_game_is_a_rotation():
    """dx/dt = y, dy/dt = -x for V = xy, of which the discriminator x is the maximiser."""
    path = torch.tensor([[1.0, 0.0], [0.0, -1.0]]).double()
    found = portrait(bilinear(), torch.zeros(2).double(), path)
    across, up = np.meshgrid(*found.places)
    np.testing.assert_allclose(found.arrows[0], up, atol=1e-12)
    np.testing.assert_allclose(found.arrows[1], -across, atol=1e-12)
    assert found.path == path.tolist() and found.names == ["discriminator", "generator"]


def test_a_sheet_has_an_axes_for_each_portrait():
    found = portrait(bilinear(), torch.zeros(2).double(), torch.ones(3, 2).double())
    canvas = Portraits(portraits=dict.fromkeys("abcde", (found, "cycles")), columns=4).draw()
    assert sum(axes.get_visible() for axes in canvas.axes) == 5
    with pytest.raises(InputError, match="no phase portrait"):
        Portraits(portraits={}, columns=4)


def test_trajectories_that_leave_are_cut():
    game = bilinear()
    far = UpdateOperator(update_rule=Simultaneous(), optimizer=partial(torch.optim.SGD, lr=1.0))
    start = torch.ones(2).double()
    path = followed_trajectory(far, game, torch.zeros(2).double(), start, 10_000)
    distances = path.norm(dim=1)
    expected = math.sqrt(2) * math.sqrt(2) ** torch.arange(len(path)).double()
    torch.testing.assert_close(distances, expected)
    assert distances[-2] <= 20 * (1 + math.sqrt(2)) < distances[-1]
    assert behaviour_of(distances, 10_000) is Behaviour.LEAVES


@pytest.mark.parametrize(
    ("rate", "behaviour"),
    [
        (0.9, Behaviour.ARRIVES),
        (0.998, Behaviour.APPROACHES),
        (1.0, Behaviour.STAYS),
        (1.002, Behaviour.LEAVES),
    ],
)
def test_behaviours_of_geometric_distances(rate, behaviour):
    assert behaviour_of(rate ** torch.arange(401.0), 400) is behaviour
