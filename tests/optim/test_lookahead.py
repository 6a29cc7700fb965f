import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.optim import Alternating, Lookahead, PastExtragradient, SignAlignment, Simultaneous
from ganzoo.optim import SymplecticGradientAdjustment as Adjustment


@pytest.mark.parametrize("rule", [Simultaneous, Alternating])
def test_slow_weights_follow_by_hand(random_game, rule):
    steps, weight = 3, 0.4
    plain, it = random_game(), random_game()
    slow = it.position()
    path = it.follow(Lookahead(rule(), steps=steps, weight=weight), iterations=3 * steps)
    for first in range(0, len(path), steps):
        own = plain.follow(rule(), iterations=steps)
        slow = slow + weight * (own[-1] - slow)
        expected = torch.cat([own[:-1], slow[None]])
        torch.testing.assert_close(path[first : first + steps], expected, rtol=1e-10, atol=1e-12)
        with torch.no_grad():
            rest = iter(slow.split([len(p) for own in plain.parameters for p in own]))
            for p in (p for own in plain.parameters for p in own):
                p.copy_(next(rest))


def test_with_weight_one_nobody_steps_back(random_game):
    looking = random_game().follow(Lookahead(Simultaneous(), steps=2, weight=1.0), iterations=5)
    torch.testing.assert_close(looking, random_game().follow(Simultaneous(), iterations=5))


def test_who_steps_more_often_is_kept_from_before_its_first_step(random_game):
    it, rule = random_game(), Lookahead(Alternating(), steps=1, weight=1e-12)
    start = it.position()
    rule.step(it.players[:1])
    rule.step(it.players)
    assert (it.position() - start).abs().max() > 1e-3
    rule.end_iteration(it.players)
    torch.testing.assert_close(it.position(), start, rtol=0, atol=1e-9)


def test_state_goes_on_bit_for_bit_with_the_other_rules_memory(random_game, tmp_path):
    def looking():
        return Lookahead(PastExtragradient(), steps=3, weight=0.5)

    whole, it = random_game(), random_game()
    expected = whole.follow(looking(), iterations=8)
    rule, again = looking(), looking()
    first = it.follow(rule, iterations=4)
    torch.save(rule.state_dict(), tmp_path / "rule")
    again.load_state_dict(torch.load(tmp_path / "rule", weights_only=True))
    assert torch.cat([first, it.follow(again, iterations=4)]).equal(expected)


def test_a_state_of_another_rule_is_no_hindrance(random_game):
    rule = Lookahead(Simultaneous(), steps=2, weight=0.5)
    rule.load_state_dict(Simultaneous().state_dict())
    fresh = Lookahead(Simultaneous(), steps=2, weight=0.5)
    assert random_game().follow(rule, iterations=4).equal(random_game().follow(fresh, iterations=4))


def test_it_differentiates_as_often_as_the_other_rule():
    twice = Adjustment(weight=1.0, alignment=SignAlignment(offset=0.1))
    assert Lookahead(twice, steps=5, weight=0.5).differentiates_twice
    assert not Lookahead(Alternating(), steps=5, weight=0.5).differentiates_twice


@pytest.mark.parametrize("weight", [0.0, -0.5, 1.5, float("nan")])
def test_weights_outside_0_to_1_are_refused(weight):
    with pytest.raises(InputError, match="weight must be above 0 and at most 1"):
        Lookahead(Alternating(), steps=5, weight=weight)


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_numbers_of_steps_that_are_none_are_refused(steps):
    with pytest.raises(InputError, match="steps must be a whole number from 1"):
        Lookahead(Alternating(), steps=steps, weight=0.5)
