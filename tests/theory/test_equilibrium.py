import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ganzoo.errors import InputError
from ganzoo.losses import (
    FGAN,
    Energy,
    Fisher,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Relativistic,
    Wasserstein,
)
from ganzoo.losses import divergences as zoo
from ganzoo.losses.f_gan import SaddlePointObjective
from ganzoo.losses.relativistic import AverageComparison, PairedComparison
from ganzoo.theory import densities, discrete, equilibrium
from ganzoo.theory.densities import mixture, normal, uniform


def f_gan(divergence):
    return FGAN(divergence=divergence, generator_objective=SaddlePointObjective())


DIVERGENCES = [
    zoo.KullbackLeibler(),
    zoo.ReverseKullbackLeibler(),
    zoo.PearsonChiSquared(),
    zoo.NeymanChiSquared(),
    zoo.SquaredHellinger(),
    zoo.JensenShannon(),
    zoo.GANDivergence(),
    zoo.TotalVariation(),
    zoo.Alpha(alpha=0.5),
    zoo.Alpha(alpha=1.5),
]
LSGAN = LeastSquares(fake_target=-1.0, real_target=1.0, generator_target=0.0)
LOSSES = [
    Minimax(label_smoothing=0.0),
    Minimax(label_smoothing=0.1),
    NonSaturating(label_smoothing=0.0),
    LeastSquares(fake_target=0.2, real_target=0.9, generator_target=1.0),
    Hinge(),
    Energy(margin=2.0),
    *[f_gan(divergence) for divergence in DIVERGENCES],
]
each = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: repr(loss))
P = mixture(torch.tensor([0.4, 0.6], dtype=torch.float64), [normal(-1.0, 0.7), normal(1.5, 1.0)])
Q = normal(0.3, 1.2)


def double(value):
    return torch.as_tensor(value, dtype=torch.float64)


