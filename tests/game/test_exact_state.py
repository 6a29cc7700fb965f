"""A run that stops and goes on ends as one that never stopped, whatever adapts to the game."""

from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.annealing import CosineAnnealing
from ganzoo.augment import (
    AdaptiveProbability,
    Augmentation,
    GaussianNoise,
    InstanceNoise,
    PseudoAugmentation,
    RandomApply,
)
from ganzoo.augment.replay import ReplayBuffer
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.game.averaging import ExponentialMovingAverage, UniformAverage
from ganzoo.losses import BoundaryEquilibrium, Fisher, NonSaturating, TopK
from ganzoo.optim import linear_decay
from ganzoo.penalties import HistoricalAveraging, LeCam, PathLength, SpectralNormPenalty

STOP, END = 4, 9
ALWAYS = {"weight": 0.1, "interval": 1}
LAZY = {"weight": 0.1, "interval": 3}


class AdaptiveNoise(Augmentation):
    """As ADA: more noise where the discriminator is sure of real data, in a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("deviation", torch.zeros(()))

    def after_step(self, player):
        if player.role == "discriminator":
            self.deviation += 0.05 * (1 + torch.cat(player.logits["real"]).sign().mean())

    def forward(self, data):
        return data + self.deviation * torch.randn_like(data)


def adaptive_probability():
    return AdaptiveProbability(first=0.2, target=0.0, images_to_one=300, interval=3)


class Pinned(nn.Module):
    """A generator of tanh, for which path lengths have a curvature."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, latents):
        return self.layers(latents)


ADAPTING = {
    "lecam": lambda: {"penalties": {"p": LeCam(**ALWAYS, decay=0.9)}},
    "lecam_lazy": lambda: {"penalties": {"p": LeCam(**LAZY, decay=0.9)}},
    "path_length": lambda: {
        "penalties": {"p": PathLength(**ALWAYS, decay=0.9)},
        "generator": Pinned(),
    },
    "path_length_lazy": lambda: {
        "penalties": {"p": PathLength(**LAZY, decay=0.9)},
        "generator": Pinned(),
    },
    "historical_averaging": lambda: {
        "penalties": {"p": HistoricalAveraging(**ALWAYS, on="generator")}
    },
    "spectral": lambda: {
        "penalties": {
            "p": SpectralNormPenalty(**LAZY, on="discriminator", layers=["*"], power_iterations=1)
        }
    },
    "began": lambda: {"loss": BoundaryEquilibrium(diversity_ratio=1.5, gain=0.05)},
    "fisher": lambda: {"loss": Fisher(rho=0.1)},
    "top_k": lambda: {
        "loss": TopK(
            loss=NonSaturating(label_smoothing=0.0), gamma=0.5, interval=3, minimum_share=0.1
        )
    },
    "top_k_of_began": lambda: {
        "loss": TopK(
            loss=BoundaryEquilibrium(diversity_ratio=1.5, gain=0.05),
            gamma=0.5,
            interval=3,
            minimum_share=0.1,
        )
    },
    "augmentation": lambda: {"augmentations": {"noise": AdaptiveNoise()}},
    "replay": lambda: {"replay": ReplayBuffer(size=12, share=0.5, shape=[2])},
    "probability": lambda: {
        "augmentations": {
            "noise": RandomApply(
                augmentation=GaussianNoise(deviation=1.0),
                probability=adaptive_probability(),
            )
        }
    },
    "generated_shown_as_real": lambda: {
        "augmentations": {"apa": PseudoAugmentation(probability=adaptive_probability())}
    },
}
BY_TIME = {
    "noise_in_images": lambda: {
        "augmentations": {"noise": InstanceNoise(deviation=1.0, end=80, unit="images")}
    },
    "noise_in_iterations": lambda: {
        "augmentations": {"noise": InstanceNoise(deviation=1.0, end=11, unit="iterations")}
    },
    "probability_in_images": lambda: {
        "augmentations": {
            "noise": RandomApply(
                augmentation=GaussianNoise(deviation=1.0),
                probability=CosineAnnealing(first=0.0, last=0.8, end=80, unit="images"),
            )
        }
    },
    "half_life_with_a_ramp": lambda: {
        "ema": partial(ExponentialMovingAverage, decay=None, half_life=60, unit="images", ramp=0.4)
    },
    "uniform_average": lambda: {"ema": partial(UniformAverage, start_step=2)},
    "rate_in_images": lambda: {
        "schedule": partial(linear_decay, start=16, end=80, unit="images", final_factor=0.1)
    },
}


