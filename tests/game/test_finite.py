"""Updates that are not finite: left out or the end, and the weights never see them."""

import itertools
import math
from functools import partial

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.plugins import MixedPrecision
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.finite import FiniteCheck, NonFiniteError
from ganzoo.optim.gradient_play import Simultaneous
from ganzoo.penalties.base import Penalty

SGD = partial(torch.optim.SGD, lr=0.1, momentum=0.9)


class Scripted(Penalty):
    """A term whose value or gradient is spoilt at some updates."""

    def __init__(self, *, bad, value=math.nan, gradient=math.nan):
        super().__init__(weight=1.0, interval=1, on="discriminator")
        self.bad, self.bad_value, self.bad_gradient, self.calls = bad, value, gradient, 0

    def value(self, context):
        self.calls += 1
        logits = context.real_logits
        if self.calls - 1 not in self.bad:
            return 0 * logits.mean()
        return _Spoilt.apply(logits.mean(), self.bad_value, self.bad_gradient)


class _Spoilt(torch.autograd.Function):
    @staticmethod
    def forward(context, logit, value, gradient):
        context.gradient = gradient
        return logit * 0 + value

    @staticmethod
    def backward(context, gradient):
        return gradient * context.gradient, None, None


def weights(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


def discriminators_after_steps(model):
    """Note the weights of the discriminator after each step, with the name of who stepped."""
    seen, finish = [], model.finish_step

    def watched(player, **how):
        seen.append((player.name, weights(model.discriminator)))
        finish(player, **how)

    model.finish_step = watched
    return seen


KINDS = {
    "both": {},
    "a term with a finite gradient": {"value": math.inf, "gradient": 0.0},
    "a gradient of a finite term": {"value": 0.0},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_run_stops_before_the_weights_change(gan, trainer, batches, kind):
    model = gan(penalties={"r": Scripted(bad={2}, **kind)}, optimizers=dict.fromkeys(
        ("generator", "discriminator"), SGD
    ))  # fmt: skip
    seen = discriminators_after_steps(model)
    name = "gradient_norm" if "value" in kind and kind["value"] == 0.0 else "r"
    with pytest.raises(NonFiniteError, match=f"^discriminator/{name} is not finite at step 2$"):
        trainer(5).fit(model, batches(8, 2))
    for now, before in zip(weights(model.discriminator), seen[-1][1], strict=True):
        assert torch.equal(now, before)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_left_out_updates_change_nothing_but_the_count(gan, trainer, batches, kind, caplog):
    model = gan(
        penalties={"r": Scripted(bad={1, 3}, **kind)},
        optimizers={"generator": SGD, "discriminator": SGD},
        non_finite_tolerance=2,
    )
    seen = discriminators_after_steps(model)
    run = trainer(5)
    run.fit(model, batches(8, 2))
    assert run.global_step == 5
    of_discriminator = [values for name, values in seen if name == "discriminator"]
    same = [
        all(map(torch.equal, one, other)) for one, other in itertools.pairwise(of_discriminator)
    ]
    assert same == [True, False, True, False]
    assert caplog.text.count("this update is left out") == 2
    assert "(2 of 2 that may be)" in caplog.text
    with pytest.raises(NonFiniteError):
        trainer(7).fit(gan(penalties={"r": Scripted(bad={0, 1, 2})}, non_finite_tolerance=2),
                       batches(8, 2))  # fmt: skip


def test_the_generators_update_is_left_out_and_still_counted(gan, trainer, batches):
    class Bad(nn.Linear):
        calls = 0

        def forward(self, data):
            self.calls += self.training
            return super().forward(data) * (math.nan if self.calls == 4 else 1.0)

    model = gan(generator=Bad(4, 2), non_finite_tolerance=1)
    run = trainer(4)
    run.fit(model, batches(8, 2))  # the fourth pass is the generator's second update
    assert run.global_step == 4
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert model.optimizers()[1].state[next(model.generator.parameters())]["step"] == 3


def test_the_gradient_norm_is_that_of_the_whole_gradient(gan, trainer, batches):
    model = gan(optimizers={"generator": SGD, "discriminator": SGD})
    trainer(1).fit(model, batches(8, 2))
    gradients = torch.cat([p.grad.flatten() for p in model.generator.parameters()])
    expected = math.sqrt(sum(float(value) ** 2 for value in gradients))
    assert float(model.latest_terms["generator/gradient_norm"]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("tolerance", [-1, 1.5])
def test_tolerance_is_a_whole_number(tolerance):
    with pytest.raises(InputError, match="non_finite_tolerance"):
        FiniteCheck(tolerance)


def half_precision():
    """float16 with a gradient scaler, as on a GPU, on the CPU."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=4)
    return MixedPrecision("16-mixed", "cpu", scaler=scaler)


def test_a_gradient_scaler_serves_both_players(gan, trainer, batches):
    """It starts too high, so that the first steps overflow and are left out by it."""
    plugin = half_precision()
    model = gan(discriminator_steps=2)
    run = trainer(60, plugins=[plugin])
    run.fit(model, batches(16, 2))
    assert run.global_step == 60
    assert plugin.scaler.get_scale() < 2.0**20
    assert all(value.isfinite().all() for value in model.state_dict().values())
    torch.manual_seed(0)
    reference = gan(discriminator_steps=2)
    trainer(60).fit(reference, batches(16, 2))
    for name in ("discriminator/loss", "generator/loss"):
        difference = model.latest_terms[name] - reference.latest_terms[name]
        assert abs(float(difference)) < 0.2, name


def test_a_term_that_is_not_finite_stops_in_half_precision_too(gan, trainer, batches):
    model = gan(penalties={"r": Scripted(bad={3})})
    with pytest.raises(NonFiniteError, match="discriminator/r is not finite at step 3"):
        trainer(9, plugins=[half_precision()]).fit(model, batches(8, 2))


def test_a_scale_that_one_players_step_changes_does_not_reach_the_others(gan, trainer, batches):
    """Where all differentiate before all step, the first step may double the scaler's scale."""
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=1)
    plugin = MixedPrecision("16-mixed", "cpu", scaler=scaler)
    sgd = partial(torch.optim.SGD, lr=0.1)
    games = []
    for settings in ({"plugins": [plugin]}, {}):
        torch.manual_seed(0)
        games.append(
            gan(update_rule=Simultaneous(), optimizers={"generator": sgd, "discriminator": sgd})
        )
        torch.manual_seed(1)
        trainer(2, **settings).fit(games[-1], batches(16, 2))
    assert scaler.get_scale() == 4.0 * 2**4
    mine, theirs = games
    for one, other in zip(mine.generator.parameters(), theirs.generator.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("bad", [0, 2, 4])
def test_what_is_looked_at_later_ends_the_run_too_and_is_not_saved(
    gan, trainer, batches, bad, monkeypatch, tmp_path
):
    """As on a GPU: the run goes on for an iteration, but no checkpoint has the bad weights."""
    monkeypatch.setattr(FiniteCheck, "may_look_later", lambda *_: True)
    model = gan(penalties={"r": Scripted(bad={bad})})
    run = trainer(5)
    with pytest.raises(NonFiniteError, match=f"^discriminator/r is not finite at step {bad}$"):
        run.fit(model, batches(8, 2))
    assert run.global_step <= min(bad + 2, 5)
    if bad == 4:  # seen when training ended
        return
    again = gan(penalties={"r": Scripted(bad={bad})})
    saving = trainer(5, callbacks=[Saving(tmp_path)])
    with pytest.raises(NonFiniteError):
        saving.fit(again, batches(8, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{n}.ckpt" for n in range(1, bad + 1)
    ]


class Saving(Callback):
    def __init__(self, folder):
        self.folder = folder

    def on_train_batch_end(self, trainer, *_):
        trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")
