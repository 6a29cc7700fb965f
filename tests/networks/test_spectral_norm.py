"""Spectral normalisation under torch.compile, against torch's own in eager mode."""

import shutil

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.networks.normalization import SpectralNorm


def network(normalized):
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3), nn.Flatten()
    return nn.Sequential(*(normalized(x) if hasattr(x, "weight") else x for x in layers))


def gradients_and_state(module, run):
    """After two steps of two forward passes each, as a discriminator makes them."""
    real, fake = torch.randn(2, 2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        module.zero_grad()
        (run(real).sum() - run(fake).square().sum()).backward()
    return [*(p.grad for p in module.parameters()), *module.state_dict().values()]


def ours():
    return network(SpectralNorm(power_iterations=2).weighted)


def test_it_is_torchs_own():
    theirs = network(lambda layer: spectral_norm(layer, n_power_iterations=2))
    mine = ours()
    assert list(mine.state_dict()) == list(theirs.state_dict())
    expected = gradients_and_state(theirs, theirs)
    torch.testing.assert_close(gradients_and_state(mine, mine), expected, rtol=0, atol=0)


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs a C++ compiler")
def test_compiled_it_has_the_same_gradients_and_state():
    mine, eager = ours(), ours()
    found = gradients_and_state(mine, torch.compile(mine))
    torch.testing.assert_close(found, gradients_and_state(eager, eager), rtol=1e-4, atol=1e-6)
