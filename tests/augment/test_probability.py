"""Probabilities that are given, that follow a curve, and that adapt to the discriminator."""

import pytest
import torch
from torch import nn

from ganzoo.annealing import CosineAnnealing
from ganzoo.augment import AdaptiveProbability, RandomApply
from ganzoo.augment.probability import as_probability
from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.progress import Progress


def adaptive(**changes):
    usual = {"first": 0.5, "target": 0.6, "images_to_one": 100, "interval": 1}
    return AdaptiveProbability(**(usual | changes))


def after_step(probability, *logits, role="discriminator", step=0):
    """What the game calls after a step, whose data may have passed in parts."""
    player = Player(role, nn.Linear(1, 1), lambda _: {}, role=role)
    player.step_number = step
    player.logits = {"real": [torch.as_tensor(part) for part in logits]} if logits else {}
    return probability.after_step(player)


def test_a_number_stays_and_a_curve_is_followed():
    assert as_probability(0.25).now == 0.25
    probability = as_probability(CosineAnnealing(first=0.0, last=0.8, end=100, unit="images"))
    for images, expected in ((0, 0.0), (50, 0.4), (100, 0.8), (300, 0.8)):
        probability.begin_iteration(Progress(iterations=7, images=images))
        assert probability.now == pytest.approx(expected)
    own = adaptive()
    assert as_probability(own) is own


@pytest.mark.parametrize(
    ("logits", "change"),
    [
        ([3.0, 2.0, 1.0, 0.1, 5.0], 0.05),
        ([3.0, 2.0, 1.0, -0.1, 5.0], 0.0),  # their mean sign is the target
        ([3.0, -2.0, 1.0, -0.1, 9.0], -0.05),
    ],
)
def test_it_moves_with_the_sign_by_the_share_of_images(logits, change):
    probability = adaptive()
    logged = after_step(probability, logits)
    assert probability.now == pytest.approx(0.5 + change)
    assert logged["augmentation_probability"].item() == pytest.approx(0.5 + change)


def test_it_looks_at_all_steps_since_the_last_change_and_at_all_their_parts():
    probability = adaptive(interval=2)
    after_step(probability, [1.0, 1.0, 1.0], [1.0], step=0)
    assert probability.now == 0.5
    after_step(probability, [1.0, -1.0, 1.0, 1.0, 1.0, 1.0], step=1)  # 0.8 in all
    assert probability.now == pytest.approx(0.6)
    after_step(probability, [-1.0, -1.0], step=2)
    after_step(probability, [-1.0], step=3)
    assert probability.now == pytest.approx(0.57)


def test_of_a_map_of_logits_the_mean_of_signs_counts():
    probability = adaptive(target=0.3)
    after_step(probability, [[[1.0, 1.0], [1.0, -0.5]], [[0.1, 0.1], [-0.1, -9.0]]])  # 0.25
    assert probability.now == pytest.approx(0.48)


def test_it_stays_between_0_and_1():
    probability = adaptive(images_to_one=1)
    after_step(probability, [1.0] * 5)
    assert probability.now == 1.0
    after_step(probability, [-1.0] * 5)
    assert probability.now == 0.0


def test_other_players_and_steps_without_real_data_do_not_move_it():
    probability = adaptive()
    assert after_step(probability, [1.0] * 5, role="generator") == {}
    assert after_step(probability) == {}
    assert probability.now == 0.5


def test_what_is_loaded_or_moved_counts():
    probability, other = adaptive(), adaptive(first=0.125)
    assert (probability.now, other.now) == (0.5, 0.125)
    probability.load_state_dict(other.state_dict())
    assert probability.now == 0.125
    assert probability.to(torch.float64).now == 0.125


def test_in_half_precision_it_keeps_its_digits():
    probability = adaptive(images_to_one=10_000).to(torch.bfloat16)
    after_step(probability, [1.0])
    assert probability.now == pytest.approx(0.5001)


def make(gan):
    torch.manual_seed(0)
    probability = adaptive(first=0.0, images_to_one=400, interval=3, target=0.0)
    noise = RandomApply(augmentation=lambda data: data + 1, probability=probability)
    return gan(augmentations={"noise": noise}, discriminator_steps=2), probability


def test_the_game_logs_it(gan, trainer, batches):
    model, probability = make(gan)
    made = trainer(5)
    made.fit(model, batches(16, 2))
    assert made.callback_metrics["discriminator/augmentation_probability"] == probability.now > 0


def test_samples_are_changed_with_the_probability():
    torch.manual_seed(0)
    changed = RandomApply(augmentation=lambda data: -data, probability=0.3)(torch.ones(5000, 2))
    assert (changed[:, 0] == changed[:, 1]).all()
    assert (changed[:, 0] < 0).float().mean().item() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: as_probability(1.5), "probability"),
        (lambda: as_probability(-0.1), "probability"),
        (lambda: as_probability("high"), "probability"),
        (
            lambda: as_probability(CosineAnnealing(first=0.0, last=2.0, end=100, unit="images")),
            "probability",
        ),
        (lambda: adaptive(first=2.0), "probability"),
        (lambda: adaptive(target=1.0), "target"),
        (lambda: adaptive(images_to_one=0), "images_to_one"),
        (lambda: adaptive(interval=0), "interval"),
    ],
)
def test_numbers_out_of_range(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
