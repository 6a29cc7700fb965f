import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm

from ganzoo.errors import InputError
from ganzoo.losses import Hinge, LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from ganzoo.losses.relativistic import PairedComparison
from ganzoo.theory.fixed_points import fixed_points
from ganzoo.theory.gaussian_games import GaussianCovarianceGAN, GaussianMeanGAN
from ganzoo.theory.verdict import Verdict, analyse_flow

COVARIANCE = [[2.0, 0.6], [0.6, 1.0]]


def minimax():
    return Minimax(label_smoothing=0.0)


def test_learning_a_mean_with_the_wasserstein_loss_is_bilinear():
    """V = psi . (m - theta), whatever the deviation."""
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64)
    game = GaussianMeanGAN(loss=Wasserstein(), mean=mean.tolist(), deviation=0.7, nodes=3)
    psi, theta = torch.tensor([[0.3, -0.4], [2.0, 5.0]], dtype=torch.float64)
    expected = torch.cat([theta - mean, -psi])
    torch.testing.assert_close(game.field(torch.cat([psi, theta])), expected)


@pytest.mark.parametrize("loss", [minimax(), NonSaturating(label_smoothing=0.0)])
@pytest.mark.parametrize("deviation", [0.0, 0.5, 1.0, 1.9, 2.5])
def test_instance_noise_has_the_eigenvalues_of_the_paper(loss, deviation):
    """f''(0) s^2 +- sqrt(f''(0)^2 s^4 - f'(0)^2) with f'(0) = 1/2 and f''(0) = -1/4."""
    game = GaussianMeanGAN(loss=loss, mean=[0.0], deviation=deviation, nodes=20)
    bend = -0.25 * deviation**2
    root = np.sqrt(complex(bend**2 - 0.25))
    expected = np.sort_complex(np.array([bend + root, bend - root]))
    analysis = analyse_flow(game, game.equilibrium, tolerance=1e-9)
    found = np.sort_complex(analysis.eigenvalues.numpy())
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert analysis.verdict is (Verdict.CONVERGES if deviation else Verdict.CYCLES)


def test_expected_costs_agree_with_adaptive_quadrature():
    game = GaussianMeanGAN(loss=minimax(), mean=[0.5], deviation=0.8, nodes=40)

    def expected(sign, mean):
        return quad(
            lambda x: norm.pdf(x, mean, 0.8) * math.log1p(math.exp(sign * 1.2 * x)), -10, 10
        )[0]

    game.move_to(torch.tensor([1.2, -0.3], dtype=torch.float64))
    of_discriminator, of_generator = (player.loss().item() for player in game.players)
    assert of_discriminator == pytest.approx(expected(-1, 0.5) + expected(1, -0.3), abs=1e-8)
    assert of_generator == pytest.approx(-expected(1, -0.3), abs=1e-8)


def test_learning_a_covariance_with_the_wasserstein_loss_has_its_closed_form():
    """V = tr W (C - L L^T) with lower triangles W and L."""
    game = GaussianCovarianceGAN(loss=Wasserstein(), covariance=COVARIANCE, nodes=3)
    w, v = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], dtype=torch.float64)
    factor = np.array([[1.5, 0], [0.3, -0.7]])
    gap = np.array(COVARIANCE) - factor @ factor.T
    expected = 0.5 * gap[0, 0] - 1.0 * gap[1, 0] + 2.0 * gap[1, 1]
    game.move_to(torch.cat([w, v]))
    assert game.players[0].loss().item() == pytest.approx(-expected, abs=1e-10)


def test_the_covariances_fixed_points_are_its_roots():
    game = GaussianCovarianceGAN(loss=Wasserstein(), covariance=[[4.0]], nodes=3)
    found = fixed_points(game, lower=-3.0, upper=3.0, starts=20, seed=0, tolerance=1e-9)
    solutions = found[found[:, 1].abs() > 1e-6]
    np.testing.assert_allclose(np.sort(solutions[:, 1]), [-2, 2], atol=1e-6)
    np.testing.assert_allclose(solutions[:, 0], 0, atol=1e-6)
    cholesky = GaussianCovarianceGAN(loss=Wasserstein(), covariance=COVARIANCE, nodes=3)
    expected = np.linalg.cholesky(np.array(COVARIANCE))[[0, 1, 1], [0, 0, 1]]
    np.testing.assert_allclose(cholesky.equilibrium[3:], expected)
    assert cholesky.field(cholesky.equilibrium).abs().max() < 1e-12


def test_a_curved_loss_learns_the_covariance_where_a_linear_one_circles():
    for loss, verdict in ((minimax(), Verdict.CONVERGES), (Wasserstein(), Verdict.CYCLES)):
        game = GaussianCovarianceGAN(loss=loss, covariance=COVARIANCE, nodes=16)
        assert analyse_flow(game, game.equilibrium, tolerance=1e-9).verdict is verdict


@pytest.mark.parametrize(
    "game",
    [
        GaussianMeanGAN(loss=minimax(), mean=[1.0, 0.0], deviation=0.5, nodes=6),
        GaussianCovarianceGAN(
            loss=LeastSquares(fake_target=-1.0, real_target=1.0, generator_target=0.0),
            covariance=COVARIANCE,
            nodes=5,
        ),
    ],
)
def test_jacobians_agree_with_differences(game):
    point = np.random.default_rng(0).normal(size=game.size) / 2
    rough = approx_fprime(point, lambda x: game.field(torch.from_numpy(x)).numpy(), 1e-7)
    matrix = game.jacobian(torch.from_numpy(point)).numpy()
    np.testing.assert_allclose(matrix, rough, atol=1e-5)


def test_losses_of_pairs_are_refused():
    loss = Relativistic(loss=Hinge(), comparison=PairedComparison())
    with pytest.raises(InputError, match="Relativistic has none"):
        GaussianMeanGAN(loss=loss, mean=[0.0], deviation=1.0, nodes=5)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], "positive definite"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([[1.0, 0.5]], "as many rows as columns"),
        ([[float("nan")]], "positive definite"),
    ],
)
def test_matrices_that_are_no_covariances_are_refused(covariance, message):
    with pytest.raises(InputError, match=message):
        GaussianCovarianceGAN(loss=Wasserstein(), covariance=covariance, nodes=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": []}, "mean needs"),
        ({"deviation": -1.0}, "deviation must be"),
        ({"nodes": 0}, "nod"),
    ],
)
def test_wrong_numbers_are_refused(settings, message):
    settings = {"mean": [0.0], "deviation": 1.0, "nodes": 5} | settings
    with pytest.raises(InputError, match=message):
        GaussianMeanGAN(loss=Wasserstein(), **settings)
