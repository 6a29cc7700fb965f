import logging

import pytest
import torch
from torch import nn

from ganzoo.losses.hinge import Hinge
from ganzoo.losses.least_squares import LeastSquares
from ganzoo.losses.wasserstein import Wasserstein


class Probability(nn.Module):
    """A logit through a function, of one value of a sample or of a network."""

    def __init__(self, function, shift=0.0):
        super().__init__()
        self.network, self.function, self.shift = nn.Linear(2, 1), function, shift

    def forward(self, data):
        return self.function(self.network(data)).squeeze(1) + self.shift


def near_a_half(logits):
    """What an untrained discriminator with a bias may say, without any bound."""
    return 0.5 + 0.01 * logits


@pytest.mark.parametrize("steps", [3, 8])
@pytest.mark.parametrize(
    ("function", "loss", "warned"),
    [
        (torch.sigmoid, None, True),
        (lambda logits: torch.softmax(torch.cat([logits, -logits], 1), 1)[:, :1], Hinge(), True),
        (near_a_half, None, False),
        (torch.tanh, None, False),
        (torch.sigmoid, Wasserstein(), False),
        (
            torch.sigmoid,
            LeastSquares(real_target=1.0, fake_target=0.0, generator_target=1.0),
            False,
        ),
    ],
)
def test_a_sigmoid_is_named_where_the_loss_takes_logits(
    gan, trainer, batches, caplog, function, loss, warned, steps
):
    changes = {} if loss is None else {"loss": loss}
    model = gan(discriminator=Probability(function), **changes)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        trainer(steps).fit(model, batches(8, 2))
    told = [record for record in caplog.records if "sigmoid" in record.message]
    assert len(told) == warned
    assert not model.discriminator._forward_hooks
