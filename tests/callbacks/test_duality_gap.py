"""The duality gap during training: its value, what it leaves as it is, and where there is none."""

import math

import pytest
import torch
from lightning import LightningModule
from lightning.pytorch import LightningDataModule
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from ganzoo.augment.noise import InstanceNoise
from ganzoo.callbacks.duality_gap import DualityGapEstimate, GameValue
from ganzoo.errors import InputError
from ganzoo.losses.cramer import Cramer
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.penalties.gradient_penalty import GradientPenalty

GAP = "duality_gap/gap"


class Points(LightningDataModule):
    """Normal points ``[B, D]``, and perhaps classes."""

    def __init__(self, dimensions=2, labels=None, **where):
        super().__init__()
        self.dimensions, self.labels = dimensions, labels
        self.center = where.get("center", 0.0)

    def train_dataloader(self):
        while True:
            yield [part for part in self.real(16, 1) if part is not None]

    def real(self, count, seed):
        random = torch.Generator().manual_seed(seed)
        data = self.center + torch.randn(count, self.dimensions, generator=random)
        classes = torch.arange(count) % self.labels if self.labels else None
        return data, classes


def callback(**changes):
    settings = {"every_n_steps": 2, "steps": 5, "learning_rate": 0.01, "samples": 16, "seed": 3}
    return DualityGapEstimate(**(settings | changes))


def frozen(parameters):
    return torch.optim.SGD(parameters, lr=0.0)


STILL = dict.fromkeys(("generator", "discriminator"), frozen)


class Slope(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, data):
        return self.slope * data[:, 0]


class Shift(nn.Module):
    """Latents, moved."""

    def __init__(self, shift):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, latents):
        return latents[:, :1] + self.shift


def value_of(model, real, latents, labels=None):
    return GameValue(model, real, labels, latents, 0)


def test_the_value_is_minus_the_loss_of_the_discriminator(gan):
    model = gan(loss=Wasserstein(), discriminator=Slope(2.0), generator=Shift(0.5))
    real, latents = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [1.0]])
    value = value_of(model, real, latents)
    assert float(value(model.discriminator, model.generator)) == pytest.approx(2 * (2 - 1))
    assert float(value(Slope(1.0), Shift(2.0))) == pytest.approx(2 - 2.5)
    assert float(model.discriminator.slope) == 2


def test_gradients_reach_the_given_players_alone(gan):
    model = gan(loss=Wasserstein(), discriminator=Slope(2.0), generator=Shift(0.5))
    other, mover = Slope(1.5), Shift(0.0)
    value = value_of(model, torch.ones(2, 1), torch.zeros(2, 1))
    value(other, mover).backward()
    assert (float(other.slope.grad), float(mover.shift.grad)) == (1, -1.5)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_there_is_no_chance_in_the_value(gan):
    noise = {"noise": InstanceNoise(deviation=1.0, end=None)}
    model = gan(loss=Minimax(label_smoothing=0.0), augmentations=noise)
    value = value_of(model, torch.randn(8, 2), torch.randn(8, 4))
    players = model.discriminator, model.generator
    assert torch.equal(value(*players), value(*players))


@pytest.mark.parametrize("steps", [1, 7])
def test_the_gap_of_a_bilinear_game_in_closed_form(gan, trainer, steps):
    """Adam moves slope and shift by its rate in each step, as the gradients' signs are constant.

    With V = slope (m - shift), the slope gains ``steps rate |m - shift|`` and the shift
    ``steps rate |slope|``.
    """
    rate = 0.01
    model = gan(
        loss=Wasserstein(),
        discriminator=Slope(1.0),
        generator=Shift(0.5),
        optimizers=STILL,
    )
    watch, data = callback(steps=steps, learning_rate=rate), Points(1, center=4.0)
    run = trainer(2, callbacks=[watch])
    run.fit(model, datamodule=data)
    latents = model.latent_prior.sample(16, generator=torch.Generator().manual_seed(3))
    difference = float(data.real(16, 3)[0].mean() - latents[:, 0].mean() - 0.5)
    expected = steps * rate * (difference + 1)
    assert watch.history == [{"step": 2, GAP: pytest.approx(expected, rel=1e-3)}]
    assert float(run.callback_metrics[GAP]) == pytest.approx(expected, rel=1e-3)


