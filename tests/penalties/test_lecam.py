import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.penalties import Context, LeCam
from ganzoo.penalties.running_mean import RunningMean


def lecam(**changes):
    return LeCam(**({"weight": 0.3, "interval": 1, "decay": 0.9} | changes))


def identity(data):
    return data.squeeze(1)


def logits(real, fake, outputs=identity):
    return Context(real=real, fake=fake, outputs=outputs)


def after(penalty, *contexts):
    """What the game calls after a step, on data that may have passed in parts."""
    player = Player("discriminator", nn.Linear(1, 1), lambda _: {}, role="discriminator")
    for context in contexts:
        for side in ("real", "fake"):
            player.logits.setdefault(side, []).append(getattr(context, f"{side}_logits").detach())
    penalty.after_step(player)


def test_three_updates_by_hand():
    """The means are those of the logits so far; each side is drawn to the other side's mean."""
    generator = np.random.default_rng(0)
    penalty, means = lecam(), None
    for _ in range(3):
        real, fake = generator.normal(size=(2, 5))
        new = np.array([real.mean(), fake.mean()])
        means = new if means is None else 0.9 * means + 0.1 * new
        expected = ((real - means[1]) ** 2).mean() + ((fake - means[0]) ** 2).mean()
        context = logits(*torch.tensor(np.stack([real, fake]))[:, :, None])
        value = penalty(context)
        after(penalty, context)
        assert value.item() == pytest.approx(0.3 * expected, rel=1e-6)


def test_no_gradient_flows_through_the_means():
    data = torch.tensor([[2.0], [4.0]])
    scale = torch.ones((), requires_grad=True)
    lecam(weight=1.0)(logits(data, data + 1, lambda x: scale * x.squeeze(1))).backward()
    # d/ds of the means of (2 s - 4)^2, (4 s - 4)^2 and of (3 s - 3)^2, (5 s - 3)^2 at s = 1
    expected = (2 * -2 * 2 + 0) / 2 + (0 + 2 * 2 * 5) / 2
    assert scale.grad.item() == pytest.approx(expected)


def test_the_means_are_buffers_that_a_state_dict_carries():
    first, second = lecam(), lecam()
    after(first, logits(torch.ones(3, 1), torch.zeros(3, 1)))
    assert set(first.state_dict()) == {
        "real_mean.mean", "real_mean.seen", "fake_mean.mean", "fake_mean.seen"
    }  # fmt: skip
    second.load_state_dict(first.state_dict())
    context = logits(*torch.randn(2, 3, 1))
    assert torch.equal(first(context), second(context))
    assert not torch.equal(first(context), lecam()(context))


def test_after_a_step_in_parts_the_means_are_of_all_its_samples():
    whole, parts = lecam(), lecam()
    real, fake = torch.randn(2, 7, 1)
    for penalty in (whole, parts):
        after(penalty, logits(torch.ones(3, 1), torch.zeros(3, 1)))
    after(whole, logits(real, fake))
    after(parts, logits(real[:3], fake[:2]), logits(real[3:], fake[2:]))
    for name, kept in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], kept)


def test_steps_of_other_players_and_without_both_logits_leave_the_means():
    penalty = lecam()
    player = Player("generator", nn.Linear(1, 1), lambda _: {}, role="generator")
    player.logits = {"real": [torch.ones(3)], "fake": [torch.ones(3)]}
    penalty.after_step(player)
    player = Player("discriminator", nn.Linear(1, 1), lambda _: {}, role="discriminator")
    player.logits = {"real": [torch.ones(3)]}
    penalty.after_step(player)
    assert not penalty.real_mean.seen


@pytest.mark.parametrize("anchor", [0.0, 0.3])
@pytest.mark.parametrize("weight", [0.2, 1.0])
def test_proposition_1_the_optimum_is_the_lecam_divergence(anchor, weight):
    """On three places, with the Wasserstein loss and the means held at -anchor and anchor."""
    real_shares, fake_shares = torch.tensor([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]]).double()
    table = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    places = torch.arange(3)
    real = places.repeat_interleave((10 * real_shares).round().long())[:, None].double()
    fake = places.repeat_interleave((10 * fake_shares).round().long())[:, None].double()
    penalty = lecam(weight=weight)
    penalty.real_mean.after = lambda logits: torch.tensor(anchor)
    penalty.fake_mean.after = lambda logits: torch.tensor(-anchor)

    def critic(data):
        return table[data.squeeze(1).long()]

    def objective():
        context = logits(real, fake, critic)
        terms = Wasserstein().discriminator(context.real_logits, context.fake_logits)
        return sum(terms.values()) + penalty(context)

    optimizer = torch.optim.LBFGS([table], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = objective()
        loss.backward()
        return loss

    optimizer.step(closure)
    difference, total = real_shares - fake_shares, real_shares + fake_shares
    factor = 1 / (2 * weight) - anchor
    torch.testing.assert_close(table.detach(), factor * difference / total, atol=1e-6, rtol=1e-6)
    divergence = (difference**2 / total).sum()
    gap = critic(real).mean() - critic(fake).mean()
    assert gap.item() == pytest.approx(factor * divergence.item(), rel=1e-5)


def test_a_running_mean_starts_from_its_first_values():
    mean = RunningMean(decay=0.75)
    assert mean.after(torch.tensor([1.0, 3.0])) == 2
    mean.update(torch.tensor([1.0, 3.0]))
    assert mean.after(torch.tensor([6.0])) == 0.75 * 2 + 0.25 * 6


def test_a_running_mean_hands_out_copies():
    mean = RunningMean(decay=0.5)
    first = mean.after(torch.tensor([1.0]))
    mean.update(torch.tensor([1.0]))
    mean.update(torch.tensor([5.0]))
    assert first == 1
    assert mean.mean == 3


def test_a_running_mean_leaves_out_what_is_not_finite():
    mean = RunningMean(decay=0.5)
    mean.update(torch.tensor([float("nan")]))
    assert not mean.seen
    mean.update(torch.tensor([2.0]))
    mean.update(torch.tensor([float("inf"), 1.0]))
    assert mean.mean == 2


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_is_a_share(decay):
    with pytest.raises(InputError, match="decay must be at least 0 and below 1"):
        lecam(decay=decay)
