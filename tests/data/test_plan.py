import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.data.plan import BatchPlan, ProcessShare, Purpose, seeded
from ganzoo.errors import InputError


def shares(batch_size=4, batches_per_iteration=1, rank=0, world_size=1):
    return ProcessShare(
        batch_size=batch_size,
        batches_per_iteration=batches_per_iteration,
        rank=rank,
        world_size=world_size,
    )


def plan(size, seed=0, **division):
    return BatchPlan(size=size, seed=seed, shares=shares(**division))


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 60), batch=st.integers(1, 60), steps=st.integers(1, 6))
def test_every_pass_holds_every_sample_once(size, batch, steps):
    ordered = plan(size, batch_size=batch, batches_per_iteration=steps)
    count = -(-3 * size // (batch * steps))
    row = torch.cat([ordered.indices(i) for i in range(count)])
    for number in range(3):
        assert sorted(row[number * size : (number + 1) * size].tolist()) == list(range(size))


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 7),
    steps=st.integers(1, 4),
    world=st.integers(1, 4),
    iteration=st.integers(0, 30),
)
def test_processes_together_see_what_one_process_sees(size, batch, steps, world, iteration):
    together = [
        plan(size, batch_size=batch, batches_per_iteration=steps, rank=rank, world_size=world)
        .indices(iteration)
        .view(steps, batch)
        for rank in range(world)
    ]
    alone = plan(size, batch_size=batch * world, batches_per_iteration=steps)
    assert torch.equal(torch.cat(together, dim=1), alone.indices(iteration).view(steps, -1))


def test_processes_share_out_a_pass_without_overlap():
    seen = [
        plan(24, batch_size=4, rank=rank, world_size=3).indices(i)
        for rank in range(3)
        for i in (0, 1)
    ]
    assert sorted(torch.cat(seen).tolist()) == list(range(24))


def test_an_iteration_does_not_depend_on_those_before_it():
    forwards, jumping = plan(50), plan(50)
    expected = [forwards.indices(i) for i in range(30)]
    for i in (29, 3, 17, 3, 0, 28):
        assert torch.equal(jumping.indices(i), expected[i])


def test_orders_differ_between_passes_and_seeds():
    first = plan(1000).stretch(0, 1000)
    second = plan(1000).stretch(1000, 1000)
    other = plan(1000, seed=1).stretch(0, 1000)
    assert not torch.equal(first, torch.arange(1000))
    # About one of a thousand places agrees by chance.
    assert (first == second).sum() < 10
    assert (first == other).sum() < 10


def test_the_order_does_not_touch_global_randomness():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = plan(100).indices(0)
    torch.rand(7)
    assert torch.equal(one, plan(100).indices(0))
    torch.manual_seed(0)
    plan(100).indices(0)
    assert torch.equal(before, torch.get_rng_state())


def test_seeds_give_independent_numbers_for_each_purpose_and_iteration():
    draws = {
        tuple(torch.rand(2, generator=seeded(seed, purpose, number)).tolist())
        for seed in range(4)
        for purpose in Purpose
        for number in range(5)
    }
    assert len(draws) == 4 * len(Purpose) * 5


@pytest.mark.parametrize("wrong", [0, -3, 2.5, float("nan"), True, "64", None])
def test_numbers_that_are_not_whole_and_positive_are_refused(wrong):
    with pytest.raises(InputError, match=r"batch_size must be a whole number from 1 up"):
        shares(batch_size=wrong)
    with pytest.raises(InputError, match=r"size must be a whole number"):
        plan(wrong)


@pytest.mark.parametrize("wrong", [-1, 0.5, None])
def test_a_seed_is_a_whole_number_from_0(wrong):
    with pytest.raises(InputError, match=r"seed must be a whole number from 0 up"):
        plan(10, seed=wrong)