def test_it_measures_when_it_is_time_and_at_the_end(gan, trainer, tmp_path):
    watch, logger = callback(), CSVLogger(tmp_path, name="", version="")
    trainer(5, callbacks=[watch], logger=logger).fit(gan(), datamodule=Points())
    assert [row["step"] for row in watch.history] == [2, 4, 5]
    assert all(row[GAP] > 0 for row in watch.history)
    assert watch.directions() == {GAP: "minimize"}
    assert GAP in (tmp_path / "metrics.csv").read_text().splitlines()[0]
    assert [row["step"] for row in watch.state_dict()["history"]] == [2, 4]


def test_measuring_changes_nothing(gan, trainer, restless):
    ends = []
    for callbacks in ([], [callback(every_n_steps=1)]):
        torch.manual_seed(5)
        generator = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        noise = {"noise": InstanceNoise(deviation=0.5, end=4)}
        model = gan(generator=generator, discriminator=restless(), augmentations=noise)
        run = trainer(5, callbacks=callbacks)
        run.fit(model, datamodule=Points())
        gradients = [parameter.grad for parameter in model.parameters()]
        moments = [optimizer.state_dict()["state"] for optimizer in run.optimizers]
        ends.append((model.state_dict(), torch.get_rng_state(), gradients, moments))
    assert len(callbacks[0].history) == 5
    (plain, before, mine, moments), (seen, after, others, their_moments) = ends
    assert all(torch.equal(plain[name], seen[name]) for name in plain)
    assert torch.equal(before, after)
    assert [g is None for g in mine] == [g is None for g in others]
    for player, other in zip(moments, their_moments, strict=True):
        for key in player:
            assert all(torch.equal(player[key][name], other[key][name]) for name in player[key])


class Labelled(nn.Module):
    """The label is all that counts."""

    def __init__(self, outputs):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.outputs = outputs

    def forward(self, data, labels):
        out = self.factor * labels[:, None].expand(-1, self.outputs) + 0 * data[:, :1]
        return out if self.outputs > 1 else out[:, 0]


def test_classes_are_those_of_the_real_data(gan, trainer):
    networks = {"generator": Labelled(2), "discriminator": Labelled(1)}
    parts = {"num_classes": 3, "loss": Hinge()} | networks
    model = gan(ConditionalGAN, **parts, optimizers=STILL)
    watch = callback(steps=1, samples=3)
    trainer(2, callbacks=[watch]).fit(model, datamodule=Points(labels=3))
    # -(mean relu(1 - f y) + mean relu(1 + f y)) for y = 0, 1, 2 and f = 2, then f = 1.99
    before, after = (-(1 / 3 + (1 + (1 + f) + (1 + 2 * f)) / 3) for f in (2.0, 1.99))
    assert watch.history[-1][GAP] == pytest.approx(after - before, rel=1e-3)


def test_a_model_with_a_penalty_is_measured(gan, trainer):
    penalty = GradientPenalty(weight=10.0, interval=1)
    model = gan(WGANGP, loss=Wasserstein(), gradient_penalty=penalty)
    watch = callback()
    trainer(2, callbacks=[watch]).fit(model, datamodule=Points())
    assert watch.history[-1][GAP] > 0


def test_what_is_not_finite_is_left_out(gan, trainer):
    model = gan(loss=Wasserstein(), discriminator=Slope(1.0), generator=Shift(math.inf))
    run = trainer(1)
    run.datamodule = Points(1)
    assert callback().measure(run, model) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": Cramer()}, "Cramer has no value that sums over single samples"),
        (
            {
                "packing": 2,
                "discriminator": nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)),
            },
            "set packing=1",
        ),
    ],
)
def test_where_there_is_no_gap_the_reason_is_told(gan, trainer, caplog, changes, words):
    caplog.set_level("INFO", "ganzoo")
    watch = callback()
    trainer(2, callbacks=[watch]).fit(gan(**changes), datamodule=Points())
    (told,) = [r.getMessage() for r in caplog.records if "without duality_gap" in r.getMessage()]
    assert words in told
    assert watch.history == []


def test_other_models_and_other_data_have_none(gan, trainer):
    class MorePlayers(type(gan())):
        def build_players(self):
            return super().build_players()

    run = trainer(1)
    name = "is not a game of a generator and a discriminator alone"
    assert callback().reason_inactive(run, LightningModule()) == f"LightningModule {name}"
    assert callback().reason_inactive(run, gan(MorePlayers)) == f"MorePlayers {name}"
    assert callback().reason_inactive(run, gan()) == "it needs a data module with real(count, seed)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be a whole number from 1 up, not 0"),
        ({"samples": 0}, "samples must be a whole number from 1 up, not 0"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
        ({"seed": -1}, "seed must be"),
        ({"every_n_steps": 0}, "every_n_steps must be"),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(InputError, match=message):
        callback(**changes)
