"""What holds for every file of conf/penalty, whoever its player is."""

import copy
import pickle

import pytest
import torch
from omegaconf import OmegaConf

from ganzoo.composition.compose import group_choices
from ganzoo.configs import config_directory
from ganzoo.penalties import Constraint, HistoricalAveraging, Penalty
from ganzoo.penalties.running_mean import RunningMean
from ganzoo.penalties.spectral import SpectralNormPenalty

NAMES = [name for name in group_choices("penalty") if name != "none"]
TERMS = [name for name in NAMES if name != "weight_clipping"]
every_penalty = pytest.mark.parametrize("name", NAMES)
every_term = pytest.mark.parametrize("name", TERMS)


def value(penalty, game):
    """The term with the same random numbers and the same memory each time."""
    torch.manual_seed(3)
    penalty = copy.deepcopy(penalty)
    if isinstance(penalty, HistoricalAveraging):  # at first the player is where its mean is
        torch._foreach_add_(penalty.means(), 0.1)
    return game.term(penalty)


@pytest.fixture
def attached(make_penalty, game):
    """Make the penalty of a file as it is in a model."""

    def make(name, **settings):
        penalty = make_penalty(name, **settings)
        torch.manual_seed(9)
        game.attach(penalty)
        return penalty

    return make


def test_none_is_an_empty_node():
    assert OmegaConf.to_container(OmegaConf.load(config_directory() / "penalty/none.yaml")) == {}


@every_penalty
def test_a_file_is_one_penalty_under_its_own_name(name, make_penalty):
    keys = set(OmegaConf.load(config_directory() / f"penalty/{name}.yaml"))
    assert keys - {"defaults"} == {name}
    penalty = make_penalty(name)
    assert penalty.on in {"discriminator", "generator"}
    assert penalty.role in {"", penalty.on}
    assert isinstance(penalty, Constraint if name == "weight_clipping" else Penalty)


def effect(penalty, game):
    """The term, or what becomes of parameters."""
    if isinstance(penalty, Penalty):
        return value(penalty, game)
    parameters = torch.nn.Parameter(torch.linspace(-1, 1, 9))
    penalty.project([parameters])
    return parameters


@every_penalty
def test_pickle_round_trip(name, attached, game):
    penalty = attached(name)
    twin = pickle.loads(pickle.dumps(penalty))
    assert type(twin) is type(penalty)
    assert str(twin) == str(penalty)
    assert torch.equal(effect(twin, game), effect(penalty, game))


@every_term
def test_it_is_the_weight_times_the_interval_times_the_value(name, attached, game):
    one = value(attached(name, weight=1.0, interval=1), game)
    assert one.shape == ()
    assert one.abs() > 1e-7
    torch.testing.assert_close(value(attached(name, weight=2.5, interval=1), game), 2.5 * one)
    torch.testing.assert_close(value(attached(name, weight=1.0, interval=16), game), 16 * one)
    assert value(attached(name, weight=0.0), game) == 0


@every_term
def test_it_applies_in_every_interval_th_step(name, make_penalty):
    penalty = make_penalty(name, interval=3)
    assert [step for step in range(8) if penalty.applies_at(step)] == [0, 3, 6]


@every_term
def test_its_gradient_is_that_of_finite_differences(name, attached, game):
    """Along random directions in the space of the player's parameters, running means held."""
    penalty = attached(name)
    if isinstance(penalty, SpectralNormPenalty):
        penalty.power_iterations = 300  # the norm itself, as the vectors are constants
    for part in filter(lambda part: isinstance(part, RunningMean), penalty.modules()):
        part.decay = 1.0
        part.mean.fill_(0.7)
        part.seen.fill_(True)
    parameters = game.players[penalty.on].parameters
    gradients = torch.autograd.grad(value(penalty, game), parameters, materialize_grads=True)
    torch.manual_seed(5)
    for _ in range(4):
        directions = [torch.randn_like(parameter) for parameter in parameters]
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
        values = []
        for step in (1e-5, -2e-5, 1e-5):  # there, the other way, and back
            with torch.no_grad():
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.add_(step * direction)
            values.append(value(penalty, game).item())
        assert abs(slope) > 1e-8
        assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-10)


@every_term
def test_in_a_step_its_gradient_is_its_own_players_alone(name, attached, game):
    penalty = attached(name)
    if isinstance(penalty, HistoricalAveraging):
        torch._foreach_add_(penalty.means(), 0.1)
    mine = game.players[penalty.on]
    (other,) = (player for player in game.players.values() if player is not mine)
    game.fake = None  # as in a model, where the generator makes them
    mine.penalties = {name: penalty}
    mine.compute_gradients()
    assert sum(p.grad.abs().sum() for p in mine.parameters if p.grad is not None) > 0
    assert all(p.grad is None and p.requires_grad for p in other.parameters)
    assert not game.real.requires_grad


@every_term
def test_it_can_be_evaluated_without_gradients(name, attached, game):
    penalty = attached(name)
    with torch.no_grad():
        without = value(penalty, game)
    torch.testing.assert_close(without, value(penalty, game).detach())


@every_term
def test_what_it_remembers_is_a_buffer(name, attached, game):
    """A penalty that takes up another's state dict goes on as the other does."""
    first, second = attached(name), attached(name)
    before = {key: kept.clone() for key, kept in first.state_dict().items()}
    for seed in range(3):
        torch.manual_seed(seed)
        game.step(first)
    assert all(not kept.equal(first.state_dict()[key]) for key, kept in before.items())
    assert second.load_state_dict(first.state_dict()).missing_keys == []
    assert torch.equal(value(first, game), value(second, game))


@every_term
def test_what_it_remembers_changes_after_a_step_and_in_no_pass(name, attached, game):
    penalty = attached(name)
    before = {key: kept.clone() for key, kept in penalty.state_dict().items()}
    for context in (game.context(penalty.on), game.context(penalty.on)):
        penalty(context).detach()
    assert all(kept.equal(penalty.state_dict()[key]) for key, kept in before.items())


@every_term
@pytest.mark.parametrize(("real", "fake"), [(6, 2), (2, 6), (1, 1)])
def test_batches_of_different_sizes(name, real, fake, attached, game):
    penalty = attached(name)
    game.real, game.fake = game.real[:real], game.fake[:fake]
    term = value(penalty, game)
    term.backward()
    assert torch.isfinite(term)
    gradients = [p.grad for p in game.players[penalty.on].parameters]
    assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@every_term
def test_a_constant_discriminator_and_a_collapsed_generator_give_finite_gradients(
    name, attached, game
):
    penalty = attached(name)
    with torch.no_grad():
        for network in game.networks.values():
            list(network.parameters())[-2].zero_()
    value(penalty, game).backward()
    gradients = [p.grad for p in game.players[penalty.on].parameters if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
