"""What adapts to the game does so once after each step, by the data of all parts and processes."""

import copy
import itertools
from functools import partial

import numpy as np
import pytest
import torch
import torch.distributed as dist
from lightning.pytorch import Callback

from ganzoo.losses import BoundaryEquilibrium, Fisher, Minimax
from ganzoo.networks.latents import Normal
from ganzoo.penalties import LeCam, PathLength
from ganzoo.strategies.player_parallel import NOTEBOOK

ITERATIONS, STEPS = 3, 2
PROCESSES = {"devices": 2, "strategy": NOTEBOOK, "use_distributed_sampler": False}
WAYS = {"whole": (1, {}), "in parts": (2, {}), "two processes": (1, PROCESSES)}
both = pytest.mark.parametrize("way", WAYS)


class Same(Normal):
    """Latents that are the same in every draw, whatever its size."""

    def sample(self, count, **_):
        return torch.ones(count, self.latent_dim)


def place():
    return (dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else (1, 0)


class Shares:
    """Sorted batches of which each process has its share of every step, unlike that of others."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        world, rank = place()
        for (data,) in self.loader:
            steps = [step[step[:, 0].argsort()].chunk(world)[rank] for step in data.chunk(STEPS)]
            yield [torch.cat(steps)]


def logits(model, loader):
    """Of real and of generated data in each step of the discriminator, which does not learn."""
    networks = copy.deepcopy(model).double()
    with torch.no_grad():
        fake = networks.discriminator(networks.generator(torch.ones(1, 4).double())).numpy()
        for (data,) in itertools.islice(loader, ITERATIONS):
            for step in data.chunk(STEPS):
                yield networks.discriminator(step.double()).numpy(), fake


def energy(values):
    return np.logaddexp(0, -values).mean()


def began(steps, k=0.0):
    for real, fake in steps:
        k = min(max(k + 0.02 * (1.5 * energy(real) - energy(fake)), 0.0), 1.0)
    return {"loss.emphasis": k}


def fisher(steps, multiplier=0.0):
    for real, fake in steps:
        multiplier += 0.3 * ((real**2).mean() / 2 + (fake**2).mean() / 2 - 1)
    return {"loss.multiplier": multiplier}


def lecam(steps):
    means = np.array([[real.mean(), fake.mean()] for real, fake in steps])
    kept = means[0]
    for mean in means[1:]:
        kept = 0.9 * kept + 0.1 * mean
    return {"penalties.lecam.real_mean.mean": kept[0], "penalties.lecam.fake_mean.mean": kept[1]}


CASES = {
    "began": (began, {"loss": BoundaryEquilibrium(diversity_ratio=1.5, gain=0.02)}),
    "fisher": (fisher, {"loss": Fisher(rho=0.3)}),
    "lecam": (
        lecam,
        {
            "loss": Minimax(label_smoothing=0.0),
            "penalties": {"lecam": LeCam(weight=0.3, interval=4, on="discriminator", decay=0.9)},
        },
    ),
}


class SameInAll(Callback):
    """Fails where processes differ in what they remember."""

    def on_train_batch_end(self, trainer, model, *_):
        for value in model.buffers():
            others = [torch.empty_like(value) for _ in range(place()[0])]
            if dist.is_initialized():
                dist.all_gather(others, value)
                assert all(other.equal(value) for other in others)


@both
@pytest.mark.parametrize("case", CASES)
def test_it_is_what_the_formula_makes_of_all_logits(case, way, gan, trainer, batches):
    formula, parts = CASES[case]
    micro_batches, devices = WAYS[way]
    model = gan(
        latent_prior=Same(latent_dim=4),
        optimizers=partial(torch.optim.SGD, lr=0.0),
        discriminator_steps=STEPS,
        micro_batches=micro_batches,
        **copy.deepcopy(parts),
    )
    expected = formula(list(logits(model, batches(32, 2))))
    run = trainer(ITERATIONS, callbacks=[SameInAll()], **devices)
    run.fit(model, Shares(batches(32, 2)))
    found = model.state_dict()
    for name, value in expected.items():
        assert abs(value) > 1e-3
        assert found[name].item() == pytest.approx(value, rel=1e-5), name


class Recorded(PathLength):
    """Keeps all lengths."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seen = []

    def value(self, context):
        value = super().value(context)
        self.seen.append(self._lengths[-1])
        return value


class Averaged(Callback):
    """Compares the average with that of the mean lengths of each step with the term."""

    def on_train_end(self, trainer, model):
        penalty = model.penalties["path_length"]
        lengths = torch.stack(penalty.seen).unflatten(0, (-1, model.micro_batches)).mean((1, 2))
        assert len(lengths) == 3, "steps 0, 2 and 4 of 6"
        if dist.is_initialized():
            dist.all_reduce(lengths)
            lengths /= dist.get_world_size()
        average = lengths[0]
        for length in lengths[1:]:
            average = 0.8 * average + 0.2 * length
        torch.testing.assert_close(penalty.average.mean, average)
        penalty.seen.clear()


@both
def test_the_average_of_path_lengths_is_that_of_steps_with_the_term(way, gan, trainer, batches):
    micro_batches, devices = WAYS[way]
    penalty = Recorded(weight=1.0, interval=2, on="generator", decay=0.8)
    model = gan(penalties={"path_length": penalty}, micro_batches=micro_batches)
    trainer(6, callbacks=[Averaged(), SameInAll()], **devices).fit(model, Shares(batches(16, 2)))
    assert penalty.average.seen
