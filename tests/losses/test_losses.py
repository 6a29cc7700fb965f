"""Properties that all adversarial losses share, and every file of conf/loss."""

import pickle
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ganzoo.losses import AdversarialLoss

FOLDER = Path(__file__).parents[2] / "conf" / "loss"
STEMS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(stem) -> AdversarialLoss:
    return instantiate(OmegaConf.load(FOLDER / f"{stem}.yaml"), _convert_="all")


def logits(count=7, seed=0):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def total(terms):
    return sum(terms.values())


@pytest.fixture(params=STEMS)
def loss(request):
    return load(request.param)


def test_conf_names_the_five_objectives():
    assert {"minimax", "non_saturating", "least_squares", "wasserstein", "hinge"} <= set(STEMS)


def test_terms_are_named_scalars(loss):
    assert isinstance(loss, AdversarialLoss)
    discriminator = loss.discriminator(logits(7), logits(5))
    generator = loss.generator(logits(5))
    assert list(discriminator) == ["real", "fake"]
    assert list(generator) == ["adversarial"]
    assert all(term.shape == () for term in (discriminator | generator).values())


def test_pickle_round_trip_computes_the_same(loss):
    copy = pickle.loads(pickle.dumps(loss))
    assert vars(copy) == vars(loss)
    assert torch.equal(
        total(copy.discriminator(logits(), logits(seed=1))),
        total(loss.discriminator(logits(), logits(seed=1))),
    )
    assert torch.equal(total(copy.generator(logits())), total(loss.generator(logits())))


def test_each_batch_is_averaged_by_itself(loss):
    real, fake = logits(6), logits(4, seed=1)
    once = loss.discriminator(real, fake)
    repeated = loss.discriminator(real.repeat(3), fake.repeat(5))
    torch.testing.assert_close(repeated, once)
    singles = torch.stack([loss.generator(one[None])["adversarial"] for one in fake])
    torch.testing.assert_close(loss.generator(fake)["adversarial"], singles.mean())


def test_the_generator_moves_its_logits_up(loss):
    """Every generator gains where the discriminator still tells its samples from real ones."""
    fake = (-1 - logits().abs()).requires_grad_()
    total(loss.generator(fake)).backward()
    assert (fake.grad < 0).all()


@pytest.mark.parametrize("size", [1e4, -1e4, 0.0])
def test_extreme_logits_are_finite_with_finite_gradients(loss, size):
    real = torch.full((3,), size, requires_grad=True)
    fake = torch.full((3,), size, requires_grad=True)
    value = total(loss.discriminator(real, fake)) + total(loss.generator(fake))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(real.grad).all()
    assert torch.isfinite(fake.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_scored_in_float32(loss, dtype):
    real, fake = (300 * logits()).to(dtype), (300 * logits(seed=1)).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss.discriminator(real, fake) | loss.generator(fake)
    reference = loss.discriminator(real.double(), fake.double()) | loss.generator(fake.double())
    for name, term in terms.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(reference[name].item(), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    stem=st.sampled_from(STEMS),
    values=st.lists(st.floats(-50, 50), min_size=1, max_size=5),
    move=st.floats(0.01, 1.0),
)
def test_a_small_gradient_step_lowers_the_loss_that_it_descends(stem, values, move):
    loss = load(stem)
    fake = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    before = total(loss.generator(fake))
    (gradient,) = torch.autograd.grad(before, fake)
    after = total(loss.generator(fake - move * gradient))
    assert after <= before + 1e-9
