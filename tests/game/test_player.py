"""A player in a game of torch alone: what it moves, what it holds still, what it minimises."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.optim import Alternating, Simultaneous
from ganzoo.penalties import R1, Orthogonal
from ganzoo.penalties.context import Context

SGD = partial(torch.optim.SGD, lr=0.1)


def met(*players):
    for player in players:
        player.meet(players)
    return players


def scalar(value):
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def bilinear(x, y, sign):
    return lambda minibatch: {"value": sign * x.weight.sum() * y.weight.sum()}


@pytest.mark.parametrize(
    ("rule", "seen"),
    [(Alternating(), "new"), (Simultaneous(), "old")],
    ids=["alternating", "at once"],
)
def test_the_bilinear_game_by_hand(rule, seen):
    """x follows -y, and y follows x as it is before or after that step."""
    x, y = scalar(1.0), scalar(-2.0)
    players = met(
        Player("x", x, bilinear(x, y, 1.0), optimizer=SGD(x.parameters())),
        Player("y", y, bilinear(x, y, -1.0), optimizer=SGD(y.parameters())),
    )
    a, b = 1.0, -2.0
    for _ in range(5):
        rule.step(players)
        before, a = a, a - 0.1 * b
        b = b + 0.1 * (a if seen == "new" else before)
        assert (x.weight.item(), y.weight.item()) == pytest.approx((a, b))
    assert players[0].terms.keys() == {"value", "loss"}


def test_several_modules_are_one_players_and_what_they_share_is_moved_once():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    player = Player("both", [first, second], lambda minibatch: {})
    assert list(map(id, player.parameters)) == list(
        map(id, (first.weight, first.bias, second.bias))
    )
    first.requires_grad_(False)
    player.find_parameters()
    assert list(map(id, player.parameters)) == [id(second.bias)]


def normalised(into, out):
    first = nn.utils.parametrizations.spectral_norm(nn.Linear(into, 4))
    return nn.Sequential(first, nn.BatchNorm1d(4), nn.Linear(4, out))


def test_while_one_steps_the_others_neither_move_nor_remember():
    torch.manual_seed(0)
    mine, theirs = normalised(2, 3), normalised(3, 1)
    player, _ = met(
        Player(
            "mine",
            mine,
            lambda m: {"out": theirs(mine(m)).square().mean()},
            optimizer=SGD(mine.parameters()),
        ),
        Player("theirs", theirs, lambda m: {"out": theirs(m).mean()}),
    )
    before = copy.deepcopy(theirs.state_dict())
    own = copy.deepcopy(mine.state_dict())
    player.minibatch = torch.randn(8, 2)
    Alternating().step([player])
    assert all(torch.equal(value, before[name]) for name, value in theirs.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in theirs.parameters())
    moved = {name for name, value in mine.state_dict().items() if not torch.equal(value, own[name])}
    weight = "0.parametrizations.weight.original"
    assert {weight, "1.running_mean", "1.num_batches_tracked", "2.weight"} < moved


def test_what_two_players_share_stays_free():
    trunk, head, other = nn.Linear(2, 2), nn.Linear(2, 1), nn.Linear(2, 1)
    player, _ = met(
        Player("a", [trunk, head], lambda m: {"a": head(trunk(m)).mean()},
               optimizer=SGD([*trunk.parameters(), *head.parameters()])),
        Player("b", [trunk, other], lambda m: {"b": other(trunk(m)).mean()}),
    )  # fmt: skip
    before = trunk.weight.clone()
    player.minibatch = torch.ones(3, 2)
    Alternating().step([player])
    assert not torch.equal(trunk.weight, before)


def test_a_players_loss_is_the_sum_of_its_terms_and_of_its_penalties():
    """R1 of a linear discriminator is half its squared weight, whatever the data."""
    network = nn.Linear(2, 1)
    by_hand = copy.deepcopy(network)
    real, fake = torch.randn(6, 2), torch.randn(6, 2)

    def losses(context):
        return {"difference": context.fake_logits.mean() - context.real_logits.mean()}

    (player,) = met(
        Player(
            "critic",
            network,
            losses,
            role="discriminator",
            context=lambda minibatch: Context(
                minibatch, real=minibatch.real, fake=fake, outputs=network
            ),
            optimizer=SGD(network.parameters()),
        )
    )
    player.penalties = {
        "r1": R1(weight=3.0, interval=2),
        "o": Orthogonal(weight=1.0, interval=1, on="critic", layers=["*"]),
    }
    player.minibatch = Minibatch({"real": real}, 6)
    for step in (0, 1):
        player.step_number = step
        player.compute_gradients()
        loss = by_hand(fake).mean() - by_hand(real).mean()
        if step == 0:  # R1 applies in every second step, with twice its weight
            loss = loss + 2 * 3.0 * by_hand.weight.square().sum() / 2
        wanted = torch.autograd.grad(loss, list(by_hand.parameters()))
        for mine, theirs in zip(player.gradients(), wanted, strict=True):
            torch.testing.assert_close(mine, theirs)
        assert set(player.terms) == {"difference", "o", "loss"} | ({"r1"} if step == 0 else set())
        assert player.terms["loss"].item() == pytest.approx(loss.item(), abs=1e-6)


def test_its_loss_as_a_function_of_everybody_is_differentiated_by_everybody():
    x, y = scalar(3.0), scalar(5.0)
    player, _ = met(Player("x", x, bilinear(x, y, 1.0)), Player("y", y, bilinear(x, y, -1.0)))
    slopes = torch.autograd.grad(player.loss(), [x.weight, y.weight])
    assert [slope.item() for slope in slopes] == [5.0, 3.0]


def test_logits_that_were_computed_are_kept_for_what_adapts():
    network = nn.Linear(2, 1)

    def context(minibatch):
        return Context(minibatch, real=minibatch, fake=lambda _: 2 * minibatch, outputs=network)

    (player,) = met(
        Player("g", network, lambda c: {"a": c.fake_logits.mean()}, context=context,
               optimizer=SGD(network.parameters()))
    )  # fmt: skip
    player.minibatch = torch.ones(4, 2)
    player.compute_gradients()
    player.compute_gradients()
    assert {side: len(found) for side, found in player.logits.items()} == {"fake": 1}
    torch.testing.assert_close(player.logits["fake"][0], network(2 * player.minibatch).detach())


@pytest.mark.parametrize("steps", [0, -1, 1.5, True])
def test_steps_are_whole_numbers(steps):
    with pytest.raises(InputError, match="steps of the critic must be a whole number from 1"):
        Player("critic", nn.Linear(1, 1), lambda minibatch: {}, steps=steps)
