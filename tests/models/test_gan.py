import copy
from functools import partial

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.nn.functional import softplus
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.game.finite import NonFiniteError
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.networks.latents import Normal
from ganzoo.optim.clipping import ClipByNorm
from ganzoo.optim.gradient_play import Alternating, Simultaneous
from ganzoo.penalties.zero_centered import R1


def weights(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


def test_same_as_a_loop_written_by_hand(gan, trainer, batches):
    """Algorithm 1 with k = 3, written out with nothing of the library."""
    model = gan(discriminator_steps=3)
    generator, discriminator = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    torch.manual_seed(1)
    trainer(5).fit(model, batches(12, 2))

    torch.manual_seed(1)
    adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))
    of_generator, of_discriminator = adam(generator.parameters()), adam(discriminator.parameters())
    stream = iter(batches(12, 2))
    for _ in range(5):
        (data,) = next(stream)
        for real in data.split(4):
            fake = generator(torch.randn(4, 4)).detach()
            loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
            of_discriminator.zero_grad()
            loss.backward()
            of_discriminator.step()
        loss = softplus(-discriminator(generator(torch.randn(4, 4)))).mean()
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()

    for mine, theirs in zip(weights(model.generator), weights(generator), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    for mine, theirs in zip(weights(model.discriminator), weights(discriminator), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("steps", [1, 5])
def test_global_step_counts_generator_updates(gan, trainer, batches, steps):
    made = {"generator": 0, "discriminator": 0}

    class Counted(Alternating):
        def step(self, players):
            for player in players:
                made[player.name] += 1
            super().step(players)

    model = gan(discriminator_steps=steps, update_rule=Counted())
    run = trainer(7)
    run.fit(model, batches(10, 2))
    assert run.global_step == 7
    assert made == {"generator": 7, "discriminator": 7 * steps}


class BatchNormed(nn.Module):
    def __init__(self, into: int, out: int, *, squeeze: bool) -> None:
        super().__init__()
        first = nn.utils.parametrizations.spectral_norm(nn.Linear(into, 8))
        self.layers = nn.Sequential(first, nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, out))
        self.squeeze = squeeze

    def forward(self, data):
        out = self.layers(data)
        return out.squeeze(1) if self.squeeze else out


def test_only_the_player_that_steps_changes(gan, trainer, batches):
    steps = []

    class Watched(Alternating):
        def step(self, players):
            for player in players:
                before = copy.deepcopy(model.state_dict())
                super().step([player])
                after = model.state_dict()
                moved = {key for key in before if not torch.equal(before[key], after[key])}
                steps.append((player.name, {key.split(".")[0] for key in moved}))

    model = gan(
        update_rule=Watched(),
        generator=BatchNormed(4, 2, squeeze=False),
        discriminator=BatchNormed(2, 1, squeeze=True),
        discriminator_steps=2,
    )
    trainer(2).fit(model, batches(8, 2))
    once = [("discriminator", {"discriminator"})] * 2 + [("generator", {"generator"})]
    assert steps == once * 2
    assert all(parameter.requires_grad for parameter in model.parameters())


class Ones(Normal):
    def sample(self, count, **options):
        return torch.ones(count, self.latent_dim)


@pytest.mark.parametrize(
    "rule", [Alternating(), Simultaneous()], ids=["alternating", "simultaneous"]
)
def test_the_generator_sees_the_discriminators_step_only_where_they_alternate(
    gan, trainer, batches, rule
):
    sgd = partial(torch.optim.SGD, lr=1.0)
    model = gan(
        generator=nn.Linear(4, 1, bias=False),
        discriminator=nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)),
        loss=Wasserstein(),
        latent_prior=Ones(latent_dim=4),
        optimizers={"generator": sgd, "discriminator": sgd},
        update_rule=rule,
    )
    (slope,) = model.discriminator.parameters()
    at_first = slope.item()
    trainer(1).fit(model, batches(4, 1))
    seen = at_first if isinstance(rule, Simultaneous) else slope.item()
    assert slope.item() != pytest.approx(at_first)
    # Its loss is -slope * w z with z = (1, 1, 1, 1), so its gradient has the norm 2 |slope|.
    assert model.latest_terms["generator/gradient_norm"].item() == pytest.approx(2 * abs(seen))


def test_every_term_is_logged_at_the_generator_update(gan, trainer, batches, tmp_path):
    model = gan(penalties={"r1": R1(weight=1.0, interval=4)}, discriminator_steps=2)
    logger = CSVLogger(tmp_path, name="", version="")
    trainer(6, logger=logger, log_every_n_steps=3).fit(model, batches(8, 2))
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    names = set(lines[0].split(","))
    terms = {"discriminator/real", "discriminator/fake", "discriminator/r1", "discriminator/loss"}
    assert terms | {"generator/adversarial", "generator/loss", "step"} <= names
    step = lines[0].split(",").index("step")
    assert [float(line.split(",")[step]) for line in lines[1:]] == [3, 6]


