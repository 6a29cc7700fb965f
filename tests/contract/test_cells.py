"""Every model x loss x penalty on points and on images plays two iterations.

The suite plays one in 26, so chosen that each pair of a model and a penalty is among them on both
kinds of data, and each pair of a loss and a penalty, or of a model and a loss, on one; with
GANZOO_CELLS=all it plays all. Models without latents play on the pictures that they are for.

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

from ganzoo.composition.compatibility import DATASET_OF_KIND, part_config
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.penalties import Penalty
from tests.contract.small import OF_PICTURES, WITH_LATENTS, WITHOUT_LATENTS, on_pictures

LATENTS = ("network.latent.latent_dim=12", "network.generator.width=8")
ROWS = 12
STRIDE = 1 if os.environ.get("GANZOO_CELLS") == "all" else 13
LOSSES = group_choices("loss")
# Those with a loss to exchange.
MODELS = [name for name in WITH_LATENTS if "loss" in compose_config([f"model={name}"]).model]
# What has no meaning, and the line that says so; the constructors say the rest (test_configs).
REFUSED = dict.fromkeys([(model, "points") for model in OF_PICTURES], "works on images")


@functools.cache
def after_one_iteration(model, kind, trainer):
    """A model, a batch, and its weights."""
    torch.manual_seed(0)
    words = (f"model={model}", f"dataset={DATASET_OF_KIND[kind]}", *LATENTS)
    if model in WITHOUT_LATENTS:
        words = on_pictures(model)
    config = compose_config([*words, "optimizer.lr=1e-3"])
    game = build(config.model)
    rows = ROWS * getattr(game, "discriminator_steps", 1)
    data = torch.rand(rows, *config.dataset.shape) * 2 - 1
    labels = torch.arange(rows) % (config.dataset.num_classes or 1)
    batch = [data, -data] if hasattr(game, "translate") else [data, labels]
    trainer(1, log_every_n_steps=2).fit(game, DataLoader([batch], batch_size=None))
    game.train()
    return game, batch, {name: value.clone() for name, value in game.state_dict().items()}


@functools.cache
def settings(group):
    """What each choice of a group builds, penalties in every step."""
    found = {name: part_config(group, name)[group] for name in group_choices(group)}
    for choices in found.values():
        for penalty in choices.values():
            if "interval" in getattr(penalty, "keys", list)():
                penalty.interval = 1
    return found


def is_of_latents(penalty):
    """Whether a choice of penalties acts on what is generated of latents."""
    built = build(settings("penalty")[penalty]).values()
    return any("generator" in (one.role, one.needs) for one in built)


def exchange(game, weights, loss, penalties):
    """Exchange loss and penalties, and go back to the weights of the beginning."""
    game.loss = build(settings("loss")[loss])
    game.penalties = nn.ModuleDict(build(settings("penalty")[penalties]))
    for penalty in game.penalties.values():
        if penalty.on not in [player.name for player in game.players]:
            fitting = (player.name for player in game.players if penalty.role in ("", player.role))
            penalty.on = next(fitting, penalty.on)
    game.complete()
    game.on_train_start()
    game.load_state_dict(weights, strict=False)
    game.latest.values.clear()


def cells():
    """Every pair of model and loss on points or on images in turn, or on both."""
    for model, loss in itertools.product(MODELS, LOSSES):
        place = MODELS.index(model) + LOSSES.index(loss)
        for number, kind in enumerate(DATASET_OF_KIND):
            if STRIDE == 1 or place % len(DATASET_OF_KIND) == number:
                yield model, kind, loss
    for model, (number, loss) in itertools.product(WITHOUT_LATENTS, enumerate(LOSSES)):
        if STRIDE == 1 or number % len(DATASET_OF_KIND):
            yield model, "images", loss


@pytest.mark.parametrize(("model", "kind", "loss"), cells())
def test_every_cell_plays(model, kind, loss, trainer):
    if (model, kind) in REFUSED:
        with pytest.raises(InputError, match=REFUSED[model, kind]):
            after_one_iteration(model, kind, trainer)
        return
    game, batch, weights = after_one_iteration(model, kind, trainer)
    first = ([*MODELS, *WITHOUT_LATENTS].index(model) + LOSSES.index(loss)) % STRIDE
    for penalty in group_choices("penalty")[first::STRIDE]:
        if model in WITHOUT_LATENTS and is_of_latents(penalty):
            with pytest.raises(InputError, match="acts on a generator|needs a generator|no player"):
                exchange(game, weights, loss, penalty)
            continue
        exchange(game, weights, loss, penalty)
        for index in range(2):
            game.training_step(batch, index)
        terms = game.latest_terms
        assert all(term.isfinite() for term in terms.values()), penalty
        for name, one in game.penalties.items():
            assert (f"{one.on}/{name}" in terms) == isinstance(one, Penalty), penalty
        # Of a clipped critic the generator's gradient may be too small to move a float32.
        now, buffers = game.state_dict(), dict(game.named_buffers())
        assert any(
            not torch.equal(now[name], weights[name]) for name in set(weights) - set(buffers)
        )
