"""Every file of conf/optimizer."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ganzoo.composition.compose import build, compose_config

CONF = Path(__file__).parents[2] / "conf"
STEMS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))
# One rate for all players; the other is in test_two_time_scale.
ALIKE = [stem for stem in STEMS if stem != "adam_two_time_scale"]
PAPERS = {
    "adam": (torch.optim.Adam, {"lr": 2e-4, "betas": [0.5, 0.999]}),
    "adam_zero_momentum": (torch.optim.Adam, {"lr": 1e-4, "betas": [0.0, 0.9]}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 5e-5}),
}


def players(stem, *overrides):
    """All players' optimizers on one parameter, as the command line would make them."""
    config = compose_config(["model=bigan", "dataset=ring", f"optimizer={stem}", *overrides])
    partials = build(config.model.optimizers)
    return {
        player: make([nn.Parameter(torch.full((2,), 3.0))]) for player, make in partials.items()
    }


def numbers(optimizer):
    group = dict(optimizer.param_groups[0])
    group.pop("params")
    return group


@pytest.mark.parametrize("stem", ALIKE)
def test_each_file_makes_the_same_optimizer_for_all_players(stem):
    made = players(stem)
    assert set(made) == {"generator", "discriminator", "encoder"}
    assert len({type(optimizer) for optimizer in made.values()}) == 1
    assert all(numbers(other) == numbers(made["generator"]) for other in made.values())


@pytest.mark.parametrize("stem", STEMS)
def test_each_optimizer_descends(stem):
    for optimizer in players(stem).values():
        (parameter,) = optimizer.param_groups[0]["params"]
        parameter.square().sum().backward()
        optimizer.step()
        assert (parameter < 3).all()


@pytest.mark.parametrize("stem", PAPERS)
def test_numbers_are_the_papers(stem):
    kind, expected = PAPERS[stem]
    made = players(stem)["generator"]
    assert type(made) is kind
    for name, value in expected.items():
        assert numbers(made)[name] == pytest.approx(value)


@pytest.mark.parametrize("stem", ALIKE)
def test_players_can_be_set_together_and_apart(stem):
    together = players(stem, "optimizer.lr=0.25")
    assert {numbers(optimizer)["lr"] for optimizer in together.values()} == {0.25}
    apart = players(stem, "optimizer.discriminator.lr=0.125")
    assert numbers(apart["discriminator"])["lr"] == 0.125
    assert numbers(apart["generator"])["lr"] == numbers(players(stem)["generator"])["lr"]
