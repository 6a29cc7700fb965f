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
    used = rates(lambda o: linear_decay(o, end=10, final_factor=0.25), adam(0.4), 30)
    assert used[5].item() == pytest.approx(0.4 * (1 - 0.75 / 2))
    assert used[10:].flatten().tolist() == pytest.approx([0.1] * 20)


def test_cosine_decay_ends_at_its_rate_and_stays_there():
    used = rates(lambda o: cosine_decay(o, end=10, final_lr=0.1), adam(0.5), 20)
    assert used[5].item() == pytest.approx(0.3)
    assert used[10:].flatten().tolist() == pytest.approx([0.1] * 10)
    assert (used[:11].diff(dim=0) < 0).all()


@pytest.mark.parametrize("decay", [linear_decay, cosine_decay])
def test_until_its_start_a_rate_is_constant_and_then_as_without(decay):
    """As in pix2pix and CycleGAN, which are constant for half of training."""
    late = rates(lambda o: decay(o, start=20, end=30), adam(0.4), 40)
    soon = rates(lambda o: decay(o, end=10), adam(0.4), 20)
    assert late[:20].flatten().tolist() == [0.4] * 20
    torch.testing.assert_close(late[20:], soon)


class Rates(Callback):
    """The learning rates that iterations are made with."""

    used = ()

    def on_train_batch_start(self, trainer, *_):
        self.used = (*self.used, trainer.optimizers[0].param_groups[0]["lr"])


@pytest.mark.parametrize("stem", DECAYS)
def test_images_shown_are_those_of_whole_batches_and_a_resumed_run_counts_on(
    stem, gan, trainer, batches, tmp_path
):
    """Batches of 12 samples for 3 discriminator steps: 120 images are 10 iterations."""
    whole, again = Rates(), Rates()
    schedule = partial(load(stem), unit="images", start=24, end=120)

    def model():
        return gan(schedule=schedule, discriminator_steps=3)

    trainer(12, callbacks=[whole]).fit(model(), batches(12, 2))
    shares = [min(max(12 * step - 24, 0) / 96, 1) for step in range(12)]
    assert whole.used == pytest.approx([1e-3 * closed_form(stem, UPDATES * s) for s in shares])

    first = trainer(5)
    first.fit(model(), batches(12, 2))
    first.save_checkpoint(tmp_path / "five.ckpt")
    resumed = trainer(12, callbacks=[again])
    resumed.fit(model(), batches(12, 2), ckpt_path=tmp_path / "five.ckpt")
    assert again.used == whole.used[5:]


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

    schedule = load(stem)
    first = trainer(8, plugins=[AtomicCheckpointIO()])
    first.fit(gan(schedule=partial(schedule, end=8)), batches(8, 2))
    first.save_checkpoint(tmp_path / "end.ckpt")
    rates = Rates()
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(12, callbacks=[rates]).fit(
            gan(schedule=partial(schedule, end=16)),
            batches(8, 2),
            ckpt_path=tmp_path / "end.ckpt",
        )
    assert rates.used == pytest.approx(
        [1e-3 * closed_form(stem, UPDATES * step / 16) for step in range(8, 12)]
    )
    assert caplog.messages == [
        "the schedule of learning rates ended at 8 iterations and now ends at 16: it goes on at "
        f"{rates.used[0]:g}"
    ]


@pytest.mark.parametrize("end", [-1, 0, None])
def test_decay_without_an_end_is_refused(end):
    for decay in (
        lambda: linear_decay(adam(0.1), end=end, final_factor=0.0),
        lambda: cosine_decay(adam(0.1), end=end, final_lr=0.0),
    ):
        with pytest.raises(InputError, match=r"trainer\.max_steps, a positive number, not"):
            decay()


def test_a_start_after_the_end_and_other_units_are_refused():
    with pytest.raises(InputError, match="must start before its end 5, not at 5"):
        linear_decay(adam(0.1), start=5, end=5)
    with pytest.raises(InputError, match="start must be"):
        cosine_decay(adam(0.1), start=-1, end=5)
    with pytest.raises(InputError, match="unit must be iterations or images, not epochs"):
        cosine_decay(adam(0.1), end=5, unit="epochs")


def test_constant_is_no_schedule():
    assert load("constant") is None


def test_negative_ends_are_refused():
    with pytest.raises(InputError, match="final_factor"):
        linear_decay(adam(0.1), end=5, final_factor=-0.1)
    with pytest.raises(InputError, match="final_lr"):
        cosine_decay(adam(0.1), end=5, final_lr=float("nan"))


def moved_on(optimizer, schedule, steps):
    for _ in range(steps):
        optimizer.step()
        schedule.step()
    group = optimizer.param_groups[0]
    return group["lr"], group["betas"][1]


def test_a_second_beta_moves_along_the_same_wave_and_resumes_exactly():
    settings = {"end": 10, "final_lr": 0.0, "final_beta2": 0.99}
    first = adam(0.1)
    schedule = cosine_decay(first, **settings)
    assert moved_on(first, schedule, 5) == pytest.approx((0.05, (0.999 + 0.99) / 2))
    second = adam(0.1)
    resumed = cosine_decay(second, **settings)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    assert moved_on(second, resumed, 3) == moved_on(first, schedule, 3)
    assert moved_on(first, schedule, 9) == pytest.approx((0.0, 0.99))


def test_optimizers_without_betas_and_betas_that_cannot_be_are_refused():
    sgd = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(InputError, match="SGD has no betas to move: set optimizer"):
        cosine_decay(sgd, end=5, final_beta2=0.9)
    with pytest.raises(InputError, match="final_beta2 must be at least 0 and below 1"):
        cosine_decay(adam(0.1), end=5, final_beta2=1.0)
