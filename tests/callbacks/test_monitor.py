"""The monitor on real games: healthy ones, and one that goes wrong in each of the known ways."""

import json
from functools import partial

import pytest
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.loggers import CSVLogger
from scipy.spatial.distance import pdist
from sklearn.metrics import roc_auc_score
from torch import nn

from ganzoo.callbacks.cycling import Cycling
from ganzoo.callbacks.monitor import FixedBatch, Monitor, game_statistics
from ganzoo.callbacks.symptoms import Collapse, DiscriminatorWon, Symptom
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.data.points import Ring
from ganzoo.errors import InputError
from ganzoo.losses.minimax import Minimax, NonSaturating
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.latents import Normal
from ganzoo.penalties.gradient_penalty import GradientPenalty
from ganzoo.penalties.zero_centered import R1

CYCLING = {"window": 40, "scales": [1, 2, 4, 8], "cycles": 4, "share": 0.6, "steadiness": 0.8}
NAMES = ("real_logits", "fake_logits", "accuracy", "ranking", "diversity")


def all_symptoms():
    return {
        "collapse": Collapse(diversity=0.2, warm_up=200, measurements=10),
        "discriminator_won": DiscriminatorWon(ranking=0.99, gradient=0.01, patience=5),
        "cycling": Cycling(amplitude=0.05, **CYCLING),
    }


def monitor(**changes):
    settings = {"every_n_steps": 10, "samples": 64, "coordinates": 16, "seed": 0}
    return Monitor(**({"symptoms": all_symptoms()} | settings | changes))


class Fresh(LightningDataModule):
    """Batches of 64 from a function of a random generator."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def train_dataloader(self):
        generator = torch.Generator().manual_seed(0)
        while True:
            yield self.draw(generator)

    def real(self, count, seed):
        drawn = self.draw(torch.Generator().manual_seed(seed))
        return drawn[:count], None


def ring():
    source = Ring(modes=8, radius=2.0, deviation=0.02)
    return Fresh(lambda generator: source.sample(64, generator)[0])


def layers(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 32),
        nn.LeakyReLU(0.2),
        nn.Linear(32, 32),
        nn.LeakyReLU(0.2),
        nn.Linear(32, outputs),
    )


def game_of_points(make, generator_lr, discriminator_lr, **changes):
    adam = partial(torch.optim.Adam, betas=(0.5, 0.999))
    rates = {"generator": generator_lr, "discriminator": discriminator_lr}
    parts = {
        "generator": layers(4, 2),
        "discriminator": nn.Sequential(layers(2, 1), nn.Flatten(0)),
        "optimizers": {name: partial(adam, lr=lr) for name, lr in rates.items()},
    }
    return make(**(parts | changes))


class Place(nn.Module):
    """A generator that puts everything in one place, which is its only parameter."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.ones(1))

    def forward(self, latents):
        return self.place.expand(len(latents), 1)


class Slope(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(()))

    def forward(self, data):
        return self.slope * data[:, 0]


def dirac_gan(make, loss, **changes):
    """Mescheder et al. (2018), arXiv 1801.04406, definition 2.1: all data in zero."""
    sgd = partial(torch.optim.SGD, lr=0.3)
    return make(
        generator=Place(),
        discriminator=Slope(),
        loss=loss,
        latent_prior=Normal(latent_dim=1),
        optimizers={"generator": sgd, "discriminator": sgd},
        **changes,
    )


def zeros():
    return Fresh(lambda generator: torch.zeros(64, 1))


def warnings_in(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "ganzoo"]


@pytest.mark.parametrize("loss", [Wasserstein(), NonSaturating(label_smoothing=0.0)])
def test_a_game_that_circles(gan, trainer, caplog, loss):
    watch = monitor(every_n_steps=5)
    trainer(320, callbacks=[watch], log_every_n_steps=999).fit(
        dirac_gan(gan, loss), datamodule=zeros()
    )
    (words,) = warnings_in(caplog)
    assert "training runs in circles" in words
    assert watch.warned == ["cycling"]


@pytest.mark.parametrize("weight", [1.0, 0.3, 0.1])
def test_a_game_that_spirals_in(gan, trainer, caplog, weight):
    penalties = {"r1": R1(weight=weight, interval=1)}
    model = dirac_gan(gan, NonSaturating(label_smoothing=0.0), penalties=penalties)
    watch = monitor(every_n_steps=5)
    trainer(350, callbacks=[watch], log_every_n_steps=999).fit(model, datamodule=zeros())
    assert model.generator.place.abs() < 1e-2
    assert warnings_in(caplog) == []


