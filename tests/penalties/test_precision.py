"""Penalties in mixed precision against float64: their values and what they do to the weights."""

import copy

import pytest
import torch
from torch import nn

from ganzoo.composition.compose import group_choices
from ganzoo.penalties import HistoricalAveraging

NAMES = [name for name in group_choices("penalty") if name not in {"none", "weight_clipping"}]
# Differences of nearly equal outputs lose digits in float32 itself, not in mixed precision.
DIFFERENCES = {"approximate_r1", "approximate_r2", "latent_consistency", "latent_diversity"}
# What the loss has computed of them in half precision is not computed again.
SHARED = {"lecam", "pulling_away", *(name for name in NAMES if name.startswith("moment_matching"))}


class Critic(nn.Module):
    """Two layers without batch statistics, and gradients well away from zero."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(8 * 36, 1)
        )

    def forward(self, data):
        return 30 * self.layers(data).squeeze(1)


class Generator(nn.Module):
    """Images of 6 x 6 pixels from 4 latents."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 72), nn.SiLU(), nn.Unflatten(1, (8, 3, 3)), nn.ConvTranspose2d(8, 3, 2, 2)
        )

    def forward(self, latents):
        return torch.tanh(self.layers(latents))


def measured(penalty, game, *, alone=False):
    """The penalty's value and its gradient by its player's weights, as one vector.

    As in the game, where the loss looks at the data first, or alone.
    """
    torch.manual_seed(3)
    if isinstance(penalty, HistoricalAveraging):  # at first the player is where its mean is
        penalty = copy.deepcopy(penalty)
        torch._foreach_add_(penalty.means(), 0.1)
    value = game.term(penalty) if alone else game.terms(penalty)["penalty"]
    weights = game.players[penalty.on].parameters
    with torch.autocast(value.device.type, enabled=False):  # as the game differentiates
        gradients = torch.autograd.grad(value, weights, materialize_grads=True)
    return value.detach().cpu().double(), torch.cat([g.flatten() for g in gradients]).cpu().double()


@pytest.fixture(autouse=True)
def _same_noise(monkeypatch):
    """Random numbers that depend neither on the type nor on the device they are asked for."""

    def numbers(draw):
        def drawn(*shape, **named):
            like = shape[0] if shape and isinstance(shape[0], torch.Tensor) else None
            dtype = like.dtype if like is not None else named.get("dtype", torch.float32)
            device = like.device if like is not None else named.get("device")
            sizes = like.shape if like is not None else shape
            return draw(*sizes, dtype=torch.float32).to(device, dtype)

        return drawn

    rand, randn = torch.rand, torch.randn
    monkeypatch.setattr(torch, "rand", lambda *s, **n: numbers(rand)(*_flat(s), **n))
    monkeypatch.setattr(torch, "randn_like", numbers(randn))


def _flat(shape):
    return shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape


@pytest.fixture
def assert_as_in_float64(make_penalty, make_game):
    """Compare a penalty in float32 or less with the same of float64."""

    def check(name, real, fake, autocast, device="cpu"):
        torch.manual_seed(0)
        critic, generator = Critic(), Generator()
        penalty = make_penalty(name)
        penalty.attach([{"discriminator": critic, "generator": generator}[penalty.on]])
        alone = autocast is None
        value, gradient = exact(penalty, critic, generator, real, fake, alone)
        penalty = penalty.to(device)
        game = make_game(
            critic.to(device),
            generator.to(device),
            real.to(device),
            fake.to(device),
            lambda count: torch.randn(count, 4).to(device),
        )
        with torch.autocast(
            torch.device(device).type,
            dtype=autocast or torch.bfloat16,
            enabled=autocast is not None,
        ):
            assert autocast is None or critic(game.real).dtype == autocast
            assert autocast is None or generator(game.latents(1)).dtype == autocast
            found, slope = measured(penalty, game, alone=alone)
        tolerance = 1e-4 if name in DIFFERENCES else 1e-5
        if name in SHARED and not alone:
            tolerance = 8 * torch.finfo(autocast).eps
        assert found == pytest.approx(float(value), rel=tolerance)
        assert (slope - gradient).norm() / gradient.norm() < tolerance

    def exact(penalty, critic, generator, real, fake, alone):
        networks = copy.deepcopy((critic, generator))
        game = make_game(
            *(network.double() for network in networks),
            real.double(),
            fake.double(),
            lambda count: torch.randn(count, 4).double(),
        )
        return measured(copy.deepcopy(penalty).double(), game, alone=alone)

    return check


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", NAMES)
def test_a_penalty_in_mixed_precision_is_that_of_float64(name, dtype, assert_as_in_float64):
    torch.manual_seed(1)
    real, fake = torch.randn(2, 16, 3, 6, 6)
    assert_as_in_float64(name, real, fake, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_fakes_in_half_precision_are_taken_as_they_are(name, assert_as_in_float64):
    """Autocast leaves the generator's output in half precision; the penalty goes on in float32."""
    torch.manual_seed(1)
    real, fake = torch.randn(2, 16, 3, 6, 6)
    assert_as_in_float64(name, real, fake.bfloat16(), None)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", NAMES)
def test_a_penalty_on_the_device_is_that_of_float64(
    name, dtype, assert_as_in_float64, device, monkeypatch
):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(1)
    real, fake = torch.randn(2, 16, 3, 6, 6)
    assert_as_in_float64(name, real, fake, dtype, device)
