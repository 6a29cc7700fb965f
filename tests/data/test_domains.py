import pytest
import torch

from ganzoo.data.domains import PairedDomains, UnpairedDomains
from ganzoo.data.plan import ProcessShare
from ganzoo.errors import InputError


def batches(source, batch_size, **options):
    source.setup(memory_limit=2**40)
    shares = ProcessShare(batch_size=batch_size, batches_per_iteration=1, rank=0, world_size=1)
    return source.batches(shares=shares, **({"seed": 0, "horizontal_flip": False} | options))


def numbers_of(images):
    """Which pictures they are, of the source ``numbers``."""
    return images[:, 0, 0, 0].tolist()


def test_pairs_stay_together_mirrored_and_cut(crops):
    """A pair of one picture with itself stays one."""
    source = crops(20, 2)
    images = source.source.images
    images[:, 1] = images[:, 0]
    pairs = batches(PairedDomains(source=source, channels_a=1), 20, horizontal_flip=True)
    for iteration in range(5):
        drawn, labels = pairs[iteration]
        assert labels is None
        assert list(drawn) == ["a", "b"]
        assert drawn["a"].shape == drawn["b"].shape == (20, 1, 6, 4)
        assert torch.equal(drawn["a"], drawn["b"])


def test_each_domain_has_its_own_channels(crops):
    source = PairedDomains(source=crops(20, 5), channels_a=2)
    assert source.shapes == {"a": (2, 6, 4), "b": (3, 6, 4)}
    assert source.shape == (3, 6, 4)
    drawn, _ = source.real(7, 0)
    assert {name: tuple(images.shape) for name, images in drawn.items()} == {
        "a": (7, 2, 6, 4),
        "b": (7, 3, 6, 4),
    }
    joint, _ = source.source.real(7, 0)
    assert torch.equal(torch.cat([drawn["a"], drawn["b"]], dim=1), joint)


def test_a_pair_needs_channels_for_both(noise):
    with pytest.raises(InputError, match="channels_a=3 of 3 leaves none for domain b"):
        PairedDomains(source=noise(4), channels_a=3)


@pytest.mark.parametrize(("first", "second"), [(30, 12), (12, 30), (7, 7)])
def test_the_larger_domain_decides_the_epoch_and_neither_is_shown_unevenly(first, second, numbers):
    source = UnpairedDomains(a=numbers(first), b=numbers(second))
    drawn = batches(source, 6)
    assert source.size == max(first, second)
    seen = [drawn[iteration][0] for iteration in range(first * second)]
    for name, size in (("a", first), ("b", second)):
        shown = [number for batch in seen for number in numbers_of(batch[name])]
        assert sorted(shown[:size]) == list(range(size))
        counts = torch.tensor(shown).bincount(minlength=size)
        assert counts.max() == counts.min() == 6 * first * second // size


def test_who_is_seen_beside_whom_is_random(numbers):
    size = 12
    drawn = batches(UnpairedDomains(a=numbers(size), b=numbers(size)), size)
    beside = torch.zeros(size, size)
    for iteration in range(300):
        batch, _ = drawn[iteration]
        beside[numbers_of(batch["a"]), numbers_of(batch["b"])] += 1
    expected = 300 / size
    statistic = ((beside - expected).square() / expected).sum()
    freedom = (size - 1) ** 2
    assert abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5


def test_domains_are_mirrored_apart(noise):
    source = UnpairedDomains(a=noise(1), b=noise(1))
    drawn = batches(source, 1, horizontal_flip=True)
    whole = source.a.images
    mirrored = {
        tuple(not torch.equal(images, whole) for images in drawn[iteration][0].values())
        for iteration in range(40)
    }
    assert mirrored == {(False, False), (False, True), (True, False), (True, True)}


def test_real_pictures_are_as_many_of_each_and_all_different(numbers):
    source = UnpairedDomains(a=numbers(30), b=numbers(12))
    drawn, labels = source.real(20, 0)
    assert labels is None
    assert {len(set(numbers_of(images))) for images in drawn.values()} == {12}
    again, _ = source.real(20, 0)
    assert all(torch.equal(drawn[name], again[name]) for name in "ab")
    other, _ = source.real(20, 1)
    assert not torch.equal(drawn["a"], other["a"])


def test_held_out_pictures_are_of_both_domains(numbers):
    def with_others(size, others):
        source = numbers(size)
        source.held_out = lambda: others
        return source

    a, b = with_others(9, numbers(4)), with_others(7, numbers(3))
    apart = UnpairedDomains(a=a, b=b).held_out()
    assert [source.size for source in apart.sources()] == [4, 3]
    assert UnpairedDomains(a=a, b=numbers(7)).held_out() is None


def test_held_out_pairs_are_those_of_the_pictures(noise):
    source = noise(5)
    assert PairedDomains(source=source, channels_a=1).held_out() is None
    source.held_out = lambda: noise(2)
    apart = PairedDomains(source=source, channels_a=1).held_out()
    assert (apart.size, apart.shapes) == (2, {"a": (1, 8, 8), "b": (2, 8, 8)})


def test_domains_of_two_sizes_are_refused(noise):
    with pytest.raises(InputError, match=r"one size, not \[8, 8\] and \[8, 9\]"):
        UnpairedDomains(a=noise(3), b=noise(3, (1, 8, 9)))


def test_a_data_module_gives_dictionaries_between_minus_1_and_1(noise, module, numbers):
    source = UnpairedDomains(a=noise(40), b=noise(20, (1, 8, 8)))
    datamodule = module(source, horizontal_flip=True)
    batch = datamodule.on_after_batch_transfer(next(iter(datamodule.train_dataloader())), 0)
    assert {name: tuple(data.shape) for name, data in batch.items()} == {
        "a": (8, 3, 8, 8),
        "b": (8, 1, 8, 8),
    }
    for data in batch.values():
        assert data.dtype == torch.float32
        assert data.min() < -0.9 and data.max() > 0.9 and data.abs().max() <= 1
    data, labels = datamodule.real(50, 0)
    assert labels is None
    assert {name: tuple(images.shape) for name, images in data.items()} == {
        "a": (20, 3, 8, 8),
        "b": (20, 1, 8, 8),
    }
    assert torch.equal(data["b"].sort(0)[0], (source.b.images / 127.5 - 1).sort(0)[0])
    assert datamodule.held_out(5, 0) is None