def test_a_game_whose_generator_collapses(gan, trainer, caplog):
    model = game_of_points(gan, 5e-3, 2e-4)
    watch = monitor()
    trainer(400, callbacks=[watch], log_every_n_steps=999).fit(model, datamodule=ring())
    assert [words for words in warnings_in(caplog) if "the samples have collapsed" in words]
    assert "collapse" in watch.warned
    assert "discriminator_won" not in watch.warned


def far_away():
    return Fresh(lambda generator: 5 + torch.randn(64, 2, generator=generator) / 2)


def test_a_game_that_the_discriminator_wins(gan, trainer, caplog):
    model = game_of_points(gan, 1e-4, 1e-2, loss=Minimax(label_smoothing=0.0))
    watch = monitor(symptoms={"won": all_symptoms()["discriminator_won"]})
    trainer(150, callbacks=[watch], log_every_n_steps=999).fit(model, datamodule=far_away())
    (words,) = warnings_in(caplog)
    assert words.split(": ")[1] == "the discriminator has won"
    assert "it ranks 100% of the pairs" in words


@pytest.mark.parametrize("loss", [NonSaturating(label_smoothing=0.0), Wasserstein()])
def test_a_discriminator_that_is_far_ahead_but_teaches(gan, trainer, caplog, loss):
    model = game_of_points(gan, 1e-4, 1e-3, loss=loss)
    watch = monitor(symptoms={"won": all_symptoms()["discriminator_won"]})
    trainer(200, callbacks=[watch], log_every_n_steps=999).fit(model, datamodule=far_away())
    assert watch.latest.ranking == 1
    assert warnings_in(caplog) == []


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (None, {"loss": NonSaturating(label_smoothing=0.0)}),
        (
            WGANGP,
            {
                "loss": Wasserstein(),
                "gradient_penalty": GradientPenalty(weight=0.1, interval=1),
                "discriminator_steps": 2,
            },
        ),
    ],
    ids=["gan", "wgan_gp"],
)
def test_a_healthy_game_gives_no_warning(gan, trainer, caplog, kind, changes):
    model = game_of_points(partial(gan, kind) if kind else gan, 1e-3, 1e-3, **changes)
    watch = monitor(every_n_steps=5)
    trainer(400, callbacks=[watch], log_every_n_steps=999).fit(model, datamodule=ring())
    assert warnings_in(caplog) == []
    assert watch.latest.diversity > 0.5


def test_what_is_measured(gan, trainer, tmp_path):
    """Against scipy and scikit-learn, from the weights as they are at the end of the run."""
    model, data = game_of_points(gan, 1e-3, 1e-3), ring()
    watch, logger = monitor(samples=50, seed=3), CSVLogger(tmp_path, name="", version="")
    run = trainer(20, callbacks=[watch], logger=logger)
    run.fit(model, datamodule=data)
    model.eval()
    real = data.real(50, 3)[0]
    fake = model.sample(50, seed=3, averaged=False)
    outputs = model.discriminator(torch.cat([real, fake])).detach()
    expected = {
        "real_logits": outputs[:50].mean().item(),
        "fake_logits": outputs[50:].mean().item(),
        "accuracy": ((outputs > 0) == (torch.arange(100) < 50)).float().mean().item(),
        "ranking": roc_auc_score([1] * 50 + [0] * 50, outputs),
        "diversity": pdist(fake).mean() / pdist(real).mean(),
    }
    for name in NAMES:
        assert getattr(watch.latest, name) == pytest.approx(expected[name], rel=1e-5)
        logged = float(run.callback_metrics[f"monitor/{name}"])
        assert logged == pytest.approx(expected[name], rel=1e-5)
    norm = float(model.latest_terms["generator/gradient_norm"])
    assert watch.latest.gradient_norm == pytest.approx(norm, rel=1e-6)
    header, *rows = (tmp_path / "metrics.csv").read_text().splitlines()
    columns = header.split(",")
    steps = [
        int(row.split(",")[columns.index("step")].split(".")[0])
        for row in rows
        if row.split(",")[columns.index("monitor/ranking")]
    ]
    assert steps == [1, 10, 20]


def test_distances_of_positions_are_those_of_the_samples(gan):
    batch = FixedBatch(gan(), torch.randn(64, 2), None, coordinates=4000, seed=0)
    one, other = torch.randn(64, 2), torch.randn(64, 2) + 1
    expected = (one - other).square().sum(1).mean().sqrt()
    assert torch.dist(batch.position(one), batch.position(other)) == pytest.approx(
        expected.item(), rel=0.1
    )


def test_measuring_changes_nothing(gan, trainer, restless):
    ends = []
    for callbacks in ([], [monitor(every_n_steps=1)]):
        torch.manual_seed(5)
        generator = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        model = gan(generator=generator, discriminator=restless())
        trainer(5, callbacks=callbacks).fit(model, datamodule=ring())
        ends.append((model.state_dict(), torch.get_rng_state()))
    (plain, plain_state), (watched, watched_state) = ends
    assert all(torch.equal(plain[name], watched[name]) for name in plain)
    assert torch.equal(plain_state, watched_state)


