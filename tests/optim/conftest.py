"""Small games in float64, and their derivatives written out in full."""

from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.game.player import Player


class Game:
    """A game between players who each own a part of one vector, held as two parameters.

    ``objectives`` are functions of the whole vector, one for each player.
    """

    def __init__(self, objectives, start, optimizer):
        self.objectives = objectives
        self.sizes = [len(part) for part in start]
        modules = [
            nn.ParameterList([part[:1].clone(), part[1:].clone()]).requires_grad_()
            for part in start
        ]
        self.parameters = [list(module) for module in modules]
        self.players = [
            Player(
                f"player {i}",
                module,
                partial(lambda i, _: {"objective": objectives[i](self.whole())}, i),
                optimizer=optimizer(self.parameters[i]),
            )
            for i, module in enumerate(modules)
        ]
        for player in self.players:
            player.meet(self.players)

    def whole(self):
        return torch.cat([part for own in self.parameters for part in own])

    def position(self):
        return self.whole().detach().clone()

    def follow(self, rule, iterations=1):
        """The whole vector after each iteration."""
        path = []
        for _ in range(iterations):
            rule.step(self.players)
            if hasattr(rule, "end_iteration"):
                rule.end_iteration(self.players)
            path.append(self.position())
        return torch.stack(path)

    def blocks(self):
        ends = torch.tensor(self.sizes).cumsum(0).tolist()
        return [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]

    def gradient(self, position):
        """Everybody's gradient of its own objective, in one vector."""
        slopes = [torch.func.grad(objective)(position) for objective in self.objectives]
        return torch.cat([s[b] for s, b in zip(slopes, self.blocks(), strict=True)])

    def jacobian(self, position):
        """The matrix of its derivatives."""
        tables = [torch.func.hessian(objective)(position) for objective in self.objectives]
        return torch.cat([t[b] for t, b in zip(tables, self.blocks(), strict=True)])


def quadratic(total, generator):
    """A random quadratic function of a vector."""
    matrix = torch.randn(total, total, generator=generator, dtype=torch.float64)
    slope = torch.randn(total, generator=generator, dtype=torch.float64)
    return lambda z: 0.5 * z @ (matrix + matrix.T) @ z + slope @ z


def curved(total, generator):
    """A random function of a vector that is not quadratic."""
    layer = torch.randn(total, 2 * total, generator=generator, dtype=torch.float64)
    weights = torch.randn(2 * total, generator=generator, dtype=torch.float64)
    return lambda z: ((z @ layer).tanh() * weights).sum() + (z.prod()).cos()


def make_game(kind, sizes, lr=0.05, seed=0, optimizer=None):
    generator = torch.Generator().manual_seed(seed)
    objectives = [kind(sum(sizes), generator) for _ in sizes]
    start = [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]
    return Game(objectives, start, optimizer or partial(torch.optim.SGD, lr=lr))


@pytest.fixture(params=["quadratic", "curved"])
def kind(request):
    return {"quadratic": quadratic, "curved": curved}[request.param]


@pytest.fixture(params=[(3, 2), (2, 3, 2)], ids=["two players", "three players"])
def sizes(request):
    return request.param


@pytest.fixture
def random_game(kind, sizes):
    """Make a random game of that kind and number of players."""
    return partial(make_game, kind, sizes)


@pytest.fixture
def game():
    """Make a game of given objectives and starts."""
    return Game
