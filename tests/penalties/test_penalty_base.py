"""Weight, interval and the state in which a penalty's value is computed."""

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.penalties import (
    DRAGAN,
    R1,
    R2,
    ApproximateR1,
    ApproximateR2,
    BalancedConsistency,
    Consistency,
    Context,
    GradientPenalty,
    LeCam,
    MaxGradient,
    OneSidedGradientPenalty,
    Penalty,
)

KINDS = [
    GradientPenalty,
    OneSidedGradientPenalty,
    R1,
    R2,
    DRAGAN,
]
every_kind = pytest.mark.parametrize("kind", KINDS)
real = torch.zeros(4, 3)
fake = torch.ones(5, 3)


def steep(data):
    return 3 * data.sum(dim=1)


def curved(data):
    return data.pow(3).sum(dim=1)


class Spread(Penalty):
    """A user's own penalty: the distance of the mean scores."""

    def value(self, context):
        scores = [context.score(context.points(side)).mean() for side in ("fake", "real")]
        return (scores[0] - scores[1]).abs()


def both():
    return Context(real=real, fake=fake, outputs=steep)


@every_kind
def test_weight_and_interval_multiply(kind):
    one = kind(weight=1.0, interval=1)(both()).item()
    assert one > 0
    assert kind(weight=2.5, interval=1)(both()).item() == pytest.approx(2.5 * one)
    assert kind(weight=1.0, interval=16)(both()).item() == pytest.approx(16 * one)
    assert kind(weight=0.0, interval=4)(both()).item() == 0


@every_kind
@pytest.mark.parametrize("interval", [1, 4, 16])
def test_lazy_terms_add_up_to_the_terms_of_every_step(kind, interval):
    lazy, always = kind(weight=2.0, interval=interval), kind(weight=2.0, interval=1)
    steps = [step for step in range(32) if lazy.applies_at(step)]
    assert steps == list(range(0, 32, interval))
    total = sum(lazy(both()) for _ in steps)
    torch.testing.assert_close(total, 32 * always(both()))


def test_a_users_penalty_needs_only_its_value():
    assert Spread(weight=2.0, interval=3, on="discriminator")(both()).item() == 2 * 3 * 9


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_data_arrives_detached_and_at_least_in_float32(given, computed):
    arrived = []

    def discriminator(data):
        arrived.append((data.dtype, data.requires_grad, torch.is_autocast_enabled("cpu")))
        return steep(data)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        Spread(weight=1.0, interval=1, on="discriminator")(
            Context(
                real=real.to(given), fake=fake.to(given).requires_grad_(), outputs=discriminator
            )
        )
        assert torch.is_autocast_enabled("cpu")
    assert arrived == [(computed, False, False)] * 2


@every_kind
@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_wrong_weights_are_refused(kind, weight):
    with pytest.raises(InputError, match="weight must be zero or a positive number"):
        kind(weight=weight, interval=1)


@every_kind
@pytest.mark.parametrize("interval", [0, -2, 1.5])
def test_wrong_intervals_are_refused(kind, interval):
    with pytest.raises(InputError, match="interval must be a whole number from 1 up"):
        kind(weight=1.0, interval=interval)


@pytest.mark.parametrize("penalty", [R1(), ApproximateR1(), DRAGAN(), Consistency()])
def test_real_data_are_enough_for_those_that_look_at_nothing_else(penalty):
    data = torch.linspace(-1, 1, 12).reshape(4, 3)
    terms = []
    for other in (None, fake, 7 * fake):
        torch.manual_seed(0)
        terms.append(penalty(Context(real=data, fake=other, outputs=curved)))
    assert terms[0] > 0
    assert torch.equal(terms[0], terms[1])
    assert torch.equal(terms[0], terms[2])


@pytest.mark.parametrize(
    "kind", [R2, GradientPenalty, ApproximateR2, BalancedConsistency, LeCam, MaxGradient]
)
def test_the_others_say_that_they_need_generated_data(kind):
    with pytest.raises(InputError, match="there are no generated data here that a penalty could"):
        kind()(Context(real=real, outputs=steep))
