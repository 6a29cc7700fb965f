import random

import pytest
import torch

from ganzoo.augment.image_pool import ImagePool
from ganzoo.errors import InputError


def pool_of(size, probability=0.5):
    return ImagePool(size=size, probability=probability, shape=[1, 1, 1])


def images(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1)


def by_hand(size, batches, exchanged, places):
    """Python's own lists: one picture after another."""
    stored, returned = [], []
    for numbers, swaps, where in zip(batches, exchanged, places, strict=True):
        for number, swap, place in zip(numbers, swaps, where, strict=True):
            if len(stored) < size:
                stored.append(number)
                returned.append(number)
            elif swap:
                returned.append(stored[place])
                stored[place] = number
            else:
                returned.append(number)
    return stored, returned


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("batch", [1, 4])
def test_pictures_pass_one_after_another(size, batch):
    drawn = random.Random(size)
    batches = [[float(batch * n + i) for i in range(batch)] for n in range(20)]
    exchanged = [[drawn.random() < 0.5 for _ in row] for row in batches]
    places = [[drawn.randrange(size) for _ in row] for row in batches]
    pool, returned = pool_of(size), []
    for row, swaps, where in zip(batches, exchanged, places, strict=True):
        given = pool.exchange(images(*row), torch.tensor(swaps), torch.tensor(where))
        returned += given.flatten().tolist()
    assert (pool.pool.flatten().tolist(), returned) == by_hand(size, batches, exchanged, places)
    assert pool.count.tolist() == [size]


@pytest.mark.parametrize("probability", [0.0, 0.25, 0.5, 1.0])
def test_how_often_a_full_pool_exchanges(probability):
    torch.manual_seed(0)
    pool = pool_of(50, probability)
    pool(images(*range(50)))
    new = images(*range(50, 2050))
    kept = (pool(new) == new).float().mean().item()
    assert kept == pytest.approx(1 - probability, abs=0.04)


def test_every_place_is_used():
    torch.manual_seed(0)
    pool = pool_of(8, 1.0)
    pool(images(*range(8)))
    pool(images(*range(8, 208)))
    assert pool.pool.min() >= 8


def test_what_is_not_finite_is_never_stored_and_takes_no_place():
    pool = pool_of(2, 1.0)
    pool(images(1.0, float("nan"), float("inf"), 2.0))
    pool(images(float("nan")))
    assert pool.pool.flatten().tolist() == [1.0, 2.0]


def test_the_pool_is_part_of_the_state():
    pool, again = pool_of(4), pool_of(4)
    pool(images(*range(6)))
    again.load_state_dict(pool.state_dict())
    torch.manual_seed(0)
    first = pool(images(*range(6, 20)))
    torch.manual_seed(0)
    assert torch.equal(first, again(images(*range(6, 20))))
    assert torch.equal(pool.pool, again.pool)


def test_no_gradient_leads_out_of_it_and_precision_stays():
    shown = pool_of(1, 1.0)(images(1, 2, 3).bfloat16().requires_grad_())
    assert not shown.requires_grad
    assert shown.dtype == torch.bfloat16


def test_it_does_not_look_at_what_is_on_the_device():
    """Tensors without values, on which a look at one is an error."""
    pool = pool_of(3).to("meta")
    assert pool(torch.empty(4, 1, 1, 1, device="meta")).shape == (4, 1, 1, 1)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"probability": 1.5}, {"probability": -0.1}])
def test_numbers_out_of_range(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ImagePool(**({"size": 4, "probability": 0.5, "shape": [1, 1, 1]} | wrong))


def test_pictures_of_another_shape():
    with pytest.raises(InputError, match=r"made for samples \[1, 1, 1\], not \[1, 2, 2\]"):
        pool_of(2)(torch.zeros(1, 1, 2, 2))
