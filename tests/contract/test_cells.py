"""Every model x loss x penalty on points and on images plays two iterations.

The suite plays one in 26, so chosen that each pair of a model and a penalty is among them on both
kinds of data, and each pair of a loss and a penalty, or of a model and a loss, on one; with
GANZOO_CELLS=all it plays all.

A trainer seats each model at its game once; then its loss and penalties are exchanged and the game
goes on from the same weights. That takes milliseconds where a run of its own takes a second.
"""

import functools
import itertools
import os

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ganzoo.composition.compatibility import KINDS, part
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError

SMALL = ("network.latent.latent_dim=12", "network.generator.width=8", "optimizer.lr=1e-3")
ROWS = 12
STRIDE = 1 if os.environ.get("GANZOO_CELLS") == "all" else 13
LOSSES = group_choices("loss")
# Those with a loss to exchange.
MODELS = [n for n in group_choices("model") if "loss" in compose_config([f"model={n}"]).model]
# What has no meaning, and the line that says so; the constructors say the rest (test_configs).
REFUSED = {("dcgan", "points"): "works on images"}


@functools.cache
def seated(model, kind, trainer):
    """A model after one iteration, a batch, and its weights."""
    torch.manual_seed(0)
    config = compose_config([f"model={model}", f"dataset={KINDS[kind]}", *SMALL])
    game = build(config.model)
    rows = ROWS * game.discriminator_steps
    data = torch.rand(rows, *config.dataset.shape) * 2 - 1
    batch = [data, torch.arange(rows) % config.dataset.num_classes]
    trainer(1, log_every_n_steps=2).fit(game, DataLoader([batch], batch_size=None))
    game.train()
    return game, batch, {name: value.clone() for name, value in game.state_dict().items()}


@functools.cache
def settings(group):
    """What each choice of a group builds, penalties in every update."""
    found = {name: part(group, name)[group] for name in group_choices(group)}
    for choices in found.values():
        for penalty in choices.values():
            if "interval" in getattr(penalty, "keys", list)():
                penalty.interval = 1
    return found


def deal(game, weights, loss, penalties):
    """Exchange loss and penalties, and go back to the weights of the beginning."""
    game.loss = build(settings("loss")[loss])
    game.penalties = nn.ModuleDict(build(settings("penalty")[penalties]))
    networks = {player.name: player.network for player in game.players()}
    for penalty in game.penalties.values():
        penalty.attach(networks)
    game.load_state_dict(weights, strict=False)
    game._record.latest.clear()


def cells():
    """Every pair of model and loss on points or on images in turn, or on both."""
    for model, loss in itertools.product(MODELS, LOSSES):
        place = MODELS.index(model) + LOSSES.index(loss)
        for number, kind in enumerate(KINDS):
            if STRIDE == 1 or place % len(KINDS) == number:
                yield model, kind, loss


@pytest.mark.parametrize(("model", "kind", "loss"), cells())
def test_every_cell_plays(model, kind, loss, trainer):
    if (model, kind) in REFUSED:
        with pytest.raises(InputError, match=REFUSED[model, kind]):
            seated(model, kind, trainer)
        return
    game, batch, weights = seated(model, kind, trainer)
    first = (MODELS.index(model) + LOSSES.index(loss)) % STRIDE
    for penalty in group_choices("penalty")[first::STRIDE]:
        deal(game, weights, loss, penalty)
        for index in range(2):
            game.training_step(batch, index)
        terms = game.latest_terms
        assert all(term.isfinite() for term in terms.values()), penalty
        for name, one in game.penalties.items():
            is_term = hasattr(one, "weight")
            assert (f"{one.player}/{name}" in terms) == is_term, penalty
        # Of a clipped critic the generator's gradient may be too small to move a float32.
        now = game.state_dict()
        moved = (name for name in weights if name.startswith(("generator.", "discriminator.")))
        assert any(not torch.equal(now[name], weights[name]) for name in moved), penalty
