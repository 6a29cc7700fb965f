"""Historical averaging against stored histories, and in a game that circles without it."""

import copy
import math

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.models.unrolled_gan import UnrolledGAN
from ganzoo.penalties import Context, HistoricalAveraging


def averaging(**changes):
    settings = {"weight": 1.0, "interval": 1, "on": "discriminator"}
    return HistoricalAveraging(**settings | changes)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()


def player_of(layers, name="discriminator"):
    return Player(name, layers, lambda _: {})


def term(penalty, player):
    context = Context(real=torch.zeros(1))
    context.player = player
    return penalty(context)


def moved(layers):
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.add_(torch.randn_like(parameter))


def flat(layers):
    return torch.cat([parameter.detach().flatten() for parameter in layers.parameters()])


def test_it_is_the_squared_distance_to_the_mean_of_a_stored_history():
    layers, penalty = network(), averaging(weight=0.5, interval=3)
    penalty.attach([layers])
    player = player_of(layers)
    history = [flat(layers)]
    for _ in range(7):
        expected = (history[-1] - torch.stack(history).mean(0)).square().sum()
        assert term(penalty, player).item() == pytest.approx(0.5 * 3 * expected.item(), abs=1e-12)
        moved(layers)
        penalty.after_step(player)
        history.append(flat(layers))
    assert expected > 1.0


def test_its_gradient_takes_the_mean_as_a_constant():
    layers, penalty = network(), averaging()
    penalty.attach([layers])
    player = player_of(layers)
    history = [flat(layers)]
    for _ in range(2):
        moved(layers)
        penalty.after_step(player)
        history.append(flat(layers))
    term(penalty, player).backward()
    mean = torch.stack(history).mean(0)
    found = torch.cat([parameter.grad.flatten() for parameter in layers.parameters()])
    torch.testing.assert_close(found, 2 * (flat(layers) - mean))


def test_at_the_start_there_is_nothing_to_return_to():
    layers, penalty = network(), averaging()
    penalty.attach([layers])
    term(penalty, player_of(layers)).backward()
    assert all(not parameter.grad.any() for parameter in layers.parameters())


def test_parameters_that_the_player_does_not_move_are_left_out():
    layers, penalty = network(), averaging()
    layers[0].requires_grad_(False)
    penalty.attach([layers])
    player = player_of(layers)
    assert len(penalty.means()) == 4
    moved(layers)
    penalty.after_step(player)
    term(penalty, player).backward()
    assert layers[0].weight.grad is None


def distances_of(weight, alternating, updates=600, rate=0.05):
    """Distances to the equilibrium of min_x max_y xy at gradient steps from (1, 1)."""
    players = {}
    for name in ("generator", "discriminator"):
        players[name] = nn.Linear(1, 1, bias=False).double()
        nn.init.ones_(players[name].weight)
    penalties = {name: averaging(weight=weight, on=name) for name in players}
    for name, penalty in penalties.items():
        penalty.attach([players[name]])
    distances = []
    for _ in range(updates):
        seen = copy.deepcopy(players)
        for name, other, sign in (
            ("discriminator", "generator", -1),
            ("generator", "discriminator", 1),
        ):
            opponent = (players if alternating else seen)[other].weight.detach()
            player = player_of(players[name], name)
            loss = sign * (players[name].weight * opponent).sum() + term(penalties[name], player)
            (slope,) = torch.autograd.grad(loss, players[name].weight)
            players[name].weight.data -= rate * slope
            penalties[name].after_step(player)
        distances.append(math.hypot(*(player.weight.item() for player in players.values())))
    return distances


@pytest.mark.parametrize("alternating", [True, False])
def test_a_bilinear_game_that_circles_comes_to_rest(alternating):
    """The paper: gradient descent goes into orbits where this finds the equilibrium."""
    without = distances_of(0.0, alternating)
    assert min(without) > 1.35
    distances = distances_of(0.1, alternating)
    assert distances[-1] < 0.03
    half = len(distances) // 2
    assert max(distances[half:]) < 0.1 * max(distances[:half])


def test_both_players_are_held_in_the_game(gan, trainer, batches, make_penalty):
    distances = {}
    for weight in (0.0, 100.0):
        torch.manual_seed(0)
        names = ("historical_averaging", "historical_averaging_generator")
        model = gan(penalties={name: make_penalty(name, weight=weight) for name in names})
        start = {name: flat(getattr(model, name)) for name in ("generator", "discriminator")}
        torch.manual_seed(1)
        trainer(60).fit(model, batches(8, 2))
        assert {int(p.count) for p in model.penalties.values()} == {61}
        for name, before in start.items():
            now = flat(getattr(model, name))
            distances[name, weight] = (now - before).norm().item()
    for name in start:
        assert distances[name, 100.0] < 0.5 * distances[name, 0.0]
    assert {
        "generator/historical_averaging_generator",
        "discriminator/historical_averaging",
    } <= set(model.latest_terms)


def test_parts_of_a_step_change_the_mean_once(gan, trainer, batches, make_penalty):
    model = gan(
        penalties={"h": make_penalty("historical_averaging", interval=4)},
        micro_batches=2,
        discriminator_steps=3,
    )
    trainer(2).fit(model, batches(12, 2))
    assert int(model.penalties["h"].count) == 7


def test_a_resumed_run_goes_on_with_the_mean(gan, trainer, batches, make_penalty, tmp_path):
    def model():
        return gan(penalties={"h": make_penalty("historical_averaging")})

    first = model()
    run = trainer(5)
    run.fit(first, batches(8, 2))
    run.save_checkpoint(tmp_path / "run.ckpt")
    kept = {name: b.clone() for name, b in first.penalties["h"].named_buffers()}
    resumed = model()
    trainer(5).fit(resumed, batches(8, 2), ckpt_path=tmp_path / "run.ckpt")
    assert len(kept) == 5
    for name, value in resumed.penalties["h"].named_buffers():
        assert torch.equal(value, kept[name]), name


def test_an_unrolled_copy_pays_it_for_its_own_weights(gan, trainer, batches, make_penalty):
    """Where the generator looks ahead, the copy is drawn to the mean, which stays as it is."""
    distances = []
    for weight in (0.0, 300.0):
        torch.manual_seed(0)
        penalty = make_penalty("historical_averaging", weight=weight)
        sgd = dict.fromkeys(("generator", "discriminator"), lambda p: torch.optim.SGD(p, lr=1e-3))
        model = gan(UnrolledGAN, penalties={"h": penalty}, unrolling_steps=4, optimizers=sgd)
        trainer(1).fit(model, batches(8, 2))
        moved(model.discriminator)
        mean = penalty.means()[0].clone()
        (data,) = next(iter(batches(8, 2)))
        minibatch = Minibatch({"real": data, "labels": None}, len(data))
        ahead = model.unrolled(model.context(minibatch))
        distances.append((ahead["discriminator.layers.1.weight"] - mean).norm().item())
        assert torch.equal(penalty.means()[0], mean)
    assert distances[1] < 0.2 * distances[0]


def test_a_weight_that_is_no_weight_is_refused():
    with pytest.raises(InputError, match="weight must be zero or a positive number"):
        averaging(weight=-1.0)
