"""What people do with any module of Lightning, done with every model."""

import copy
import functools
import io
import pickle

import pytest
import torch
from torch.utils.data import DataLoader

from ganzoo import create_model
from ganzoo.composition.compose import group_choices
from ganzoo.errors import InputError
from tests.contract import small

LATENTS = ("network.latent.latent_dim=12", "network.generator.width=8")
AVERAGE = (
    *("optimizer.ema=exponential", "optimizer.ema.decay=0.5"),
    *("optimizer.ema.half_life=null", "optimizer.ema.ramp=null"),
)
ROWS = 16


@functools.cache
def made(name):
    """A small model of images that nobody may change, and batches for it."""
    torch.manual_seed(0)
    _, dataset, *settings = small.on_pictures(name)
    overrides = (*(settings or LATENTS), *AVERAGE)
    model = create_model(name, dataset=dataset.partition("=")[2], overrides=overrides)
    rows = ROWS * getattr(model, "discriminator_steps", 1)
    data = torch.rand(rows, 1, 8, 8) * 2 - 1
    batch = [data, -data] if hasattr(model, "translate") else [data, torch.arange(rows) % 10]
    return model, DataLoader([batch] * 3, batch_size=None)


def saved_whole(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def unpickled(model):
    return pickle.loads(pickle.dumps(model))


def same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[n], theirs[n]) for n in mine)


@pytest.mark.parametrize("name", group_choices("model"))
def test_it_can_be_pickled_and_copied_before_and_after_training(name, trainer):
    model, batches = made(name)
    trained = copy.deepcopy(model)
    trainer(1).fit(trained, batches)
    assert not same(trained, model)
    for one, way in ((model, unpickled), (trained, saved_whole), (trained, copy.deepcopy)):
        other = way(one)
        assert same(one, other)
        assert torch.equal(small.made(one), small.made(other))
    before = copy.deepcopy(trained)
    trainer(1).fit(other, batches)
    assert same(trained, before) and not same(trained, other)


@pytest.mark.parametrize("name", group_choices("model"))
def test_it_trains_with_weights_of_every_precision_or_says_why_not(name, trainer):
    model, batches = made(name)
    for precision in ("64-true", "bf16-true"):
        own = copy.deepcopy(model)
        trainer(2, precision=precision).fit(own, batches)
        assert all(term.isfinite() for term in own.latest_terms.values())
        outputs = small.made(own)
        assert outputs.dtype == torch.float32 and outputs.isfinite().all()
        assert not torch.equal(outputs, small.made(model))
    with pytest.raises(InputError, match="float16 rounds to 0: set trainer.precision=bf16-true"):
        trainer(1).fit(copy.deepcopy(model).half(), batches)
