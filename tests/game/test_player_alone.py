"""Players in a game of torch alone, without a Trainer."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ganzoo.game.player import Player
from ganzoo.optim import Alternating, Extragradient
from ganzoo.penalties import HistoricalAveraging, WeightClipping


@pytest.fixture
def player():
    """One weight, 1 at first, of which the loss is minus itself: it grows by 0.1 a step."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    found = Player(
        "critic",
        module,
        lambda minibatch: {"height": -module.weight.sum()},
        optimizer=SGD(module.parameters(), lr=0.1),
    )
    found.meet([found])
    return found


def test_constraints_hold_after_every_step(player):
    player.constraints.append(WeightClipping(clip_value=1.15, on="critic"))
    weights = []
    for _ in range(3):
        Alternating().step([player])
        weights.append(player.parameters[0].item())
    assert weights == pytest.approx([1.1, 1.15, 1.15])


def test_lazy_penalties_apply_in_every_interval_th_step(player):
    player.penalties["mean"] = HistoricalAveraging(weight=0.0, interval=3, on="critic")
    player.penalties["mean"].attach(player.modules)
    seen = []
    for _ in range(7):
        Alternating().step([player])
        seen.append("mean" in player.terms)
    assert seen == [True, False, False, True, False, False, True]


def test_steps_that_are_taken_back_are_not_counted(player):
    Extragradient().step([player])
    assert player.step_number == 1
    torch.testing.assert_close(player.parameters[0], torch.tensor([[1.1]]))