@each
@settings(max_examples=15, deadline=None)
@given(p=st.floats(0.02, 1), q=st.floats(0.02, 1))
def test_no_other_output_costs_less(loss, p, q):
    p, q = double(p), double(q)

    def cost(output):
        return equilibrium.expected_loss(loss, double(output), p, q).item()

    found = minimize_scalar(cost, bounds=(-60, 60), method="bounded", options={"xatol": 1e-8})
    best = cost(equilibrium.optimal_output(loss, p.log(), q.log()))
    lowest = min(found.fun, *(cost(output) for output in (-1.0, 0.0, 1.0, -40.0, 40.0)))
    assert best <= lowest + 1e-9
    if abs(lowest) < 20:
        assert best == pytest.approx(lowest, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(p=st.floats(0, 1), q=st.floats(0.01, 1))
def test_optimal_discriminator_is_the_share_of_real_data(p, q):
    value = equilibrium.optimal_discriminator(double(p).log(), double(q).log())
    assert value.item() == pytest.approx(p / (p + q), abs=1e-14)


def test_optimal_discriminator_works_where_probabilities_cannot_be_told_from_zero():
    log_p, log_q = (
        double([-5000.0, -900.0, -math.inf, 0.0]),
        double([-5001.0, -900.0, -math.inf, -math.inf]),
    )
    expected = double([1 / (1 + math.exp(-1)), 0.5, 0.5, 1.0])
    torch.testing.assert_close(equilibrium.optimal_discriminator(log_p, log_q), expected)


def test_outputs_at_equal_densities_are_those_that_cannot_tell():
    one = torch.zeros(1).double()
    expected = {Minimax(label_smoothing=0.0): 0.0, LSGAN: 0.0, Hinge(): 0.0}
    for loss, output in expected.items():
        assert equilibrium.optimal_output(loss, one, one).item() == output
    smoothed = equilibrium.optimal_output(Minimax(label_smoothing=0.1), one, one)
    assert smoothed.sigmoid().item() == pytest.approx(0.45)


def test_minimax_at_its_best_is_ln_4_less_twice_jensen_shannon():
    loss = Minimax(label_smoothing=0.0)
    shannon = densities.jensen_shannon(P, Q).item()
    value = -equilibrium.optimal_loss(loss, P, Q).item()
    assert value == pytest.approx(-math.log(4) + 2 * shannon, abs=1e-8)
    assert equilibrium.optimal_value(P, Q).item() == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("divergence", DIVERGENCES, ids=lambda divergence: repr(divergence))
def test_f_gan_at_its_best_is_minus_the_divergence(divergence):
    value = -equilibrium.optimal_loss(f_gan(divergence), P, Q).item()
    assert value == pytest.approx(densities.divergence(divergence, P, Q).item(), abs=1e-8)


def test_least_squares_generator_at_the_best_output_pays_half_of_pearsons_divergence():
    """Mao et al., theorem: E (D - c)^2 over both, with b - c = 1 and b - a = 2, is chi-squared."""
    p = double([0.5, 0.3, 0.2])
    q = double([0.1, 0.3, 0.6])
    outputs = equilibrium.optimal_output(LSGAN, p.log(), q.log())
    paid = ((p + q) * LSGAN.generator_cost(outputs)).sum() * 2
    pearson = (((p + q) - 2 * q) ** 2 / (p + q)).sum()
    assert paid.item() == pytest.approx(pearson.item(), rel=1e-12)


def test_hinge_at_its_best_is_two_less_twice_the_total_variation():
    variation = densities.divergence(zoo.TotalVariation(), P, Q).item()
    value = equilibrium.optimal_loss(Hinge(), P, Q).item()
    assert value == pytest.approx(2 - 2 * variation, abs=1e-9)


def test_energy_at_its_best_is_the_margin_times_the_overlap():
    variation = densities.divergence(zoo.TotalVariation(), P, Q).item()
    value = equilibrium.optimal_loss(Energy(margin=2.0), P, Q).item()
    assert value == pytest.approx(2.0 * (1 - variation), abs=1e-9)


def test_values_at_equilibrium():
    value = equilibrium.optimal_value(Q, Q).item()
    assert value == equilibrium.VALUE_AT_EQUILIBRIUM == pytest.approx(-math.log(4), abs=1e-15)
    for loss, expected in [
        (Minimax(label_smoothing=0.0), math.log(4)),
        (LSGAN, 1.0),
        (Hinge(), 2.0),
        (Energy(margin=2.0), math.log(2) + 2 - math.log(2)),
        (f_gan(zoo.KullbackLeibler()), 0.0),
        (f_gan(zoo.GANDivergence()), math.log(4)),
    ]:
        assert equilibrium.loss_at_equilibrium(loss).item() == pytest.approx(expected, abs=1e-12)
        assert equilibrium.optimal_loss(loss, Q, Q).item() == pytest.approx(expected, abs=1e-9)


def test_disjoint_supports_cost_the_best_discriminator_nothing():
    apart = uniform(0.0, 1.0), uniform(2.0, 3.0)
    assert equilibrium.optimal_loss(Minimax(label_smoothing=0.0), *apart).item() == 0
    assert equilibrium.optimal_value(*apart).item() == pytest.approx(0, abs=1e-11)


def test_discrete_games_are_sums():
    p, q = double([0.5, 0.5, 0.0]), double([0.2, 0.3, 0.5])
    loss = Minimax(label_smoothing=0.0)
    outputs = equilibrium.optimal_output(loss, *map(discrete.log_probabilities, (p, q)))
    value = -equilibrium.expected_loss(loss, outputs, p, q).item()
    expected = -math.log(4) + 2 * discrete.jensen_shannon(p, q).item()
    assert value == pytest.approx(expected, abs=1e-8)


def test_gradient_of_the_optimal_value_is_that_of_twice_jensen_shannon():
    """The envelope theorem, by autograd through the losses and their best outputs."""
    place = double(0.7).requires_grad_()
    loss = Minimax(label_smoothing=0.0)
    (game,) = torch.autograd.grad(-equilibrium.optimal_loss(loss, P, normal(place, 1.2)), place)
    (shannon,) = torch.autograd.grad(densities.jensen_shannon(P, normal(place, 1.2)), place)
    assert game.item() == pytest.approx(2 * shannon.item(), rel=1e-7)


def test_paired_logistic_discriminator_has_no_better_outputs():
    """Over all pairs of three outcomes, moved at random."""
    p, q = double([0.5, 0.3, 0.2]), double([0.1, 0.3, 0.6])
    loss = Relativistic(loss=Minimax(label_smoothing=0.0), comparison=PairedComparison())
    best = equilibrium.optimal_output(loss, p.log(), q.log())

    def cost(outputs):
        pairs = outputs[:, None] - outputs[None, :]
        return (p[:, None] * q[None, :] * torch.nn.functional.softplus(-pairs)).sum()

    outputs = best.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(cost(outputs), outputs)
    assert slopes.abs().max() < 1e-15
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        moved = best + 0.3 * torch.randn(3, generator=generator, dtype=torch.float64)
        assert cost(moved) > cost(best)


@pytest.mark.parametrize(
    "loss",
    [
        Wasserstein(),
        Fisher(rho=1e-6),
        Relativistic(loss=Hinge(), comparison=PairedComparison()),
        Relativistic(loss=Minimax(label_smoothing=0.0), comparison=AverageComparison()),
    ],
    ids=lambda loss: repr(loss),
)
def test_losses_without_a_closed_form_are_refused(loss):
    one = torch.zeros(1).double()
    with pytest.raises(InputError, match="closed form"):
        equilibrium.optimal_output(loss, one, one)


def test_an_infinite_divergence_is_an_error():
    with pytest.raises(InputError, match="a cost is infinite where there is data"):
        equilibrium.optimal_loss(f_gan(zoo.KullbackLeibler()), uniform(0.0, 1.0), uniform(2.0, 3.0))


def test_outputs_out_of_range_are_said():
    outputs = double([1e6, 0.0])
    with pytest.raises(InputError, match="a cost is infinite where there is data"):
        equilibrium.expected_loss(
            f_gan(zoo.KullbackLeibler()), outputs, double([0.5, 0.5]), double([0.5, 0.5])
        )
