"""Estimates of a game's distance, their true values, and the monitor that logs them."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning.pytorch import LightningDataModule
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from torch import nn

from ganzoo.augment.noise import InstanceNoise
from ganzoo.callbacks.estimates import estimates, estimates_of_game, true_values
from ganzoo.callbacks.monitor import FixedBatch, Monitor, game_statistics
from ganzoo.errors import InputError
from ganzoo.losses.cramer import Cramer
from ganzoo.losses.divergences import KullbackLeibler
from ganzoo.losses.drift import Drift
from ganzoo.losses.f_gan import FGAN, SaddlePointObjective
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.minimax import Minimax, NonSaturating
from ganzoo.losses.top_k import TopK
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.models.adversarial_autoencoder import AdversarialAutoencoder
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.networks.encoders import Encoder

ADAM = partial(torch.optim.Adam, lr=1e-3)
REAL, FAKE = torch.tensor([math.log(3), 0.0]), torch.tensor([-math.log(3)])
MINIMAX, DRIFT = Minimax(label_smoothing=0.0), Drift(loss=Wasserstein(), weight=0.001)
F_GAN = FGAN(divergence=KullbackLeibler(), generator_objective=SaddlePointObjective())
ALWAYS = {"real_logits", "fake_logits", "accuracy", "ranking", "diversity"}


def top_k(loss):
    return TopK(loss=loss, gamma=0.9, interval=1, minimum_share=0.5)


class Points(LightningDataModule):
    """Normal points ``[B, D]``, the same batch for the same seed."""

    def __init__(self, dimensions=2, labels=None):
        super().__init__()
        self.dimensions, self.labels = dimensions, labels

    def train_dataloader(self):
        while True:
            yield [part for part in self.real(16, 1) if part is not None]

    def real(self, count, seed):
        random = torch.Generator().manual_seed(seed)
        data = torch.randn(count, self.dimensions, generator=random)
        classes = torch.arange(count) % self.labels if self.labels else None
        return data, classes


def logged(trainer, model, data):
    watch = Monitor(symptoms={}, every_n_steps=1, samples=12, coordinates=2, seed=3)
    run = trainer(2, callbacks=[watch])
    run.fit(model, datamodule=data)
    found = {
        name.removeprefix("monitor/"): float(value)
        for name, value in run.callback_metrics.items()
        if name.startswith("monitor/")
    }
    return watch, found


@pytest.mark.parametrize("loss", [MINIMAX, NonSaturating(label_smoothing=0.0), top_k(MINIMAX)])
def test_the_bound_of_minimax_games_by_hand(loss):
    """D is 3/4 and 1/2 on real data, 1/4 on generated data."""
    found = estimates(loss, REAL, FAKE)
    value = (math.log(3 / 4) + math.log(1 / 2)) / 2 + math.log(3 / 4)
    assert set(found) == {"jensen_shannon_bound", "distance_from_half"}
    assert found["jensen_shannon_bound"] == pytest.approx((value + math.log(4)) / 2)
    assert found["distance_from_half"] == pytest.approx((1 / 4 + 0 + 1 / 4) / 3)


def test_at_equilibrium_all_is_zero():
    half = torch.zeros(5)
    assert all(abs(float(v)) < 1e-7 for v in estimates(MINIMAX, half, half).values())
    one = torch.ones(5)  # T = f'(1) = 1 for the Kullback-Leibler divergence
    assert float(estimates(F_GAN, one, one)["divergence_bound"]) == pytest.approx(0, abs=1e-7)
    assert float(estimates(DRIFT, one, one)["wasserstein_estimate"]) == 0


def test_the_bound_of_f_gan_by_hand():
    (found,) = estimates(F_GAN, REAL, FAKE).items()
    assert found[0] == "divergence_bound"
    assert found[1] == pytest.approx(math.log(3) / 2 - math.exp(-math.log(3) - 1))


@pytest.mark.parametrize("loss", [Wasserstein(), DRIFT, top_k(DRIFT)])
def test_the_estimate_of_critics_by_hand(loss):
    assert estimates(loss, REAL, FAKE) == {
        "wasserstein_estimate": pytest.approx(1.5 * math.log(3), rel=1e-6)
    }


@pytest.mark.parametrize("loss", [Hinge(), Cramer(), Minimax(label_smoothing=0.1), top_k(Hinge())])
def test_losses_without_an_estimate(loss):
    assert estimates(loss, REAL, FAKE) == {}
    assert true_values(loss, torch.randn(4, 2), torch.randn(4, 2)) == {}


def test_no_outputs_are_refused():
    with pytest.raises(InputError, match="at least one output of each kind"):
        estimates(MINIMAX, REAL, torch.empty(0))


def test_true_values_against_scipy():
    real, samples = torch.randn(9, 2), torch.randn(9, 2) + 1
    cost = cdist(real, samples)
    expected = cost[linear_sum_assignment(cost)].mean()
    assert true_values(DRIFT, real, samples) == {"wasserstein": pytest.approx(expected, rel=1e-5)}
    line, other = torch.randn(7, 1), torch.randn(5, 1)
    expected = wasserstein_distance(line[:, 0], other[:, 0])
    found = true_values(top_k(Wasserstein()), line, other)
    assert found == {"wasserstein": pytest.approx(expected, rel=1e-5)}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), angle=st.floats(0, 6.3), shift=st.floats(-3, 3))
def test_no_critic_of_slope_one_is_above_the_true_value(seed, angle, shift):
    random = np.random.default_rng(seed)
    real, samples = (torch.tensor(random.normal(size=(6, 2))) + s for s in (0.0, shift))
    direction = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
    for critic in (lambda data: data @ direction, lambda data: data.norm(dim=1)):
        (estimate,) = estimates(Wasserstein(), critic(real), critic(samples)).values()
        assert float(estimate) <= float(true_values(Wasserstein(), real, samples)["wasserstein"])


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        (MINIMAX, {"jensen_shannon_bound", "distance_from_half"}),
        (NonSaturating(label_smoothing=0.0), {"jensen_shannon_bound", "distance_from_half"}),
        (Minimax(label_smoothing=0.1), set()),
        (F_GAN, {"divergence_bound"}),
        (Wasserstein(), {"wasserstein_estimate", "wasserstein"}),
        (DRIFT, {"wasserstein_estimate", "wasserstein"}),
        (Hinge(), set()),
    ],
)
def test_a_run_logs_what_belongs_to_its_loss(gan, trainer, loss, names):
    model, data = gan(loss=loss), Points()
    watch, found = logged(trainer, model, data)
    assert set(found) == ALWAYS | names
    real, samples = data.real(12, 3)[0], model.sample(12, seed=3, averaged=False)
    model.eval()
    outputs = model.discriminator(real).detach(), model.discriminator(samples).detach()
    expected = estimates(loss, *outputs) | true_values(loss, real, samples)
    expected = {name: float(value) for name, value in expected.items()}
    assert watch.latest.estimates == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert {n: found[n] for n in names} == pytest.approx(expected, rel=1e-4, abs=1e-6)


def critic(features):
    return nn.Sequential(nn.Linear(features, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))


@pytest.mark.parametrize(
    "changes",
    [
        {"packing": 2, "discriminator": critic(4)},
        {"augmentations": {"noise": InstanceNoise(deviation=0.1, end=None)}},
        {"discriminator": critic(4), "generator": nn.Linear(4, 4)},
    ],
    ids=["packs", "noise", "four dimensions"],
)
def test_no_true_value_of_what_was_not_judged(gan, trainer, changes):
    data = Points(4 if "generator" in changes else 2)
    _, found = logged(trainer, gan(loss=Wasserstein(), **changes), data)
    assert set(found) == ALWAYS | {"wasserstein_estimate"}


class Labelled(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, data, labels):
        out = self.layer(data) * (1 + labels[:, None])
        return out if out.shape[1] > 1 else out[:, 0]


def test_no_true_value_of_a_critic_that_knows_the_class(gan, trainer):
    networks = {"generator": Labelled(4, 2), "discriminator": Labelled(2, 1)}
    model = gan(ConditionalGAN, num_classes=2, loss=Wasserstein(), **networks)
    _, found = logged(trainer, model, Points(labels=2))
    assert set(found) == ALWAYS | {"wasserstein_estimate"}


def test_nothing_of_a_discriminator_of_codes(gan, trainer):
    model = gan(
        AdversarialAutoencoder,
        encoder=Encoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4),
        discriminator=critic(4),
        reconstruction_weight=1.0,
        optimizers=dict.fromkeys(("encoder", "discriminator", "generator"), ADAM),
    )
    _, found = logged(trainer, model, Points())
    assert set(found) == ALWAYS


def test_what_is_not_finite_or_not_there(gan):
    model, real = gan(loss=Wasserstein()), torch.zeros(3, 2)
    logits = torch.zeros(3)
    assert estimates_of_game(model, logits[:0], logits[:0], real, real) == {}
    found = estimates_of_game(model, logits, logits, real, torch.full((3, 2), math.nan))
    assert found == {"wasserstein_estimate": 0}


def test_only_finite_estimates_are_logged(gan, trainer):
    class Steep(nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = nn.Parameter(torch.tensor(200.0))

        def forward(self, data):
            return self.slope * data[:, 0].square()

    model = gan(loss=F_GAN, discriminator=Steep(), non_finite_tolerance=9)
    model.eval()
    real = Points().real(12, 3)[0]
    logits = model.discriminator(real).detach()
    assert estimates_of_game(model, logits, logits, real, real) == {"divergence_bound": -math.inf}
    watch = Monitor(symptoms={}, every_n_steps=1, samples=12, coordinates=2, seed=3)
    run = trainer(1)
    model.generator[2].bias.data.fill_(3.0)
    batch = FixedBatch(model, real, None, coordinates=2, seed=3)
    watch._log(run, game_statistics(model, batch, 1))
    assert "monitor/real_logits" in run.callback_metrics
    assert "monitor/divergence_bound" not in run.callback_metrics


def test_the_estimates_change_nothing_in_training(gan, trainer):
    ends = []
    for watched in (False, True):
        torch.manual_seed(5)
        model = gan(loss=Wasserstein())
        watch = Monitor(symptoms={}, every_n_steps=1, samples=12, coordinates=2, seed=3)
        run = trainer(4, callbacks=[watch] if watched else [])
        run.fit(model, datamodule=Points())
        ends.append((model.state_dict(), torch.get_rng_state()))
    (plain, before), (seen, after) = ends
    assert all(torch.equal(plain[name], seen[name]) for name in plain)
    assert torch.equal(before, after)
