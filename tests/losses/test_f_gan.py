"""The divergences of f-GAN against quadrature, against the paper's formulas, and in training."""

from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, norm

from ganzoo.errors import InputError
from ganzoo.losses import FGAN, Minimax, NonSaturating
from ganzoo.losses import divergences as of
from ganzoo.losses.f_gan import AlternativeObjective, SaddlePointObjective

exp, log, sqrt, tanh = mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.tanh


class Case(NamedTuple):
    """A divergence with formulas of our own.

    f: the generator function, of arrays of ratios u = p/q.
    best: the output v with g(v) = f'(u), of arrays of log u.
    activation, conjugate: g(v) and f*(t) of the paper's Table 2, in arbitrary precision.
    """

    divergence: object
    f: object
    best: object
    activation: object
    conjugate: object


def alpha(a):
    """The alpha divergence for any alpha."""

    def best(log_u):
        slope = np.expm1((a - 1) * log_u) / (a - 1)
        rest = 1 / (1 - a) - slope  # what log(1 + e^-v) must be
        return slope if a > 1 else -rest - np.log(-np.expm1(-rest))

    return Case(
        of.Alpha(alpha=a),
        lambda u: (u**a - 1 - a * (u - 1)) / (a * (a - 1)),
        best,
        (lambda v: v) if a > 1 else (lambda v: 1 / (1 - mpmath.mpf(a)) - log(1 + exp(-v))),
        lambda t: (max(t * (a - 1) + 1, 0) ** (mpmath.mpf(a) / (a - 1)) - 1) / a,
    )


CASES = {
    "kullback_leibler": Case(
        of.KullbackLeibler(),
        lambda u: u * np.log(u),
        lambda log_u: 1 + log_u,
        lambda v: v,
        lambda t: exp(t - 1),
    ),
    "reverse_kullback_leibler": Case(
        of.ReverseKullbackLeibler(),
        lambda u: -np.log(u),
        lambda log_u: log_u,
        lambda v: -exp(-v),
        lambda t: -1 - log(-t),
    ),
    "pearson": Case(
        of.PearsonChiSquared(),
        lambda u: (u - 1) ** 2,
        lambda log_u: 2 * np.expm1(log_u),
        lambda v: v,
        lambda t: t**2 / 4 + t,
    ),
    "neyman": Case(
        of.NeymanChiSquared(),
        lambda u: (1 - u) ** 2 / u,
        lambda log_u: 2 * log_u,
        lambda v: 1 - exp(-v),
        lambda t: 2 - 2 * sqrt(1 - t),
    ),
    "squared_hellinger": Case(
        of.SquaredHellinger(),
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda log_u: log_u / 2,
        lambda v: 1 - exp(-v),
        lambda t: t / (1 - t),
    ),
    "jensen_shannon": Case(
        of.JensenShannon(),
        lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
        lambda log_u: log_u,
        lambda v: log(2) - log(1 + exp(-v)),
        lambda t: -log(2 - exp(t)),
    ),
    "gan": Case(
        of.GANDivergence(),
        lambda u: u * np.log(u) - (u + 1) * np.log(u + 1),
        lambda log_u: log_u,
        lambda v: -log(1 + exp(-v)),
        lambda t: -log(1 - exp(t)),
    ),
    "total_variation": Case(
        of.TotalVariation(),
        lambda u: np.abs(u - 1) / 2,
        lambda log_u: 50 * np.sign(log_u),
        lambda v: tanh(v) / 2,
        lambda t: t,
    ),
    "alpha_one_half": alpha(0.5),
    "alpha_minus_one": alpha(-1.0),
    "alpha_three_halves": alpha(1.5),
}

each = pytest.mark.parametrize("name", CASES)


def f_gan(name, objective=None):
    return FGAN(
        divergence=CASES[name].divergence, generator_objective=objective or SaddlePointObjective()
    )


def bound(loss, p, q, outputs):
    """What the discriminator maximises, by its costs of single logits and given weights."""
    outputs = torch.as_tensor(outputs, dtype=torch.float64)
    real, fake = loss.real_cost(outputs).numpy(), loss.fake_cost(outputs).numpy()
    return -(p * real).sum() - (q * fake).sum()


