import io
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback
from torch import nn

from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.optim import cosine_decay, linear_decay

CONF = Path(__file__).parents[2] / "conf"
STEMS = sorted(path.stem for path in (CONF / "optimizer" / "schedule").glob("*.yaml"))
DECAYS = sorted(set(STEMS) - {"constant"})
UPDATES = 40


def adam(*rates):
    groups = [{"params": [nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates]
    return torch.optim.Adam(groups)


def load(stem):
    config = compose_config([f"optimizer.schedule={stem}", f"trainer.max_steps={UPDATES}"])
    return config.optimizer.schedule and build(config.optimizer.schedule)


def rates(schedule, optimizer, updates):
    """The learning rates that the updates 0, 1, ... are made with."""
    scheduler = schedule(optimizer)
    used = []
    for _ in range(updates):
        used.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return torch.tensor(used, dtype=torch.float64)


def closed_form(stem, update):
    share = update / UPDATES
    return {
        "linear": 1 - share,
        "cosine": (1 + math.cos(math.pi * share)) / 2,
    }[stem]


@pytest.mark.parametrize("stem", DECAYS)
def test_conf_follows_its_closed_form_for_each_learning_rate(stem):
    used = rates(load(stem), adam(2e-4, 1e-2), UPDATES + 1)
    shares = torch.tensor([closed_form(stem, t) for t in range(UPDATES + 1)], dtype=torch.float64)
    expected = shares[:, None] * torch.tensor([2e-4, 1e-2], dtype=torch.float64)
    torch.testing.assert_close(used, expected, rtol=1e-9, atol=1e-15)


def test_linear_decay_ends_at_its_share_and_stays_there():
    used = rates(lambda o: linear_decay(o, updates=10, final_factor=0.25), adam(0.4), 30)
    assert used[5].item() == pytest.approx(0.4 * (1 - 0.75 / 2))
    assert used[10:].flatten().tolist() == pytest.approx([0.1] * 20)


def test_cosine_decay_ends_at_its_rate_and_stays_there():
    used = rates(lambda o: cosine_decay(o, updates=10, final_lr=0.1), adam(0.5), 20)
    assert used[5].item() == pytest.approx(0.3)
    assert used[10:].flatten().tolist() == pytest.approx([0.1] * 10)
    assert (used[:11].diff(dim=0) < 0).all()


@pytest.mark.parametrize("stem", DECAYS)
def test_state_is_plain_and_resumes_exactly(stem):
    whole = rates(load(stem), adam(1e-3), UPDATES)

    first = adam(1e-3)
    scheduler = load(stem)(first)
    for _ in range(15):
        first.step()
        scheduler.step()
    file = io.BytesIO()
    torch.save({"optimizer": first.state_dict(), "scheduler": scheduler.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)

    second = adam(1e-3)
    resumed = load(stem)(second)
    second.load_state_dict(state["optimizer"])
    resumed.load_state_dict(state["scheduler"])
    used = []
    for _ in range(15, UPDATES):
        used.append(second.param_groups[0]["lr"])
        second.step()
        resumed.step()
    assert used == whole[15:, 0].tolist()


@pytest.mark.parametrize("stem", DECAYS)
def test_a_run_that_goes_on_follows_the_new_end_and_says_so(
    stem, gan, trainer, batches, tmp_path, caplog
):
    """As with ``trainer.max_steps`` set higher: not at the rate of 0 that the old end had."""

    class Rates(Callback):
        used = ()

        def on_train_batch_start(self, trainer, *_):
            self.used = (*self.used, trainer.optimizers[0].param_groups[0]["lr"])

    schedule = load(stem)
    first = trainer(8, plugins=[AtomicCheckpointIO()])
    first.fit(gan(schedule=partial(schedule, updates=8)), batches(8, 2))
    first.save_checkpoint(tmp_path / "end.ckpt")
    rates = Rates()
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(12, callbacks=[rates]).fit(
            gan(schedule=partial(schedule, updates=16)),
            batches(8, 2),
            ckpt_path=tmp_path / "end.ckpt",
        )
    assert rates.used == pytest.approx(
        [1e-3 * closed_form(stem, UPDATES * step / 16) for step in range(8, 12)]
    )
    assert [line[:70] for line in caplog.messages] == [
        "the schedule of learning rates ended at step 8 and now ends at step 16"
    ]


@pytest.mark.parametrize("updates", [-1, 0, None])
def test_decay_without_an_end_is_refused(updates):
    for decay in (
        lambda: linear_decay(adam(0.1), updates=updates, final_factor=0.0),
        lambda: cosine_decay(adam(0.1), updates=updates, final_lr=0.0),
    ):
        with pytest.raises(InputError, match=r"trainer\.max_steps, a positive number, not"):
            decay()


def test_constant_is_no_schedule():
    assert load("constant") is None


def test_negative_ends_are_refused():
    with pytest.raises(InputError, match="final_factor"):
        linear_decay(adam(0.1), updates=5, final_factor=-0.1)
    with pytest.raises(InputError, match="final_lr"):
        cosine_decay(adam(0.1), updates=5, final_lr=float("nan"))
