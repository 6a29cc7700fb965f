from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.penalties import MomentMatching
from ganzoo.penalties.features import last_hidden_features
from ganzoo.penalties.moment_distances import Bures, GaussianKullbackLeibler, SquaredFrobenius
from ganzoo.penalties.moment_matching import orthonormal_basis

DISTANCES = {
    "frobenius": SquaredFrobenius(),
    "kullback_leibler": GaussianKullbackLeibler(ridge=0.001),
    "bures": Bures(),
}
every_distance = pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)


class Backwards(nn.Module):
    """A network whose layers are not declared in the order in which they run."""

    def __init__(self):
        super().__init__()
        self.output = nn.Linear(8, 1)
        self.hidden = nn.Conv2d(1, 2, 3)

    def forward(self, images):
        return self.output(torch.relu(self.hidden(images)).flatten(1)).squeeze(1)


def test_features_are_the_input_of_the_layer_that_runs_last():
    network, images = Backwards(), torch.randn(5, 1, 4, 4)
    features = last_hidden_features(network, network, images)
    assert torch.equal(features, torch.relu(network.hidden(images)).flatten(1))
    assert features.shape == (5, 8)
    assert not network.output._forward_pre_hooks


def test_features_of_half_precision_are_float32():
    network, images = Backwards(), torch.randn(2, 1, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert last_hidden_features(network, network, images).dtype == torch.float32


def test_hooks_are_taken_off_after_an_error():
    network = Backwards()
    with pytest.raises(RuntimeError):
        last_hidden_features(network, network, torch.randn(5, 1, 9, 9))
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_discriminator_without_such_layers_is_refused():
    with pytest.raises(InputError, match="has none"):
        last_hidden_features(nn.Flatten(), nn.Flatten(0), torch.randn(2, 1))


@every_distance
def test_the_span_of_few_samples_leaves_distances_and_gradients_as_they_are(distance):
    torch.manual_seed(0)
    real, fake = torch.randn(4, 40).double(), (2 * torch.randn(6, 40).double()).requires_grad_()
    basis = orthonormal_basis(real, fake)
    assert basis.shape == (40, 10)
    whole, within = distance(real, fake), distance(real @ basis, fake @ basis)
    torch.testing.assert_close(whole, within)
    gradients = [torch.autograd.grad(value, fake)[0] for value in (whole, within)]
    torch.testing.assert_close(*gradients)


@pytest.fixture
def game(make_game):
    """Generated points A z + b to be like real ones; the features are the points themselves."""
    torch.manual_seed(0)
    mixing = torch.tensor([[1.0, 0.0], [0.9, 0.4]]).double()
    real = torch.randn(512, 2).double() @ mixing.T + torch.tensor([2.0, -1.0])
    discriminator = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)).double()
    generator = nn.Linear(2, 2, dtype=torch.float64)
    return make_game(discriminator, generator, real)


@every_distance
def test_the_value_is_the_distance_of_the_features(distance, game):
    penalty = MomentMatching(weight=0.3, interval=2, distance=distance)
    torch.manual_seed(7)
    value = game.term(penalty)
    torch.manual_seed(7)
    fake = game.generated(512)
    torch.testing.assert_close(value, 0.6 * distance(game.real, fake))


@every_distance
def test_a_generator_learns_mean_and_covariance_from_it_alone(distance, game):
    penalty = MomentMatching(weight=1.0, interval=1, distance=distance)
    layer = game.networks["generator"]
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for step in range(700):
        optimizer.param_groups[0]["lr"] = 0.06 * 0.995**step
        optimizer.zero_grad()
        game.term(penalty).backward()
        optimizer.step()
    learnt = (layer.weight @ layer.weight.T).detach().numpy()
    real = game.real.numpy()
    assert np.allclose(layer.bias.detach().numpy(), real.mean(axis=0), atol=0.1)
    assert np.allclose(learnt, np.cov(real.T), atol=0.15)


def test_means_alone_do_not_tell_a_collapsed_generator_from_a_good_one(game):
    """What the covariances add to feature matching: the collapsed batch has the right mean."""
    real, collapsed = game.real, game.real.mean(0).expand(512, 2)
    assert (real.mean(0) - collapsed.mean(0)).norm() < 1e-12
    assert all(distance(real, collapsed) > 0.5 for distance in DISTANCES.values())


MIXING = torch.tensor([[1.0, 0.0], [0.9, 0.4]])


class Correlated:
    """An endless dataloader of a Gaussian whose two coordinates are strongly correlated."""

    def __iter__(self):
        generator = torch.Generator().manual_seed(0)
        while True:
            yield [torch.randn(64, 2, generator=generator) @ MIXING.T]


@pytest.fixture
def error(gan, trainer):
    """How far a game's samples are from the covariance of the data after 150 iterations."""

    def measure(penalties, seed):
        torch.manual_seed(seed)
        adam = partial(torch.optim.Adam, lr=5e-3, betas=(0.5, 0.9))
        optimizers = {"generator": adam, "discriminator": adam}
        model = gan(penalties=penalties, optimizers=optimizers)
        trainer(150).fit(model, Correlated())
        found = np.cov(model.sample(4000, seed=0).numpy().T)
        return np.linalg.norm(found - (MIXING @ MIXING.T).numpy())

    return measure


def test_in_a_game_it_brings_the_covariance_of_samples_to_that_of_the_data(error):
    """The text behind the library: penalising differences of covariance improves samples."""
    weights = {"frobenius": 0.01, "kullback_leibler": 0.3, "bures": 1.0}
    plain = error({}, 0)
    for name, weight in weights.items():
        penalty = MomentMatching(weight=weight, interval=1, distance=DISTANCES[name])
        assert error({"moments": penalty}, 0) < 0.4 * plain, name
