"""Learning rates by the iterations or by the images shown, as the game steps them."""

import math
from functools import partial

import pytest
import torch
from lightning.pytorch import Callback

from ganzoo.errors import InputError
from ganzoo.optim import cosine_decay, linear_decay

RATE = 1e-3


class Rates(Callback):
    """The rates that the iterations are made with, of each player."""

    def __init__(self):
        self.used = []

    def on_train_batch_start(self, trainer, *_):
        self.used.append([o.param_groups[0]["lr"] for o in trainer.optimizers])


def rates(gan, trainer, batches, schedule, *, batch=8, iterations=8, **changes):
    seen = Rates()
    model = gan(schedule=schedule, **changes)
    trainer(iterations, callbacks=[seen]).fit(model, batches(batch, 2))
    assert all(first == second for first, second in seen.used), "both players'"
    return [first for first, _ in seen.used]


LINEAR = partial(linear_decay, start=16, end=48, unit="images", final_factor=0.5)


def line(images):
    return RATE * (1 - 0.5 * min(max(images - 16, 0) / 32, 1))


@pytest.mark.parametrize(("batch", "iterations"), [(4, 16), (8, 8), (16, 4)])
@pytest.mark.parametrize("steps", [1, 2])
def test_a_rate_in_images_is_where_the_images_shown_before_have_brought_it(
    gan, trainer, batches, batch, iterations, steps
):
    found = rates(
        gan, trainer, batches, LINEAR, batch=batch, iterations=iterations, discriminator_steps=steps
    )
    assert found == pytest.approx([line(batch * number) for number in range(iterations)])


def test_images_are_those_of_all_devices(gan, trainer, batches, monkeypatch):
    monkeypatch.setattr("ganzoo.game.module.world_size", lambda: 2)
    found = rates(gan, trainer, batches, LINEAR)
    assert found == pytest.approx([line(2 * 8 * number) for number in range(8)])


def test_a_rate_in_iterations_knows_no_batch_size(gan, trainer, batches):
    schedule = partial(cosine_decay, start=2, end=6, unit="iterations", final_lr=1e-4)
    wave = [
        1e-4 + (RATE - 1e-4) * (1 + math.cos(math.pi * min(max(n - 2, 0) / 4, 1))) / 2
        for n in range(8)
    ]
    for batch in (4, 16):
        assert rates(gan, trainer, batches, schedule, batch=batch) == pytest.approx(wave)


def test_a_run_that_goes_on_follows_the_images_of_both_parts(gan, trainer, batches, tmp_path):
    first = trainer(3)
    first.fit(gan(schedule=LINEAR), batches(8, 2))
    first.save_checkpoint(tmp_path / "at3.ckpt")
    seen = Rates()
    second = trainer(8, callbacks=[seen])
    second.fit(gan(schedule=LINEAR), batches(8, 2), ckpt_path=tmp_path / "at3.ckpt")
    assert [rate for rate, _ in seen.used] == pytest.approx([line(8 * n) for n in range(3, 8)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"end": 10, "unit": "epochs"}, "unit must be iterations or images, not epochs"),
        ({"end": 10, "start": 10}, "must start before its end 10, not at 10"),
        ({"end": 10, "start": -1}, "start must be zero or a positive number"),
    ],
)
@pytest.mark.parametrize("decay", [linear_decay, cosine_decay])
def test_times_that_are_none_are_refused(decay, settings, message):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(InputError, match=message):
        decay(optimizer, **settings)
