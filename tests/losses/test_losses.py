"""Properties that all adversarial losses share, and every file of conf/loss."""

import functools
import pickle

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.losses import FGAN, AdversarialLoss, ComparativeLoss, PointwiseLoss

STEMS = group_choices("loss")
named = functools.cache(lambda stem: compose_config([], f"loss/{stem}").loss)


def load(stem) -> AdversarialLoss:
    """In evaluation mode, so that what a loss remembers stays as it is."""
    return build(named(stem)).eval()


def logits(count=7, seed=0):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def total(terms):
    return sum(terms.values())


def generator(loss, fake, real):
    return loss.generator_against(fake, lambda: real)


@pytest.fixture(params=STEMS)
def loss(request):
    return load(request.param)


def kind(parent):
    return pytest.mark.parametrize("stem", [s for s in STEMS if isinstance(load(s), parent)])


def test_conf_names_the_objectives_of_the_first_papers():
    assert {"minimax", "non_saturating", "least_squares", "wasserstein", "hinge"} <= set(STEMS)


def test_terms_are_named_scalars(loss):
    assert isinstance(loss, AdversarialLoss)
    discriminator = loss.discriminator(logits(7), logits(7, seed=1))
    assert {"real", "fake"} <= discriminator.keys()
    adversarial = generator(loss, logits(7), logits(7, seed=1))
    assert list(adversarial) == ["adversarial"]
    assert all(term.shape == () for term in (discriminator | adversarial).values())


def test_pickle_round_trip_computes_the_same(loss):
    copy = pickle.loads(pickle.dumps(loss))
    real, fake = logits(), logits(seed=1)
    assert copy.discriminator(real, fake) == loss.discriminator(real, fake)
    assert generator(copy, fake, real) == generator(loss, fake, real)


@kind(PointwiseLoss)
def test_each_batch_is_averaged_by_itself(stem):
    loss, real, fake = load(stem), logits(6), logits(4, seed=1)
    once = loss.discriminator(real, fake)
    repeated = loss.discriminator(real.repeat(3), fake.repeat(5))
    torch.testing.assert_close(repeated, once)
    singles = torch.stack([loss.generator(one[None])["adversarial"] for one in fake])
    torch.testing.assert_close(loss.generator(fake)["adversarial"], singles.mean())


SHAPES = {
    "map": lambda flat: flat.view(6, 1, 2, 3),
    "maps by channels": lambda flat: flat.view(6, 2, 1, 3).to(memory_format=torch.channels_last),
    "heads": lambda flat: flat.view(6, 6),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_of_maps_and_several_heads_all_logits_count_the_same(loss, shape):
    real, fake = logits(36), logits(36, seed=1)
    expected = loss.discriminator(real, fake) | generator(loss, fake, real)
    real, fake = SHAPES[shape](real), SHAPES[shape](fake)
    found = loss.discriminator(real, fake) | generator(loss, fake, real)
    torch.testing.assert_close(found, expected)


@kind(PointwiseLoss)
def test_real_logits_are_not_asked_for_where_they_are_not_needed(stem):
    def refuse():
        raise AssertionError("an objective of single logits has no use for real ones")

    loss = load(stem)
    assert loss.generator_against(logits(), refuse) == loss.generator(logits())


@kind(ComparativeLoss)
def test_generated_data_alone_are_refused_by_a_loss_that_compares(stem):
    with pytest.raises(InputError, match="compares generated with real data"):
        load(stem).generator(logits())


def test_the_generator_moves_its_logits_up(loss):
    """Every generator gains where the discriminator still tells its samples from real ones."""
    fake = (-1 - logits().abs()).requires_grad_()
    total(generator(loss, fake, 1 + logits(seed=1).abs())).backward()
    assert fake.grad.sum() < 0
    assert (fake.grad < 0).all() or not isinstance(loss, PointwiseLoss)


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_extreme_logits_are_finite_with_finite_gradients(loss, sign):
    size = 80.0 if isinstance(loss, FGAN) else 1e4  # f-GAN's conjugates are exponentials
    real = torch.full((3,), sign * size, requires_grad=True)
    fake = torch.full((3,), sign * size, requires_grad=True)
    value = total(loss.discriminator(real, fake)) + total(generator(loss, fake, real))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(real.grad).all()
    assert torch.isfinite(fake.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_scored_in_float32(loss, dtype):
    scale = 20 if isinstance(loss, FGAN) else 300
    real, fake = (scale * logits()).to(dtype), (scale * logits(seed=1)).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss.discriminator(real, fake) | generator(loss, fake, real)
    real, fake = real.double(), fake.double()
    reference = loss.discriminator(real, fake) | generator(loss, fake, real)
    for name, term in terms.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(reference[name].item(), rel=2e-6, abs=1e-6 * scale)


def test_gradients_are_those_of_finite_differences(loss):
    real = (2 * logits(6)).requires_grad_()
    fake = (2 * logits(6, seed=1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda r, f: total(loss.discriminator(r, f)), (real, fake))
    assert torch.autograd.gradcheck(lambda r, f: total(generator(loss, f, r)), (real, fake))


@settings(max_examples=100, deadline=None)
@given(stem=st.sampled_from(STEMS), values=st.lists(st.floats(-30, 30), min_size=2, max_size=5))
def test_a_small_gradient_step_lowers_the_loss_as_its_gradient_says(stem, values):
    """By a tenth at least of what the gradient promises, once the step is short enough."""
    loss, real = load(stem), logits(len(values))
    fake = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    before = total(generator(loss, fake, real))
    (gradient,) = torch.autograd.grad(before, fake)
    promised = gradient.square().sum()
    assume(promised > 1e-6 * before.abs())
    steps = (0.5**halvings for halvings in range(45))
    assert any(
        total(generator(loss, fake - step * gradient, real)) < before - 0.1 * step * promised
        for step in steps
    )
