import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.losses import Cramer, Hinge, NonSaturating, Relativistic, TopK, Wasserstein
from ganzoo.losses.relativistic import AverageComparison, PairedComparison

FAKE = torch.tensor([0.5, -2.0, 3.0, 1.0, -1.0], dtype=torch.float64)
REAL = torch.tensor([4.0, 1.0, 2.0, -3.0, 0.0], dtype=torch.float64)
STEPPED = {
    role: Player(role, nn.Linear(1, 1), lambda _: {}, role=role)
    for role in ("generator", "discriminator")
}


def top(loss=None, gamma=0.6, interval=1, minimum_share=0.4, updates=0):
    made = TopK(
        loss=loss or Wasserstein(), gamma=gamma, interval=interval, minimum_share=minimum_share
    )
    made.updates = updates
    return made


def test_the_generators_term_is_that_of_the_k_highest_logits():
    assert top().generator(FAKE)["adversarial"].item() == pytest.approx(-1.5 / 5)
    assert top(updates=1).generator(FAKE)["adversarial"].item() == pytest.approx(-4.5 / 3)
    assert top(updates=9).generator(FAKE)["adversarial"].item() == pytest.approx(-4.0 / 2)


def test_the_discriminator_is_scored_on_the_whole_batch():
    shrunk = top(Hinge(), updates=9)
    assert shrunk.discriminator(REAL, FAKE) == Hinge().discriminator(REAL, FAKE)


def test_samples_that_are_left_out_have_no_gradient_and_the_others_share_it():
    fake = FAKE.clone().requires_grad_()
    top(NonSaturating(label_smoothing=0.0), updates=1).generator(fake)["adversarial"].backward()
    chosen = torch.tensor([True, False, True, True, False])
    assert (fake.grad[~chosen] == 0).all()
    expected = -torch.sigmoid(-FAKE[chosen]) / 3
    torch.testing.assert_close(fake.grad[chosen], expected)


def test_pairs_stay_together():
    """The rows 0, 2 and 3 of both batches: differences of fake and real -3.5, 1 and 4."""
    loss = Relativistic(loss=Wasserstein(), comparison=PairedComparison())
    term = top(loss, updates=1).generator_against(FAKE, lambda: REAL)["adversarial"]
    assert term.item() == pytest.approx(3.5 / 3 - 1 / 3 - 4 / 3)


def test_a_real_batch_of_another_size_is_compared_as_a_whole():
    loss = Relativistic(loss=Hinge(), comparison=AverageComparison())
    term = top(loss, updates=1).generator_against(FAKE, lambda: REAL[:4])["adversarial"]
    expected = loss.generator_against(FAKE[[0, 2, 3]], lambda: REAL[:4])["adversarial"]
    assert term.item() == pytest.approx(expected.item())


def test_real_logits_are_asked_for_by_those_alone_that_compare():
    def refuse():
        raise AssertionError("not needed")

    assert top().generator_against(FAKE, refuse) == top().generator(FAKE)
    with pytest.raises(AssertionError, match="not needed"):
        top(Cramer()).generator_against(FAKE, refuse)