def divergence(name, p, q):
    """The divergence itself, by the formula of this file."""
    return (q * CASES[name].f(p / q)).sum()


X = np.linspace(-14, 14, 40001)
STEP = X[1] - X[0]


@each
def test_best_function_of_two_gaussians_reaches_the_divergence_by_quadrature(name):
    p, q = norm.pdf(X, 0.3, 1.0), norm.pdf(X, -0.2, 1.1)
    log_u = norm.logpdf(X, 0.3, 1.0) - norm.logpdf(X, -0.2, 1.1)
    reached = bound(f_gan(name), p * STEP, q * STEP, CASES[name].best(log_u))
    assert reached == pytest.approx(divergence(name, p, q) * STEP, abs=1e-6)


def test_quadrature_agrees_with_closed_forms():
    p, q = norm.pdf(X, 0.3, 1.0), norm.pdf(X, -0.2, 1.1)
    ratio, shift = 1.1, 0.5
    kl = np.log(ratio) + (1 + shift**2) / (2 * ratio**2) - 0.5
    overlap = np.sqrt(2 * ratio / (1 + ratio**2)) * np.exp(-(shift**2) / (4 * (1 + ratio**2)))
    assert divergence("kullback_leibler", p, q) * STEP == pytest.approx(kl, abs=1e-9)
    assert divergence("squared_hellinger", p, q) * STEP == pytest.approx(2 - 2 * overlap, abs=1e-9)


