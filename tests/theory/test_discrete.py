import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import entropy

from ganzoo.errors import InputError
from ganzoo.losses import divergences as zoo
from ganzoo.theory import discrete

KINDS = [
    zoo.KullbackLeibler(),
    zoo.ReverseKullbackLeibler(),
    zoo.PearsonChiSquared(),
    zoo.NeymanChiSquared(),
    zoo.SquaredHellinger(),
    zoo.JensenShannon(),
    zoo.TotalVariation(),
    zoo.Alpha(alpha=0.5),
    zoo.Alpha(alpha=-1.0),
    zoo.Alpha(alpha=1.5),
]
weights = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)
weights_with_zeros = st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=4, max_size=4)


def distribution(values):
    values = torch.tensor(values, dtype=torch.float64)
    return values / values.sum()


@settings(max_examples=60, deadline=None)
@given(p=weights, q=weights)
def test_divergences_are_those_of_scipy_and_numpy(p, q):
    p, q = distribution(p), distribution(q)
    a, b = p.numpy(), q.numpy()

    def value(kind):
        return pytest.approx(discrete.divergence(kind, p, q).item(), rel=1e-9, abs=1e-14)

    assert entropy(a, b) == pytest.approx(discrete.kullback_leibler(p, q).item(), abs=1e-14)
    assert entropy(b, a) == value(zoo.ReverseKullbackLeibler())
    assert jensenshannon(a, b) ** 2 == pytest.approx(
        discrete.jensen_shannon(p, q).item(), rel=1e-8, abs=1e-14
    )
    assert ((a - b) ** 2 / b).sum() == value(zoo.PearsonChiSquared())
    assert ((a - b) ** 2 / a).sum() == value(zoo.NeymanChiSquared())
    assert np.abs(a - b).sum() / 2 == value(zoo.TotalVariation())
    assert ((np.sqrt(a) - np.sqrt(b)) ** 2).sum() == value(zoo.SquaredHellinger())
    assert ((a**1.5 / b**0.5).sum() - 1) / 0.75 == value(zoo.Alpha(alpha=1.5))


@settings(max_examples=60, deadline=None)
@given(
    p=weights_with_zeros.filter(any), q=weights_with_zeros.filter(any), kind=st.sampled_from(KINDS)
)
def test_never_negative_and_zero_only_between_equals_also_with_zeros(p, q, kind):
    p, q = distribution(p), distribution(q)
    value = discrete.divergence(kind, p, q).item()
    assert value >= 0
    assert (value > 1e-12) == (not torch.allclose(p, q))
    assert discrete.divergence(kind, p, p).item() == 0


@settings(max_examples=60, deadline=None)
@given(p=weights_with_zeros.filter(any), q=weights_with_zeros.filter(any))
def test_zeros_are_as_in_scipy_and_bounds_hold(p, q):
    p, q = distribution(p), distribution(q)
    divergence = discrete.kullback_leibler(p, q).item()
    assert divergence == pytest.approx(rel_entr(p.numpy(), q.numpy()).sum(), abs=1e-12)
    shannon = discrete.jensen_shannon(p, q).item()
    assert shannon == pytest.approx(discrete.jensen_shannon(q, p).item(), abs=1e-15)
    assert 0 <= shannon <= math.log(2) + 1e-15
    variation = discrete.divergence(zoo.TotalVariation(), p, q).item()
    hellinger = discrete.divergence(zoo.SquaredHellinger(), p, q).item()
    assert variation <= math.sqrt(divergence / 2) + 1e-12  # Pinsker
    assert hellinger / 2 - 1e-12 <= variation <= math.sqrt(hellinger) + 1e-12  # Le Cam


def test_disjoint_distributions_are_as_far_apart_as_can_be():
    p, q = distribution([2.0, 3.0, 0.0, 0.0]), distribution([0.0, 0.0, 9.0, 1.0])
    assert discrete.kullback_leibler(p, q).item() == math.inf
    assert discrete.jensen_shannon(p, q).item() == pytest.approx(math.log(2), abs=1e-15)
    assert discrete.divergence(zoo.TotalVariation(), p, q).item() == pytest.approx(1)
    assert discrete.divergence(zoo.SquaredHellinger(), p, q).item() == pytest.approx(2)
    assert discrete.divergence(zoo.GANDivergence(), p, q).item() == pytest.approx(0, abs=1e-15)


def test_close_distributions_keep_their_digits():
    step = 1e-7
    p = torch.tensor([0.5 + step, 0.5 - step]).double()
    p = torch.stack([p[0], 1 - p[0]])
    q = torch.tensor([0.5, 0.5]).double()
    exact = 2 * (p[0] - 0.5).item() ** 2
    assert discrete.kullback_leibler(p, q).item() == pytest.approx(exact, rel=1e-8)
    assert discrete.jensen_shannon(p, q).item() == pytest.approx(exact / 4, rel=1e-8)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: repr(kind))
def test_gradients_by_logits_are_those_of_finite_differences(kind):
    first, second = torch.tensor([[0.3, -0.8, 1.1, 0.0], [0.9, 0.2, -0.4, 0.5]]).double()

    def value(a, b):
        return discrete.divergence_of_logs(kind, a.log_softmax(-1), b.log_softmax(-1))

    assert torch.autograd.gradcheck(
        value, (first.requires_grad_(), second.requires_grad_()), atol=1e-7
    )


def test_gradients_are_finite_with_an_outcome_of_probability_zero():
    p = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64, requires_grad=True)
    discrete.jensen_shannon(p, q).backward()
    assert p.grad.isfinite().all()
    assert q.grad.isfinite().all()


def test_batches_broadcast():
    p = torch.tensor([[0.5, 0.5], [0.1, 0.9]]).double()
    q = torch.tensor([0.3, 0.7]).double()
    each = [discrete.kullback_leibler(row, q) for row in p]
    torch.testing.assert_close(discrete.kullback_leibler(p, q), torch.stack(each))


def test_log_probabilities_may_be_too_small_for_probabilities():
    log_p = torch.tensor([0.0, -2000.0]).double()
    log_q = torch.tensor([-2000.0, 0.0]).double()
    value = discrete.divergence_of_logs(zoo.KullbackLeibler(), log_p, log_q)
    assert value.item() == pytest.approx(2000)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.4], "must sum to 1, but they sum to 0.9"),
        ([1.5, -0.5], "must not be negative or NaN, but one is -0.5"),
        ([math.nan, 0.5], "must not be negative or NaN, but one is nan"),
        ([0.5, 0.25, 0.25], "over the same outcomes, not over 3 and 2"),
        (1.0, "at least one dimension"),
    ],
)
def test_wrong_probabilities_are_refused(p, message):
    with pytest.raises(InputError, match=message):
        discrete.kullback_leibler(torch.tensor(p), torch.tensor([0.5, 0.5]))
    if message.startswith("must sum"):
        with pytest.raises(InputError, match=message):
            discrete.divergence_of_logs(
                zoo.KullbackLeibler(), torch.tensor(p).log(), torch.tensor([0.5, 0.5]).log()
            )
