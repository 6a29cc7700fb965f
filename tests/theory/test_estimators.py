import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.losses import FGAN, Minimax, Wasserstein
from ganzoo.losses import divergences as zoo
from ganzoo.losses.f_gan import SaddlePointObjective
from ganzoo.theory import discrete
from ganzoo.theory.equilibrium import optimal_output
from ganzoo.theory.estimators import (
    distance_from_half,
    divergence_bound,
    jensen_shannon_bound,
    wasserstein_estimate,
)

P, Q = (torch.tensor(v, dtype=torch.float64) for v in ([0.5, 0.3, 0.2], [0.1, 0.3, 0.6]))
COUNTS = [(10 * share).round().long() for share in (P, Q)]


def batches(outputs):
    """Outputs of batches in which each of three outcomes is as frequent as it is probable."""
    return [outputs.repeat_interleave(count) for count in COUNTS]


def test_the_best_discriminator_reaches_the_jensen_shannon_divergence():
    bound = jensen_shannon_bound(*batches(P.log() - Q.log()))
    assert bound.item() == pytest.approx(discrete.jensen_shannon(P, Q).item(), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(logits=st.lists(st.floats(-6, 6), min_size=3, max_size=3))
def test_any_other_discriminator_stays_below(logits):
    bound = jensen_shannon_bound(*batches(torch.tensor(logits, dtype=torch.float64))).item()
    assert bound <= discrete.jensen_shannon(P, Q).item() + 1e-12
    assert bound <= math.log(2)


def test_the_bound_is_a_change_of_sign_away_from_minimax():
    real, fake = torch.tensor([1.0, -0.3, 30.0]), torch.tensor([0.4, -2.0])
    loss = sum(Minimax(label_smoothing=0.0).discriminator(real, fake).values()).item()
    assert jensen_shannon_bound(real, fake).item() == pytest.approx((math.log(4) - loss) / 2)
    assert jensen_shannon_bound(torch.zeros(3), torch.zeros(2)).item() == pytest.approx(0, abs=1e-7)
    sure = jensen_shannon_bound(torch.full((3,), 99.0), torch.full((2,), -99.0))
    assert sure.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    "divergence",
    [zoo.KullbackLeibler(), zoo.SquaredHellinger(), zoo.PearsonChiSquared()],
)
@settings(max_examples=30, deadline=None)
@given(outputs=st.lists(st.floats(-4, 4), min_size=3, max_size=3))
def test_f_divergences_are_bounded_from_below_and_reached(divergence, outputs):
    exact = discrete.divergence(divergence, P, Q).item()
    loss = FGAN(divergence=divergence, generator_objective=SaddlePointObjective())
    best = divergence_bound(divergence, *batches(optimal_output(loss, P.log(), Q.log())))
    assert best.item() == pytest.approx(exact, rel=1e-12)
    other = batches(torch.tensor(outputs, dtype=torch.float64))
    assert divergence_bound(divergence, *other).item() <= exact + 1e-12
    assert divergence_bound(divergence, *other).item() == pytest.approx(
        -sum(loss.discriminator(*other).values()).item()
    )


def test_wasserstein_estimate_has_its_sign_and_its_unit():
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0, 2.0])
    assert wasserstein_estimate(real, fake).item() == 3.0
    assert wasserstein_estimate(fake, real).item() == -3.0
    assert wasserstein_estimate(real, fake, 2.0).item() == 1.5
    critic = sum(Wasserstein().discriminator(real, fake).values()).item()
    assert wasserstein_estimate(real, fake).item() == -critic


@settings(max_examples=30, deadline=None)
@given(
    points=st.lists(st.floats(-5, 5), min_size=4, max_size=4),
    slopes=st.lists(st.floats(-3, 3), min_size=3, max_size=3).filter(
        lambda s: max(map(abs, s)) > 0.1
    ),
)
def test_a_critic_over_its_slope_stays_below_the_distance(points, slopes):
    from scipy.stats import wasserstein_distance

    def critic(x):
        return slopes[0] * x + slopes[1] * x.sin() + slopes[2] * x.tanh()

    x = torch.tensor(points, dtype=torch.float64)
    real, fake = critic(x[:2]), critic(x[2:])
    estimate = wasserstein_estimate(real, fake, sum(map(abs, slopes))).item()
    assert estimate <= wasserstein_distance(points[:2], points[2:]) + 1e-12


def test_distance_from_half_is_that_of_the_sigmoid():
    logits = torch.tensor([-3.0, 0.0, 0.2, 8.0], dtype=torch.float64)
    expected = (logits.sigmoid() - 0.5).abs().mean()
    torch.testing.assert_close(distance_from_half(logits), expected)
    assert distance_from_half(torch.zeros(4)).item() == 0
    assert distance_from_half(torch.tensor([99.0, -99.0])).item() == 0.5


def test_half_precision_is_computed_in_float32():
    real, fake = torch.tensor([0.3, 2.0]), torch.tensor([-0.7])
    value = jensen_shannon_bound(real.bfloat16(), fake.bfloat16())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(
        jensen_shannon_bound(real.bfloat16().double(), fake.bfloat16().double()).item(), abs=1e-6
    )


@pytest.mark.parametrize(
    "estimate",
    [
        lambda none: jensen_shannon_bound(none, torch.ones(2)),
        lambda none: wasserstein_estimate(torch.ones(2), none),
        lambda none: divergence_bound(zoo.KullbackLeibler(), none, none),
        distance_from_half,
    ],
)
def test_empty_batches_are_refused(estimate):
    with pytest.raises(InputError, match="at least one output of each kind"):
        estimate(torch.ones(0))


@pytest.mark.parametrize("constant", [0.0, -1.0, math.nan])
def test_a_lipschitz_constant_must_be_positive(constant):
    with pytest.raises(InputError, match="Lipschitz constant must be positive"):
        wasserstein_estimate(torch.ones(2), torch.ones(2), constant)