def test_k_shrinks_by_gamma_in_each_interval_down_to_the_smallest_share():
    loss = top(gamma=0.8, interval=2, minimum_share=0.5)
    counts = []
    for _ in range(10):
        counts.append(loss.count(10))
        loss.after_step(STEPPED["generator"])
    assert counts == [10, 10, 8, 8, 6, 6, 5, 5, 5, 5]  # 10, 8, 6.4, 5.12, then 5


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 600),
    percent=st.integers(1, 100),
    gamma=st.floats(0.01, 1),
    updates=st.integers(0, 10_000),
)
def test_k_is_its_share_rounded_down_at_least_one_and_never_above_the_batch(
    batch, percent, gamma, updates
):
    loss = top(gamma=gamma, interval=7, minimum_share=percent / 100, updates=updates)
    assert max(1, batch * percent // 100) <= loss.count(batch) <= batch
    later = top(gamma=gamma, interval=7, minimum_share=percent / 100, updates=updates + 7)
    assert later.count(batch) <= loss.count(batch)


def test_a_gamma_of_one_changes_nothing():
    loss = top(NonSaturating(label_smoothing=0.0), gamma=1.0, updates=10**6)
    plain = NonSaturating(label_smoothing=0.0).generator(FAKE)["adversarial"]
    assert loss.generator(FAKE)["adversarial"].item() == pytest.approx(plain.item())


def test_steps_of_the_generator_are_counted_and_nothing_else():
    loss = top()
    loss.discriminator(REAL, FAKE)
    loss.generator(FAKE)
    loss.generator_against(FAKE, lambda: REAL)
    loss.after_step(STEPPED["discriminator"])
    assert loss.updates == 0
    loss.after_step(STEPPED["generator"])
    loss.after_step(STEPPED["generator"])
    assert loss.updates == 2
    assert pickle.loads(pickle.dumps(loss)).updates == 2


def test_a_resumed_run_goes_on_counting(gan, trainer, batches, tmp_path):
    model = gan(loss=top(NonSaturating(label_smoothing=0.0)))
    run = trainer(3)
    run.fit(model, batches(8, 2))
    assert model.loss.updates == 3
    run.save_checkpoint(tmp_path / "run.ckpt")
    saved = torch.load(tmp_path / "run.ckpt", weights_only=True)["state_dict"]
    assert saved["loss._extra_state"] == 3
    resumed = gan(loss=top(NonSaturating(label_smoothing=0.0)))
    trainer(5).fit(resumed, batches(8, 2), ckpt_path=tmp_path / "run.ckpt")
    assert resumed.loss.updates == 5


def test_the_samples_that_are_left_out_are_those_that_would_move_away_from_their_modes():
    """The paper's point, with modes at -2 and 2 and a fixed discriminator that prefers one.

    Its valley is not in the middle between the modes, so from some of the samples there, which it
    scores lowest, the way up does not lead to the nearest mode.
    """
    modes, shares = torch.tensor([-2.0, 2.0]), torch.tensor([0.95, 0.05])

    def moves_away(loss):
        samples = torch.linspace(-2.4, 2.4, 1000).requires_grad_()
        distances = samples[:, None] - modes
        logits = (shares.log() - distances.square() / (2 * 0.7**2)).logsumexp(dim=1)
        loss.generator(logits)["adversarial"].backward()
        nearest = distances.gather(1, distances.abs().argmin(dim=1, keepdim=True)).squeeze(1)
        return samples.grad * nearest < 0  # descent goes against the gradient

    assert 0.07 < moves_away(top(updates=0)).float().mean() < 0.1
    assert moves_away(top(gamma=0.75, updates=1)).sum() == 0


def test_parts_of_a_step_count_once_and_steps_of_the_discriminator_do_not(gan, trainer, batches):
    model = gan(loss=top(interval=100), micro_batches=2, discriminator_steps=3)
    trainer(4).fit(model, batches(12, 2))
    assert model.loss.updates == 4


def test_of_maps_and_heads_the_samples_with_the_highest_means_are_chosen():
    maps = torch.randn(5, 1, 3, 2, generator=torch.Generator().manual_seed(0)).double()
    best = maps.mean((1, 2, 3)).argsort(descending=True)[:3]
    found = top(updates=1).generator(maps)["adversarial"]
    assert found.item() == pytest.approx(-maps[best].mean().item())


def test_any_objective_can_be_chosen_inside():
    config = compose_config(["loss=top_k", "loss@loss.loss=relativistic_hinge"])
    loss = build(config.loss)
    assert isinstance(loss.loss, Relativistic)
    assert isinstance(build(compose_config(["loss=top_k"]).loss).loss, NonSaturating)
    assert build(compose_config(["loss=top_k", "loss.gamma=0.9"]).loss).gamma == 0.9


@pytest.mark.parametrize("name", ["gamma", "minimum_share"])
@pytest.mark.parametrize("value", [0.0, -0.5, 1.1, float("nan")])
def test_shares_that_are_no_shares_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be above 0 and at most 1"):
        top(**{name: value})


def test_an_interval_that_is_no_number_of_updates_is_refused():
    with pytest.raises(InputError, match="interval must be a whole number from 1"):
        top(interval=0)
