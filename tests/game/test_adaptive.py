"""What adapts hears of each step that was made, once, with the logits of all its data."""

import math

import pytest
import torch

from ganzoo.augment import Augmentation
from ganzoo.losses import AverageComparison, Fisher, Hinge, Relativistic, TopK
from ganzoo.optim import Extragradient
from ganzoo.penalties import LeCam
from ganzoo.penalties.base import Penalty


class Listening(Augmentation):
    """Keeps who stepped, and what is known of the step."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def after_step(self, player):
        logits = {side: torch.cat(found) for side, found in player.logits.items()}
        self.heard.append((player.name, logits))

    def forward(self, data):
        return data


@pytest.fixture
def heard(gan, trainer, batches):
    """What such an augmentation hears in a number of iterations."""

    def run(iterations, **parts):
        listening = Listening()
        model = gan(augmentations={"listening": listening}, **parts)
        trainer(iterations).fit(model, batches(8, 2))
        return listening.heard

    return run


def test_every_step_is_heard_once_with_what_its_loss_looked_at(heard):
    found = heard(2, discriminator_steps=2)
    steps = [(name, {side: len(logits) for side, logits in kept.items()}) for name, kept in found]
    both = ("discriminator", {"real": 4, "fake": 4})
    assert steps == [both, both, ("generator", {"fake": 4})] * 2


def test_steps_that_are_taken_back_are_not_heard(heard):
    found = heard(2, update_rule=Extragradient())
    assert [name for name, _ in found] == ["discriminator", "generator"] * 2


def test_parts_inside_parts_and_parts_in_two_places_hear_once(gan, trainer, batches):
    penalty = LeCam(weight=0.1, interval=1, decay=0.9)
    inner = Fisher(rho=0.1)
    heard = []
    for part in (penalty, inner):
        part.after_step = lambda player, part=part: heard.append((type(part).__name__, player.name))
    loss = TopK(loss=inner, gamma=0.5, interval=3, minimum_share=0.1)
    trainer(1).fit(gan(loss=loss, penalties={"one": penalty, "two": penalty}), batches(8, 2))
    assert sorted(heard) == sorted(
        (kind, name) for kind in ("LeCam", "Fisher") for name in ("discriminator", "generator")
    )


def test_micro_batches_are_heard_as_the_whole_batch(heard):
    torch.manual_seed(0)
    ((name, whole), *_) = heard(1)
    torch.manual_seed(0)
    ((same, parts), *_) = heard(1, micro_batches=4)
    assert name == same == "discriminator"
    torch.testing.assert_close(parts["real"], whole["real"])
    assert len(parts["fake"]) == len(whole["fake"]) == 8


def test_averages_of_logits_follow_their_own_player_alone(gan, trainer, batches):
    """Where the generator's loss looks at real data too."""
    penalty = LeCam(weight=0.1, interval=1, decay=0.9)
    listening = Listening()
    model = gan(
        loss=Relativistic(comparison=AverageComparison()),
        penalties={"lecam": penalty},
        augmentations={"listening": listening},
    )
    trainer(3).fit(model, batches(8, 2))
    assert all(set(logits) == {"real", "fake"} for _, logits in listening.heard)
    mean = None
    for name, logits in listening.heard:
        if name == "discriminator":
            now = logits["real"].mean().item()
            mean = now if mean is None else 0.9 * mean + 0.1 * now
    assert penalty.real_mean.mean.item() == pytest.approx(mean, rel=1e-5)


class Scripted(Penalty):
    """Not finite in one step."""

    def __init__(self, bad):
        super().__init__(weight=1.0, interval=1, on="discriminator")
        self.bad, self.calls = bad, 0

    def value(self, context):
        self.calls += 1
        return context.real_logits.mean() * (math.nan if self.calls - 1 == self.bad else 0.0)


def test_steps_that_are_left_out_are_not_heard(heard):
    found = heard(3, penalties={"bad": Scripted(1)}, non_finite_tolerance=1)
    names = [name for name, _ in found]
    assert names == ["discriminator", "generator", "generator", "discriminator", "generator"]


def test_what_depends_on_numbers_of_steps_counts_those_that_were_made(gan, trainer, batches):
    loss = TopK(loss=Hinge(), gamma=0.5, interval=2, minimum_share=0.1)
    trainer(5).fit(gan(loss=loss, discriminator_steps=2), batches(8, 2))
    assert loss.updates == 5


def test_another_fit_of_the_same_model_counts_from_zero(gan, trainer, batches):
    model = gan()
    for iterations in (3, 2):
        trainer(iterations).fit(model, batches(8, 2))
        assert (model.progress.iterations, model.progress.images) == (iterations, 8 * iterations)
