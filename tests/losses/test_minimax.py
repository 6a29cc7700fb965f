import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon
from scipy.special import log_expit
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo.errors import InputError
from ganzoo.losses import Minimax, NonSaturating

REAL = np.array([-30.0, -2.5, -0.3, 0.0, 0.7, 4.0, 25.0])
FAKE = np.array([-20.0, -1.5, 0.0, 0.2, 3.0])
BOTH = pytest.mark.parametrize("objective", [Minimax, NonSaturating])
finite = st.lists(st.floats(-60, 60), min_size=1, max_size=6)


def plain(objective):
    return objective(label_smoothing=0.0)


def total(terms):
    return sum(terms.values())


def gradient(cost, point):
    logit = torch.tensor([point], dtype=torch.float64, requires_grad=True)
    cost(logit).backward()
    return logit.grad.item()


@BOTH
def test_discriminator_is_minus_the_mean_log_likelihood(objective):
    terms = plain(objective).discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    assert terms["real"].item() == pytest.approx(-log_expit(REAL).mean(), rel=1e-12)
    assert terms["fake"].item() == pytest.approx(-log_expit(-FAKE).mean(), rel=1e-12)


def test_generators_are_the_two_expectations():
    fake = torch.tensor(FAKE)
    saturating = plain(Minimax).generator(fake)["adversarial"].item()
    non_saturating = plain(NonSaturating).generator(fake)["adversarial"].item()
    assert saturating == pytest.approx(log_expit(-FAKE).mean(), rel=1e-12)
    assert non_saturating == pytest.approx(-log_expit(FAKE).mean(), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@BOTH
def test_label_smoothing_is_cross_entropy_with_one_soft_target(objective, smoothing):
    loss = objective(label_smoothing=smoothing)
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    target = torch.full_like(real, 1 - smoothing)
    terms = loss.discriminator(real, fake)
    torch.testing.assert_close(terms["real"], binary_cross_entropy_with_logits(real, target))
    torch.testing.assert_close(
        terms["fake"], binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    )
    assert torch.equal(
        loss.generator(fake)["adversarial"], plain(objective).generator(fake)["adversarial"]
    )


def test_smoothed_real_term_is_lowest_where_the_probability_is_the_target():
    loss = Minimax(label_smoothing=0.1)
    assert gradient(loss.real_cost, math.log(0.9 / 0.1)) == pytest.approx(0, abs=1e-12)


@BOTH
def test_undecided_discriminator_pays_ln_4(objective):
    zeros = torch.zeros(5, dtype=torch.float64)
    assert total(plain(objective).discriminator(zeros, zeros)).item() == pytest.approx(math.log(4))


def test_minimax_generator_minimises_what_the_discriminator_maximises():
    fake = torch.tensor(FAKE)
    loss = plain(Minimax)
    assert loss.generator(fake)["adversarial"] == -loss.discriminator(fake, fake)["fake"]


def test_best_discriminator_reaches_ln_4_minus_twice_the_jensen_shannon_divergence():
    """Goodfellow et al. (2014), theorem 1, by numerical optimisation on three outcomes."""
    data, model = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    loss = plain(Minimax)
    counts = [torch.tensor((10 * p).round(), dtype=torch.int64) for p in (data, model)]

    def discriminator_loss(values):
        logits = torch.tensor(values)
        real, fake = (logits.repeat_interleave(count) for count in counts)
        return total(loss.discriminator(real, fake)).item()

    best = minimize(discriminator_loss, np.zeros(3), method="BFGS", options={"gtol": 1e-7})
    divergence = jensenshannon(data, model) ** 2
    assert best.fun == pytest.approx(math.log(4) - 2 * divergence, abs=1e-8)
    assert best.x == pytest.approx(np.log(data / model), abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(point=st.floats(-30, 30))
def test_both_generators_pull_the_same_way_in_the_ratio_of_the_odds(point):
    """Gradients by the logit are -D and -(1 - D), so their ratio is D / (1 - D) = exp(logit).

    The tolerance covers torch's softplus, which is a line beyond 20.
    """
    saturating = gradient(lambda x: plain(Minimax).generator(x)["adversarial"], point)
    non_saturating = gradient(lambda x: plain(NonSaturating).generator(x)["adversarial"], point)
    assert saturating < 0
    assert non_saturating < 0
    assert saturating / non_saturating == pytest.approx(math.exp(point), rel=1e-8)


@settings(max_examples=40, deadline=None)
@given(real=finite, fake=finite)
def test_both_share_the_discriminator_and_its_loss_is_never_negative(real, fake):
    real, fake = (torch.tensor(values, dtype=torch.float64) for values in (real, fake))
    saturating = plain(Minimax).discriminator(real, fake)
    non_saturating = plain(NonSaturating).discriminator(real, fake)
    torch.testing.assert_close(saturating, non_saturating, rtol=0, atol=0)
    assert all(term >= 0 for term in saturating.values())


@settings(max_examples=40, deadline=None)
@given(real=finite, fake=finite)
def test_swapping_the_classes_and_signs_swaps_the_terms(real, fake):
    real, fake = (torch.tensor(values, dtype=torch.float64) for values in (real, fake))
    terms = plain(Minimax).discriminator(real, fake)
    mirrored = plain(Minimax).discriminator(-fake, -real)
    assert terms["real"] == mirrored["fake"]
    assert terms["fake"] == mirrored["real"]


def test_both_games_rest_at_the_same_points():
    """On outcomes 0 and 1 with a table of logits as discriminator and a Bernoulli generator.

    The generator's gradient by its probability is the difference of its costs at 1 and 0; both
    games are at rest exactly where the discriminator is best and the two logits are equal.
    """
    share = 0.3

    def forces(objective, model, logits):
        loss = plain(objective)
        table = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
        real, fake = loss.real_cost(table), loss.fake_cost(table)
        cost = (1 - share) * real[0] + share * real[1] + (1 - model) * fake[0] + model * fake[1]
        (discriminator,) = torch.autograd.grad(cost, table)
        costs = loss.generator_cost(table.detach())
        return [*discriminator.tolist(), (costs[1] - costs[0]).item()]

    for objective in (Minimax, NonSaturating):
        assert forces(objective, share, [0.0, 0.0]) == pytest.approx([0, 0, 0], abs=1e-12)
        best = [math.log((1 - share) / 0.4), math.log(share / 0.6)]
        *discriminator, generator = forces(objective, 0.6, best)
        assert discriminator == pytest.approx([0, 0], abs=1e-12)
        assert generator > 0.1


@pytest.mark.parametrize("smoothing", [-0.1, 0.5, 1.0, float("nan"), float("inf")])
@BOTH
def test_label_smoothing_out_of_range_is_refused(objective, smoothing):
    with pytest.raises(InputError, match=r"label_smoothing must be .*0\.5, not") as error:
        objective(label_smoothing=smoothing)
    assert "\n" not in str(error.value)
