"""Small games of three-dimensional points in float64."""

from functools import cache, partial

import pytest
import torch
from torch import nn

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.game.player import Player
from ganzoo.penalties import Context


class Discriminator(nn.Module):
    """Smooth, and steep enough that gradient norms lie on both sides of 1."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.second = nn.Linear(8, 8)
        self.output = nn.Linear(8, 1)
        with torch.no_grad():
            self.output.weight.mul_(60)

    def forward(self, data):
        hidden = nn.functional.softplus(self.second(torch.tanh(self.first(data))))
        return self.output(hidden).squeeze(1)


def generator_network():
    return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))


class Game:
    """Two players, real data, and contexts of one step as the game makes them.

    The discriminator is shown ``fake``, the generator what it makes of latents, which are drawn in
    the data's type.
    """

    def __init__(self, discriminator, generator, real, fake=None, latents=None):
        self.networks = {"discriminator": discriminator, "generator": generator}
        self.real, self.fake = real, fake
        self.latents = latents or (lambda count: torch.randn(count, 2, dtype=real.dtype))
        self.players = {
            name: Player(
                name,
                network,
                lambda context: {},
                role=name,
                context=partial(lambda name, _: self.context(name), name),
                optimizer=torch.optim.SGD(network.parameters(), lr=0.01),
            )
            for name, network in self.networks.items()
        }
        for player in self.players.values():
            player.meet(list(self.players.values()))

    def context(self, player):
        """What a player's penalties look at in a step."""
        context = Context(
            real=self.real,
            fake=self.fake if player == "discriminator" else None,
            outputs=self.networks["discriminator"],
            discriminator=self.networks["discriminator"],
            generator=self.networks["generator"],
            generate=lambda latents, labels: self.networks["generator"](latents),
            draw_latents=self.latents,
        )
        context.player = self.players[player]
        return context

    def term(self, penalty):
        """A penalty's term of one step."""
        return penalty(self.context(penalty.on))

    def generated(self, count):
        """What a context generates after the same seed."""
        return self.networks["generator"](self.latents(count))

    def attach(self, penalty):
        """As when a model is built."""
        penalty.attach(self.players[penalty.on].modules)

    def terms(self, penalty):
        """The terms of its player, whose loss is the mean of all logits and looks at them first."""
        player = self.players[penalty.on]
        player.losses = all_logits
        return player.terms_of(self.context(penalty.on), {"penalty": penalty})

    def step(self, penalty):
        """A step of its player with that loss."""
        player = self.players[penalty.on]
        player.losses, player.penalties = all_logits, {"penalty": penalty}
        player.compute_gradients()
        player.step()
        if hasattr(penalty, "after_step"):
            penalty.after_step(player)


def all_logits(context):
    sides = ("real", "fake") if context.player.name == "discriminator" else ("fake",)
    return {side: getattr(context, f"{side}_logits").mean() for side in sides}


@cache
def nodes():
    names = [name for name in group_choices("penalty") if name != "none"]
    return compose_config([f"penalty=[{','.join(names)}]"]).penalty


def penalty_of(name, **settings):
    """The penalty of a file in conf/penalty, as the command line builds it."""
    return build(nodes()[name], **settings)


@pytest.fixture
def game():
    torch.manual_seed(0)
    real, fake = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    return Game(Discriminator().double(), generator_network().double(), real, fake + 1)


@pytest.fixture
def make_game():
    return Game


@pytest.fixture
def make_penalty():
    return penalty_of