def test_lazy_penalty_is_part_of_every_fourth_discriminator_step(gan, trainer, batches):
    class Counting(R1):
        calls = 0

        def value(self, context):
            Counting.calls += 1
            return super().value(context)

    model = gan(penalties={"r1": Counting(weight=1.0, interval=4)}, discriminator_steps=2)
    trainer(6).fit(model, batches(8, 2))
    assert Counting.calls == 3  # steps 0, 4 and 8 of 12


def test_average_follows_the_generator(gan, trainer, batches):
    seen = []

    class Watched(ExponentialMovingAverage):
        def update(self, network, progress):
            seen.append((progress.iterations, weights(network)))
            super().update(network, progress)

    model = gan(ema=partial(Watched, decay=0.9, start_step=2))
    trainer(5).fit(model, batches(8, 2))
    expected = seen[1][1]
    for _, now in seen[2:]:
        expected = [0.9 * old + 0.1 * new for old, new in zip(expected, now, strict=True)]
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5]
    for mine, theirs in zip(weights(model.ema["generator"].network), expected, strict=True):
        torch.testing.assert_close(mine, theirs)
    assert not torch.equal(weights(model.generator)[0], weights(model.ema["generator"].network)[0])


def test_schedules_count_generator_updates(gan, trainer, batches):
    model = gan(schedule=partial(LambdaLR, lr_lambda=lambda n: 0.5**n), discriminator_steps=3)
    run = trainer(4)
    run.fit(model, batches(9, 2))
    assert [group["lr"] for o in run.optimizers for group in o.param_groups] == [1e-3 / 16] * 2


def test_clipping_bounds_the_gradient_of_each_player(gan, trainer, batches):
    norms = []

    class Watched(ClipByNorm):
        def __call__(self, parameters):
            super().__call__(parameters)
            norms.append(torch.stack([p.grad.norm() for p in parameters]).norm().item())

    trainer(3).fit(gan(gradient_clipping=Watched(max_norm=1e-3)), batches(8, 2))
    assert len(norms) == 6
    assert max(norms) <= 1e-3 * (1 + 1e-4)


def test_term_that_is_not_finite_stops_before_the_weights_change(gan, trainer, batches):
    class Infinite(R1):
        def value(self, context):
            return super().value(context) * float("inf")

    model = gan(loss=Wasserstein(), penalties={"r1": Infinite(weight=1.0, interval=1)})
    before = weights(model)
    with pytest.raises(NonFiniteError, match=r"discriminator/r1 is not finite at step 0"):
        trainer(3).fit(model, batches(8, 2))
    for mine, theirs in zip(weights(model), before, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_foreign_dataloader_in_a_plain_trainer(gan, trainer, shape):
    size = torch.Size(shape).numel()
    model = gan(
        generator=nn.Sequential(nn.Linear(4, size), nn.Unflatten(1, shape)),
        discriminator=nn.Sequential(nn.Flatten(), nn.Linear(size, 1), nn.Flatten(0)),
        discriminator_steps=3,
    )
    data = TensorDataset(torch.randn(50, *shape).tanh(), torch.zeros(50, dtype=torch.long))
    run = trainer(-1, max_epochs=2)
    run.fit(model, DataLoader(data, batch_size=20, shuffle=True))
    assert run.global_step == 6
    assert model.sample(3).shape == (3, *shape)


@pytest.mark.parametrize(
    ("shape", "changes", "message"),
    [
        ((8, 3), {}, "discriminator .* does not fit data of shape|generator makes data of shape"),
        (
            (8, 1, 4, 4),
            {},
            r"the generator makes data of shape \[2\], the data set has \[1, 4, 4\]",
        ),
        ((2, 2), {"discriminator_steps": 3}, "a batch of 2 samples cannot serve 3"),
    ],
)
def test_networks_that_do_not_fit(gan, trainer, batches, shape, changes, message):
    with pytest.raises(InputError, match=message):
        trainer(1).fit(gan(**changes), batches(*shape))


@pytest.mark.parametrize("steps", [0, -1, float("nan"), 1.5])
def test_discriminator_steps_must_be_a_positive_integer(gan, steps):
    with pytest.raises(InputError, match="discriminator_steps"):
        gan(discriminator_steps=steps)


def test_a_player_without_an_optimizer(gan, trainer, batches):
    adam = partial(torch.optim.Adam, lr=1e-3)
    with pytest.raises(InputError, match="no optimizer for discriminator"):
        trainer(1).fit(gan(optimizers={"generator": adam}), batches(8, 2))


def test_backward_passes_run_outside_autocast(gan, trainer, batches, monkeypatch):
    seen = []
    backward = torch.Tensor.backward

    def watched(self, *rest, **named):
        seen.append(torch.is_autocast_enabled("cpu"))
        return backward(self, *rest, **named)

    monkeypatch.setattr(torch.Tensor, "backward", watched)
    model = gan(penalties={"r1": R1(weight=1.0, interval=1)})
    trainer(2, precision="bf16-mixed").fit(model, batches(8, 2))
    assert seen == [False] * 4
    assert all(parameter.isfinite().all() for parameter in model.parameters())
