import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.augment.replay import ReplayBuffer
from ganzoo.errors import InputError


def pool_of(size, share=0.5):
    return ReplayBuffer(size=size, share=share, shape=[1])


def test_a_pool_that_fills_shows_the_samples_as_they_come():
    replay, seen = pool_of(8), []
    for start in range(0, 24, 6):
        fresh = torch.arange(start, start + 6.0).unsqueeze(1)
        shown = replay(fresh)
        seen.append(fresh[:3, 0].tolist())
        assert torch.equal(shown, fresh) == (start < 18), "8 are in the pool after 3 batches"
    assert replay.count == 8


def test_a_full_pool_gives_half_of_the_batch_and_takes_as_many():
    replay = pool_of(16)
    for _ in range(4):
        replay(torch.zeros(8, 1))
    torch.manual_seed(0)
    for number in range(1, 20):
        before = sorted(replay.pool.flatten().tolist())
        shown = replay(torch.full((8, 1), float(number)))
        assert (shown[4:] == number).all()
        drawn = shown[:4].flatten().tolist()
        after = sorted(replay.pool.flatten().tolist())
        assert sorted(before + [float(number)] * 4) == sorted(after + drawn), "an exchange"
        assert not any(value == number for value in drawn)


def test_more_samples_than_places():
    replay = pool_of(3, share=1.0)
    assert replay(torch.ones(8, 1)).shape == (8, 1)
    shown = replay(torch.full((8, 1), 2.0))
    assert shown.flatten().tolist() == [1.0] * 3 + [2.0] * 5


def test_what_is_not_finite_never_enters():
    replay = pool_of(4)
    replay(torch.tensor([[1.0], [float("nan")], [2.0], [3.0]]))
    replay(torch.tensor([[float("inf")], [4.0], [5.0], [6.0]]))
    assert replay.pool.isfinite().all()


def test_the_pool_is_part_of_the_state():
    replay, again = pool_of(4), pool_of(4)
    replay(torch.randn(8, 1))
    again.load_state_dict(replay.state_dict())
    torch.manual_seed(0)
    first = replay(torch.ones(4, 1))
    torch.manual_seed(0)
    assert torch.equal(first, again(torch.ones(4, 1)))


def test_no_gradient_leads_out_of_it():
    assert not pool_of(4)(torch.randn(8, 1, requires_grad=True)).requires_grad


def remembered(replay):
    """How sure the discriminator is that the generator's places of before are not real."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    places = [-2.0] * 200 + [2.0] * 300
    for place in places:
        real, fake = 0.1 * torch.randn(32, 1), place + 0.1 * torch.randn(32, 1)
        loss = functional.softplus(-network(real)) + functional.softplus(network(replay(fake)))
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    return torch.sigmoid(-network(torch.tensor([[-2.0]]))).item()


def test_a_discriminator_with_a_pool_does_not_forget():
    assert remembered(nn.Identity()) < 0.6
    assert remembered(pool_of(20_000)) < 0.6, "a pool that is not full yet changes nothing"
    assert remembered(pool_of(2000)) > 0.9


@pytest.mark.parametrize("wrong", [{"size": 0}, {"share": 0.0}, {"share": 1.5}])
def test_numbers_out_of_range(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ReplayBuffer(**({"size": 4, "share": 0.5, "shape": [1]} | wrong))
