"""Small games of three-dimensional points in float64."""

from functools import cache

import pytest
import torch
from torch import nn

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.penalties import Scene


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


def scene_of(discriminator, generator, real, fake, latents=None):
    """A scene as the game makes it; latents are drawn in the data's type."""
    return Scene.of(
        discriminator=discriminator,
        generator=generator,
        latents=latents or (lambda count: torch.randn(count, 2, dtype=real.dtype)),
        real=real,
        fake=fake,
    )


@cache
def nodes():
    names = [name for name in group_choices("penalty") if name != "none"]
    return compose_config([f"penalty=[{','.join(names)}]"]).penalty


def penalty_of(name, **settings):
    """The penalty of a file in conf/penalty, as the command line builds it."""
    return build(nodes()[name], **settings)


@pytest.fixture
def scene():
    torch.manual_seed(0)
    real, fake = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    return scene_of(Discriminator().double(), generator_network().double(), real, fake + 1)


@pytest.fixture
def make_scene():
    return scene_of


@pytest.fixture
def make_penalty():
    return penalty_of