@each
def test_best_function_of_two_discrete_distributions_reaches_the_divergence(name):
    """By the loss of batches in which each outcome is as frequent as it is probable."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    outputs = torch.tensor(CASES[name].best(np.log(p / q)))
    counts = [torch.tensor((10 * share).round(), dtype=torch.int64) for share in (p, q)]
    real, fake = (outputs.repeat_interleave(count) for count in counts)
    reached = -sum(f_gan(name).discriminator(real, fake).values()).item()
    assert reached == pytest.approx(divergence(name, p, q), abs=1e-12)


def test_divergences_are_those_of_scipy():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    shannon = jensenshannon(p, q) ** 2
    assert divergence("kullback_leibler", p, q) == pytest.approx(entropy(p, q))
    assert divergence("reverse_kullback_leibler", p, q) == pytest.approx(entropy(q, p))
    assert divergence("jensen_shannon", p, q) == pytest.approx(2 * shannon)
    assert divergence("gan", p, q) == pytest.approx(2 * shannon - np.log(4))
    assert divergence("total_variation", p, q) == pytest.approx(np.abs(p - q).sum() / 2)
    assert divergence("alpha_one_half", p, q) == pytest.approx(
        2 * divergence("squared_hellinger", p, q)
    )
    assert divergence("alpha_minus_one", p, q) == pytest.approx(divergence("neyman", p, q) / 2)


weights = st.lists(st.floats(0.02, 1), min_size=4, max_size=4).map(np.array)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(list(CASES)),
    p=weights,
    q=weights,
    outputs=st.lists(st.floats(-8, 8), min_size=4, max_size=4).map(np.array),
)
def test_any_other_function_stays_below_the_divergence(name, p, q, outputs):
    p, q = p / p.sum(), q / q.sum()
    best = CASES[name].best(np.log(p / q))
    reached, highest = bound(f_gan(name), p, q, outputs), divergence(name, p, q)
    scale = 1 + np.abs(reached)
    assert reached <= highest + 1e-9 * scale
    if name != "total_variation" and np.abs(outputs - best).max() > 0.1:
        assert reached < highest - 1e-6


@each
@pytest.mark.parametrize("output", [-1.9, -0.4, 0.0, 0.7, 2.5])
def test_conjugate_is_the_highest_of_u_t_minus_f_of_u(name, output):
    case, output = CASES[name], torch.tensor(output, dtype=torch.float64)
    t = case.divergence.activation(output).item()
    lowest = minimize_scalar(
        lambda log_u: case.f(np.exp(log_u)) - np.exp(log_u) * t,
        bounds=(-25, 25) if name != "total_variation" else (-25, 1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert case.divergence.conjugate(output).item() == pytest.approx(-lowest.fun, abs=1e-6)


@each
@settings(max_examples=60, deadline=None)
@given(output=st.floats(-80, 80, width=32))
def test_float32_is_the_papers_formula_to_rounding_up_to_80(name, output):
    case = CASES[name]
    with mpmath.workdps(120):
        t = case.activation(mpmath.mpf(output))
        activation, conjugate = float(t), float(case.conjugate(t))
    logit = torch.tensor(output, dtype=torch.float32, requires_grad=True)
    for mine, exact in [
        (case.divergence.activation(logit), activation),
        (case.divergence.conjugate(logit), conjugate),
    ]:
        assert mine.item() == pytest.approx(exact, rel=3e-5, abs=1e-6)
        (slope,) = torch.autograd.grad(mine, logit)
        assert slope.isfinite()


@each
@settings(max_examples=30, deadline=None)
@given(outputs=st.lists(st.floats(-15, 15), min_size=2, max_size=2, unique=True).map(sorted))
def test_activation_never_falls(name, outputs):
    low, high = CASES[name].divergence.activation(torch.tensor(outputs, dtype=torch.float64))
    assert low <= high


@pytest.mark.parametrize("a", [0.0, 1.0, float("nan"), float("inf")])
def test_alpha_without_a_divergence_is_refused(a):
    with pytest.raises(InputError, match="alpha must be finite and neither 0 nor 1"):
        of.Alpha(alpha=a)


@pytest.mark.parametrize(
    ("objective", "game"),
    [(SaddlePointObjective(), Minimax), (AlternativeObjective(), NonSaturating)],
)
def test_gan_divergence_is_the_first_game(objective, game):
    mine, theirs = f_gan("gan", objective), game(label_smoothing=0.0)
    real, fake = torch.linspace(-9, 9, 7).double(), torch.linspace(-5, 8, 5).double()
    torch.testing.assert_close(mine.discriminator(real, fake), theirs.discriminator(real, fake))
    torch.testing.assert_close(mine.generator(fake), theirs.generator(fake))


def generator_gradient(name, objective, place, scale):
    """Of a Gaussian generator's place and scale against the best function, by quadrature.

    The samples are the quantiles ``place + scale * z``, and the function stands still.
    """
    z = np.linspace(-9, 9, 4001)
    theta = torch.tensor([place, scale], dtype=torch.float64, requires_grad=True)
    x = theta[0] + theta[1] * torch.tensor(z)
    outputs = CASES[name].best(log_ratio(x.detach().numpy(), place, scale))
    slope = np.gradient(outputs, x.detach().numpy(), edge_order=2)
    logits = torch.tensor(outputs) + torch.tensor(slope) * (x - x.detach())
    costs = f_gan(name, objective).generator_cost(logits)
    (costs * torch.tensor(norm.pdf(z) * (z[1] - z[0]))).sum().backward()
    return theta.grad.numpy()


def log_ratio(x, place, scale):
    return norm.logpdf(x, 0.3, 1.0) - norm.logpdf(x, place, scale)


def divergence_gradient(name, place, scale):
    """Of the divergence from N(0.3, 1), by central differences of the quadrature."""

    def value(m, s):
        return divergence(name, norm.pdf(X, 0.3, 1.0), norm.pdf(X, m, s)) * STEP

    h = 1e-4
    return np.array([
        (value(place + h, scale) - value(place - h, scale)) / (2 * h),
        (value(place, scale + h) - value(place, scale - h)) / (2 * h),
    ])  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CASES if name != "total_variation"])
def test_saddle_point_generator_descends_the_divergence(name):
    mine = generator_gradient(name, SaddlePointObjective(), -0.2, 1.1)
    assert mine == pytest.approx(divergence_gradient(name, -0.2, 1.1), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "other", "factor"),
    [
        ("kullback_leibler", "reverse_kullback_leibler", 1.0),
        ("reverse_kullback_leibler", "neyman", 0.5),
    ],
)
def test_alternative_generator_descends_another_divergence(name, other, factor):
    mine = generator_gradient(name, AlternativeObjective(), -0.2, 1.1)
    theirs = factor * divergence_gradient(other, -0.2, 1.1)
    assert mine == pytest.approx(theirs, rel=2e-3, abs=1e-4)
