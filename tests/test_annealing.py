"""Numbers that change in time, in penalties and averages."""

import pytest
import torch

from ganzoo.annealing import CosineAnnealing
from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.penalties.context import Context
from ganzoo.penalties.zero_centered import R1
from ganzoo.progress import Progress


def test_half_a_cosine_wave():
    annealing = CosineAnnealing(first=3.0, last=1.0, end=8, unit="images")
    assert [annealing.at(time) for time in (0, 4, 8, 9)] == pytest.approx([3, 2, 1, 1])
    assert annealing.at(2) == pytest.approx(2 + 2**-0.5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first": -1.0}, "first must"),
        ({"last": float("nan")}, "last must"),
        ({"end": 0}, "end must"),
        ({"unit": "epochs"}, "iterations or images"),
    ],
)
def test_what_it_refuses(wrong, said):
    right = {"first": 1.0, "last": 0.0, "end": 8, "unit": "images"}
    with pytest.raises(InputError, match=said):
        CosineAnnealing(**right | wrong)


def test_a_penalty_takes_the_weight_of_the_iteration():
    """Of D(x) = 3 x the half squared slope is 4.5."""
    annealing = CosineAnnealing(first=2.0, last=0.0, end=10, unit="iterations")
    penalty, real = R1(weight=annealing, interval=1), torch.randn(4, 1)
    found = []
    for iterations in (0, 5, 10):
        penalty.begin_iteration(Progress(iterations=iterations))
        found.append(float(penalty(Context(real=real, outputs=lambda x: 3 * x.squeeze(1)))))
    assert found == pytest.approx([9.0, 4.5, 0.0])


def test_a_half_life_is_that_of_the_time_before_the_iteration():
    half_life = CosineAnnealing(first=0.0, last=8.0, end=16, unit="images")
    average = ExponentialMovingAverage(
        torch.nn.Linear(1, 1), decay=None, half_life=half_life, unit="images"
    )
    decays = [average.decay_at(Progress(1, shown, 4)) for shown in (4, 12, 20)]
    assert decays == pytest.approx([0.0, 0.5 ** (4 / 4), 0.5 ** (4 / 8)])
