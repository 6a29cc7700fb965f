"""Two processes with half of the samples each find the value of one with all of them."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from ganzoo.metrics import (
    PRDC,
    Bootstrap,
    FrechetDistance,
    InceptionScore,
    IntraClassFrechetDistance,
    KernelDistance,
    Memorization,
    ModeCoverage,
)


class Pair:
    modes = torch.tensor([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    deviation = 0.5


def prdc():
    return PRDC(neighbors=3)


BUILDERS = {
    "fid": FrechetDistance,
    "intra_fid": IntraClassFrechetDistance,
    "kid": lambda: KernelDistance(subsets=4, subset_size=40, seed=0),
    "inception_score": lambda: InceptionScore(splits=2, seed=0),
    "prdc": prdc,
    "modes": lambda: ModeCoverage(distribution=Pair()),
    "memorization": Memorization,
    "bootstrap": lambda: Bootstrap(metric=prdc(), resamples=5, confidence=0.9, seed=0),
}


def samples(seed, count):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))


def update(metric, rank, size):
    """Add every ``size``-th sample, in two batches of different sizes."""
    for seed, count, real in ((0, 101, True), (1, 90, False)):
        for rows in samples(seed, count)[rank::size].split([20, -(-(count - rank) // size) - 20]):
            labelled = isinstance(metric, IntraClassFrechetDistance)
            labels = {"labels": (rows[:, 0] > 0).long()} if labelled else {}
            metric.update(rows, real=real, **labels)
    if isinstance(metric, Memorization):
        metric.hold_out(samples(2, 51)[rank::size])


def plain(values):
    return {name: float(value) for name, value in values.items()}


def process(rank, folder):
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    for name, build in BUILDERS.items():
        metric = build()
        update(metric, rank, 2)
        values = [plain(metric.compute())]
        # What was gathered for the value is given back: more samples can follow.
        update(metric, rank, 2)
        values.append(plain(metric.compute()))
        torch.save(values, f"{folder}/{name}.{rank}")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The values of a metric in each process, of half its samples and of the same ones twice."""
    folder = tmp_path_factory.mktemp("processes")
    mp.start_processes(process, args=(folder,), nprocs=2, start_method="fork")
    return lambda name: [torch.load(folder / f"{name}.{rank}") for rank in (0, 1)]


@pytest.mark.parametrize("name", BUILDERS)
def test_both_have_the_value_of_one_that_sees_the_samples_of_each_in_turn(found, name):
    metric = BUILDERS[name]()
    for rank in (0, 1):
        update(metric, rank, 2)
    first, second = found(name)
    assert first == second
    assert first[0] == pytest.approx(plain(metric.compute()), rel=1e-5)


@pytest.mark.parametrize("name", ["fid", "intra_fid", "prdc", "modes", "memorization"])
def test_without_random_subsets_the_order_of_samples_does_not_matter(found, name):
    metric = BUILDERS[name]()
    update(metric, 0, 1)
    assert found(name)[0][0] == pytest.approx(plain(metric.compute()), rel=1e-5)


def test_the_same_samples_twice_are_as_many_samples_more(found):
    once, twice = (BUILDERS["fid"]() for _ in range(2))
    update(once, 0, 1)
    for _ in range(2):
        update(twice, 0, 1)
    assert found("fid")[0][1] == pytest.approx(plain(twice.compute()), rel=1e-5)
    assert found("fid")[0][1] != pytest.approx(plain(once.compute()), rel=1e-3)
