"""What holds for every file of conf/penalty, whoever its player is."""

import copy
import pickle
from dataclasses import replace

import pytest
import torch
from omegaconf import OmegaConf

from ganzoo.composition.compose import config_directory, group_choices
from ganzoo.penalties import HistoricalAveraging, Regularizer, Term, WeightClipping
from ganzoo.penalties.running_mean import RunningMean
from ganzoo.penalties.spectral import SpectralNormPenalty

NAMES = [name for name in group_choices("penalty") if name != "none"]
TERMS = [name for name in NAMES if name != "weight_clipping"]
every_penalty = pytest.mark.parametrize("name", NAMES)
every_term = pytest.mark.parametrize("name", TERMS)


def opponent(player):
    return "generator" if player == "discriminator" else "discriminator"


def value(penalty, scene):
    """The term with the same random numbers and the same memory each time."""
    torch.manual_seed(3)
    penalty = copy.deepcopy(penalty)
    if isinstance(penalty, HistoricalAveraging):  # at first the player is where its mean is
        penalty.attach({} if penalty.names else scene.networks)
        torch._foreach_add_(penalty.means(), 0.1)
    return penalty.term(scene)


def test_none_is_an_empty_node():
    assert OmegaConf.to_container(OmegaConf.load(config_directory() / "penalty/none.yaml")) == {}


@every_penalty
def test_a_file_is_one_penalty_under_its_own_name(name, make_penalty):
    keys = set(OmegaConf.load(config_directory() / f"penalty/{name}.yaml"))
    assert keys - {"defaults"} == {name}
    penalty = make_penalty(name)
    assert isinstance(penalty, Regularizer)
    assert penalty.player in {"discriminator", "generator"}
    assert isinstance(penalty, Term | WeightClipping)


@every_penalty
def test_pickle_round_trip(name, make_penalty, scene):
    penalty = make_penalty(name)
    penalty.attach(scene.networks)
    twin = pickle.loads(pickle.dumps(penalty))
    assert type(twin) is type(penalty)
    assert str(twin) == str(penalty)
    assert torch.equal(value(twin, scene), value(penalty, scene))


@every_term
def test_it_is_the_weight_times_the_interval_times_the_value(name, make_penalty, scene):
    one = value(make_penalty(name, weight=1.0, interval=1), scene)
    assert one.shape == ()
    assert one.abs() > 1e-7
    torch.testing.assert_close(value(make_penalty(name, weight=2.5, interval=1), scene), 2.5 * one)
    torch.testing.assert_close(value(make_penalty(name, weight=1.0, interval=16), scene), 16 * one)
    assert value(make_penalty(name, weight=0.0), scene) == 0


@every_term
def test_it_is_due_in_every_interval_th_update(name, make_penalty):
    penalty = make_penalty(name, interval=3)
    assert [update for update in range(8) if penalty.due(update)] == [0, 3, 6]


@every_term
def test_its_gradient_is_that_of_finite_differences(name, make_penalty, scene, monkeypatch):
    """Along random directions in the space of the player's parameters, running means held."""
    penalty = make_penalty(name)
    if isinstance(penalty, SpectralNormPenalty):
        penalty.power_iterations = 300  # the norm itself, as the vectors are constants
    held = torch.tensor(0.7, dtype=torch.float64)
    monkeypatch.setattr(RunningMean, "forward", lambda self, values: held)
    penalty.attach(scene.networks)
    parameters = list(scene.networks[penalty.player].parameters())
    gradients = torch.autograd.grad(value(penalty, scene), parameters, materialize_grads=True)
    torch.manual_seed(5)
    for _ in range(4):
        directions = [torch.randn_like(parameter) for parameter in parameters]
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
        values = []
        for step in (1e-5, -2e-5, 1e-5):  # there, the other way, and back
            with torch.no_grad():
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.add_(step * direction)
            values.append(value(penalty, scene).item())
        assert abs(slope) > 1e-8
        assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-10)


@every_term
def test_it_moves_its_own_player_alone(name, make_penalty, scene):
    """As in the game, where the opponent's parameters are frozen meanwhile."""
    penalty = make_penalty(name)
    other = scene.networks[opponent(penalty.player)].requires_grad_(False)
    scene = replace(scene, fake=scene.fake.requires_grad_())
    penalty.attach(scene.networks)
    value(penalty, scene).backward()
    mine = scene.networks[penalty.player].parameters()
    assert sum(p.grad.abs().sum() for p in mine if p.grad is not None) > 0
    assert all(p.grad is None for p in other.parameters())
    assert scene.fake.grad is None
    assert not scene.real.requires_grad


@every_term
def test_it_can_be_evaluated_without_gradients(name, make_penalty, scene):
    penalty = make_penalty(name)
    penalty.attach(scene.networks)
    with torch.no_grad():
        without = value(penalty, scene)
    torch.testing.assert_close(without, value(penalty, scene).detach())


@every_term
def test_what_it_remembers_is_a_buffer(name, make_penalty, scene):
    """A penalty that takes up another's state dict goes on as the other does."""
    first, second = make_penalty(name), make_penalty(name)
    first.attach(scene.networks)
    torch.manual_seed(9)
    second.attach(scene.networks)
    for seed in range(3):
        torch.manual_seed(seed)
        first.term(scene)
    second.load_state_dict(first.state_dict())
    assert torch.equal(value(first, scene), value(second, scene))


@every_term
@pytest.mark.parametrize(("real", "fake"), [(6, 2), (2, 6), (1, 1)])
def test_batches_of_different_sizes(name, real, fake, make_penalty, scene):
    penalty = make_penalty(name)
    penalty.attach(scene.networks)
    smaller = replace(scene, real=scene.real[:real], fake=scene.fake[:fake])
    term = value(penalty, smaller)
    term.backward()
    assert torch.isfinite(term)
    gradients = [p.grad for p in scene.networks[penalty.player].parameters()]
    assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@every_term
def test_a_constant_discriminator_and_a_collapsed_generator_give_finite_gradients(
    name, make_penalty, scene
):
    penalty = make_penalty(name)
    penalty.attach(scene.networks)
    with torch.no_grad():
        for network in scene.networks.values():
            list(network.parameters())[-2].zero_()
    value(penalty, scene).backward()
    gradients = [p.grad for p in scene.networks[penalty.player].parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