def test_modes_are_put_back(gan, restless):
    model = gan(discriminator=restless())
    model.train()
    model.discriminator.layers[1].eval()
    before = [module.training for module in model.modules()]
    game_statistics(model, FixedBatch(model, torch.randn(8, 2), None, coordinates=2, seed=0), 1)
    assert [module.training for module in model.modules()] == before
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_a_data_module_the_first_batch_is_kept(gan, trainer, batches):
    watch = monitor(every_n_steps=1, samples=6, symptoms={})
    trainer(3, callbacks=[watch]).fit(gan(), batches(8, 2))
    first = next(iter(batches(8, 2)))[0][:6]
    assert watch.latest.spread == pytest.approx(pdist(first).mean(), rel=1e-6)
    (kept,) = watch.state_dict()["kept"]
    assert torch.equal(kept, first)
    assert kept.untyped_storage().nbytes() == 6 * 2 * 4  # a checkpoint holds no more


class Labelled(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs + 3, outputs)

    def forward(self, data, labels):
        marks = nn.functional.one_hot(labels, 3)
        out = self.layer(torch.cat([data, marks], dim=1))
        return out if out.shape[1] > 1 else out[:, 0]


def test_a_conditional_game_is_measured_with_the_classes_of_the_real_data(gan, trainer, batches):
    model = gan(
        ConditionalGAN, num_classes=3, generator=Labelled(4, 2), discriminator=Labelled(2, 1)
    )
    watch = monitor(every_n_steps=2, samples=8)
    trainer(2, callbacks=[watch]).fit(model, batches(8, 2, labels=3))
    data, labels = watch.state_dict()["kept"]
    expected = model.discriminator(data, labels).mean().item()
    assert watch.latest.real_logits == pytest.approx(expected, rel=1e-5)


def test_a_resumed_run_measures_and_warns_the_same(gan, trainer, caplog, tmp_path):
    class Repeating:
        """The same batch again and again, so that data need not be resumed."""

        def __iter__(self):
            data = torch.randn(8, 1, generator=torch.Generator().manual_seed(1)) * 1e-3
            while True:
                yield [data]

    def play(steps, watch, checkpoint=None):
        run = trainer(
            steps, callbacks=[watch], log_every_n_steps=999, plugins=[AtomicCheckpointIO()]
        )
        run.fit(dirac_gan(gan, Wasserstein()), Repeating(), ckpt_path=checkpoint)
        return run

    whole = monitor(every_n_steps=5)
    play(400, whole)
    expected = warnings_in(caplog)
    assert whole.warned == ["cycling", "collapse"]
    for stop in (150, 220):
        caplog.clear()
        play(stop, monitor(every_n_steps=5)).save_checkpoint(tmp_path / "half.ckpt")
        resumed = monitor(every_n_steps=5)
        play(400, resumed, tmp_path / "half.ckpt")
        assert warnings_in(caplog) == expected
        assert resumed.latest == whole.latest
        assert resumed.state_dict()["symptoms"] == whole.state_dict()["symptoms"]


def test_the_state_is_plain_and_forgotten_with_other_settings(gan, trainer, tmp_path):
    watch = monitor()
    trainer(60, callbacks=[watch], log_every_n_steps=999).fit(gan(), datamodule=ring())
    state = watch.state_dict()
    torch.save(state, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    json.dumps(state["symptoms"])
    same, other = monitor(), monitor(coordinates=3)
    same.load_state_dict(state)
    other.load_state_dict(state)
    assert same.state_dict() == state
    assert len(state["symptoms"]["cycling"]["path"]) == 7
    assert other.state_dict()["symptoms"] == monitor().state_dict()["symptoms"]


class Always(Symptom):
    """Is there from the first look."""

    def notice(self, statistics):
        return "it is there"

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@pytest.mark.parametrize(("is_first", "warnings"), [(True, ["step 1: it is there"]), (False, [])])
def test_the_first_process_warns_once_of_each(
    gan, trainer, caplog, monkeypatch, is_first, warnings
):
    watch = monitor(symptoms={"always": Always()}, every_n_steps=1)
    run = trainer(3, callbacks=[watch])
    monkeypatch.setattr(type(run), "is_global_zero", is_first)
    run.fit(gan(), datamodule=ring())
    assert watch.warned == ["always"] and watch.latest.step == 3
    assert warnings_in(caplog) == warnings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 1}, "samples must be at least 2"),
        ({"every_n_steps": 0}, "every_n_steps must be a whole number from 1 up, not 0"),
        ({"coordinates": 2.5}, "coordinates must be a whole number from 1 up, not 2.5"),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(InputError, match=message):
        monitor(**changes)
