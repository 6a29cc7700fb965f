"""What loops written by hand have in common."""

import pytest
import torch
from lightning.pytorch import Callback

from ganzoo.game.evaluating import evaluating
from ganzoo.game.minibatch import Minibatch


def _take_step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _assert_same_weights(mine, theirs):
    for network, other in zip(mine, theirs, strict=True):
        for one, two in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


class _Until(Callback):
    def __init__(self, reached, *, every_n_steps):
        self.reached, self.every_n_steps = reached, every_n_steps

    def on_train_batch_end(self, trainer, pl_module, *_):
        if trainer.global_step % self.every_n_steps == 0:
            with evaluating(pl_module), torch.random.fork_rng([]):  # training goes on unmoved
                trainer.should_stop = bool(self.reached(pl_module))


@pytest.fixture
def until():
    """A callback that ends training early where a model is asked for enough already."""
    return _Until


@pytest.fixture
def take_step():
    """Take a step of an optimizer down a loss."""
    return _take_step


@pytest.fixture
def assert_same_weights():
    """Compare the networks of a model with those of a loop written by hand."""
    return _assert_same_weights


@pytest.fixture
def context_of():
    """What losses look at in a step on given real, and perhaps given generated, data."""

    def make(model, real, labels=None, **other):
        return model.context(Minibatch({"real": real, "labels": labels}, len(real)), **other)

    return make