class Later:
    """The batches of a run from one iteration on."""

    def __init__(self, batches, start):
        self.batches, self.start = batches, start

    def __iter__(self):
        stream = iter(self.batches(8, 2))
        for _ in range(self.start):
            next(stream)
        return stream


@pytest.fixture
def ends(gan, trainer, batches, tmp_path):
    """The model of a run that went through, that of one that was stopped, and its checkpoint."""
    settings = {"plugins": [AtomicCheckpointIO()]}

    def make(parts, seed=0):
        torch.manual_seed(seed)
        return gan(**{"discriminator_steps": 2} | parts())

    def run(parts):
        whole = make(parts)
        trainer(END, **settings).fit(whole, batches(8, 2))
        stopped, first = make(parts), trainer(STOP, **settings)
        first.fit(stopped, batches(8, 2))
        first.save_checkpoint(tmp_path / "stopped.ckpt")
        resumed, second = make(parts, seed=7), trainer(END, **settings)
        path = tmp_path / "stopped.ckpt"
        second.fit(resumed, Later(batches, STOP), ckpt_path=path)
        return whole, resumed, torch.load(path, weights_only=True)

    return run


def assert_same(whole, resumed):
    for states in (
        (whole.state_dict(), resumed.state_dict()),
        (whole.latest_terms, resumed.latest_terms),
    ):
        assert states[0].keys() == states[1].keys()
        for name, value in states[0].items():
            assert torch.equal(value, states[1][name]), name
    assert whole.progress == resumed.progress


@pytest.mark.parametrize("parts", ADAPTING.values(), ids=ADAPTING)
def test_what_adapts_goes_on_exactly(ends, parts):
    whole, resumed, checkpoint = ends(parts)
    assert_same(whole, resumed)
    networks = ("generator.", "discriminator.", "ema.")
    memory = {n: v for n, v in whole.state_dict().items() if not n.startswith(networks)}
    assert memory, "what adapts is part of the state"
    moved = [n for n, v in memory.items() if not torch.equal(v, checkpoint["state_dict"][n])]
    assert moved, "and went on moving after the stop"


@pytest.mark.parametrize("parts", BY_TIME.values(), ids=BY_TIME)
def test_what_follows_the_time_goes_on_exactly(ends, parts):
    whole, resumed, checkpoint = ends(parts)
    assert_same(whole, resumed)
    assert checkpoint["ganzoo"]["images"] == [8 * STOP, 8]
    assert (whole.progress.iterations, whole.progress.images) == (END, 8 * END)
    rates = [
        [o.param_groups[0]["lr"] for o in model.trainer.optimizers] for model in (whole, resumed)
    ]
    assert rates[0] == rates[1]


def test_everything_at_once(ends):
    def parts():
        return {
            "loss": TopK(loss=Fisher(rho=0.1), gamma=0.5, interval=3, minimum_share=0.1),
            "generator": Pinned(),
            "penalties": {
                "lecam": LeCam(**LAZY, decay=0.9),
                "path_length": PathLength(**LAZY, decay=0.9),
            },
            "augmentations": {
                "adaptive": AdaptiveNoise(),
                "fixed": GaussianNoise(deviation=0.1),
                "instance": InstanceNoise(deviation=1.0, end=80, unit="images"),
            },
            "replay": ReplayBuffer(size=12, share=0.5, shape=[2]),
            **BY_TIME["half_life_with_a_ramp"](),
            **BY_TIME["rate_in_images"](),
        }

    whole, resumed, _ = ends(parts)
    assert_same(whole, resumed)
