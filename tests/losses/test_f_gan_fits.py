"""What a Gaussian generator learns of a mixture that it cannot match, for each divergence.

The setting of Nowozin et al. (2016, arXiv:1606.00709), section 2, with a mixture of our own: the
best Gaussian by direct minimisation of the divergence is what the game of two players finds.
"""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import norm

from ganzoo.losses import FGAN
from ganzoo.losses import divergences as of
from ganzoo.losses.f_gan import AlternativeObjective, SaddlePointObjective

SHARES, PLACES, SCALE = np.array([0.7, 0.3]), np.array([-1.0, 1.5]), 0.5
X = np.linspace(-12, 12, 6001)
P = (SHARES * norm.pdf(X[:, None], PLACES, SCALE)).sum(1)
START = (-0.8, 0.9)
MEAN = (SHARES * PLACES).sum()
DEVIATION = np.sqrt(SCALE**2 + (SHARES * (PLACES - MEAN) ** 2).sum())

CASES = {
    of.KullbackLeibler(): lambda u: u * np.log(u),
    of.ReverseKullbackLeibler(): lambda u: -np.log(u),
    of.PearsonChiSquared(): lambda u: (u - 1) ** 2,
    of.NeymanChiSquared(): lambda u: (1 - u) ** 2 / u,
    of.SquaredHellinger(): lambda u: (np.sqrt(u) - 1) ** 2,
    of.JensenShannon(): lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
    of.GANDivergence(): lambda u: u * np.log(u) - (u + 1) * np.log(u + 1),
    of.TotalVariation(): lambda u: np.abs(u - 1) / 2,
    of.Alpha(alpha=1.5): lambda u: (u**1.5 - 1 - 1.5 * (u - 1)) / 0.75,
}


def best_fit(f):
    """Place and scale of the Gaussian with the least divergence, and that divergence.

    The least of two searches, from START and from a mode, as some divergences have several minima.
    """

    def divergence(theta):
        log_q = norm.logpdf(X, theta[0], np.exp(theta[1]))
        u = np.exp(np.clip(np.log(P) - log_q, -300, 300))
        return np.trapezoid(np.exp(log_q) * f(u), X)

    starts = [START, (PLACES[0], SCALE)]
    searches = [
        minimize(divergence, [m, np.log(s)], method="Nelder-Mead", options={"xatol": 1e-6})
        for m, s in starts
    ]
    found = min(searches, key=lambda search: search.fun)
    return found.x[0], np.exp(found.x[1]), found.fun


def quantiles(count=256):
    """Equally probable points of the mixture and of a standard Gaussian."""
    levels = (np.arange(count) + 0.5) / count
    real = np.interp(levels, np.cumsum(P) * (X[1] - X[0]), X)
    return torch.tensor(real), torch.tensor(norm.ppf(levels))


def features(points):
    """Of points on the line: powers up to 2 and bumps, of which the discriminator is a sum."""
    points = points[:, None]
    bumps = torch.exp(-(((points - torch.arange(-4, 4.01, 0.4)) / 0.6) ** 2))
    return torch.cat([torch.ones_like(points), points, points**2 / 4, bumps], 1)


def played(divergence, objective, rounds=500):
    """Place and scale at the end of the game, and minus the discriminator's loss."""
    loss = FGAN(divergence=divergence, generator_objective=objective)
    real, noise = quantiles()
    theta = torch.tensor([START[0], np.log(START[1])], requires_grad=True)
    weights = torch.zeros(features(real).shape[1], dtype=torch.float64, requires_grad=True)
    critic = torch.optim.Adam([weights], lr=0.1, betas=(0.5, 0.99))
    model = torch.optim.Adam([theta], lr=0.03, betas=(0.5, 0.99))
    decay = [
        torch.optim.lr_scheduler.LambdaLR(critic, lambda i: 1 - 0.9 * i / rounds),
        torch.optim.lr_scheduler.LambdaLR(model, lambda i: 1 - i / rounds),
    ]
    seen = features(real)
    for _ in range(rounds):
        made = features((theta[0] + theta[1].exp() * noise).detach())
        for _ in range(2):
            critic.zero_grad()
            bound = -sum(loss.discriminator(seen @ weights, made @ weights).values())
            (-bound).backward()
            critic.step()
        model.zero_grad()
        fake = features(theta[0] + theta[1].exp() * noise) @ weights.detach()
        loss.generator(fake)["adversarial"].backward()
        model.step()
        for schedule in decay:
            schedule.step()
    return theta[0].item(), theta[1].exp().item(), bound.item()


@pytest.mark.slow
@pytest.mark.parametrize("divergence", CASES, ids=lambda d: type(d).__name__)
def test_game_finds_the_gaussian_of_least_divergence(divergence):
    place, scale, least = best_fit(CASES[divergence])
    assert played(divergence, SaddlePointObjective()) == pytest.approx(
        (place, scale, least), abs=0.025
    )


def test_kullback_leibler_covers_the_mixture_and_the_reverse_one_sits_on_a_mode():
    place, scale, _ = best_fit(CASES[of.KullbackLeibler()])
    assert (place, scale) == pytest.approx((MEAN, DEVIATION), abs=1e-4)
    place, scale, _ = best_fit(CASES[of.ReverseKullbackLeibler()])
    assert (place, scale) == pytest.approx((PLACES[0], SCALE), abs=0.05)


@pytest.mark.slow
def test_alternative_generator_makes_kullback_leibler_seek_a_mode():
    """It descends the reverse divergence, as the docstring of Alternative warns.

    Only roughly: the critic has to learn a log ratio of 30 where the other mode lies.
    """
    place, scale, _ = played(of.KullbackLeibler(), AlternativeObjective())
    assert (place, scale) == pytest.approx((PLACES[0], SCALE), abs=0.2)
