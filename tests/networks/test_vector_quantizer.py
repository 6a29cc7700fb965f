import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from torch import nn

from ganzoo.errors import InputError
from ganzoo.networks.vector_quantizer import VectorQuantizer


def quantizer(codes=None, **changes):
    options = {"num_codes": 7, "code_dim": 3, "codebook_weight": 1.0, "commitment_weight": 0.25}
    made = VectorQuantizer(**options | changes)
    if codes is not None:
        made.codebook = nn.Parameter(torch.as_tensor(codes))
    return made


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), codes=st.integers(1, 40), dim=st.integers(1, 5))
def test_codes_are_the_nearest_ones(seed, codes, dim):
    generator = torch.Generator().manual_seed(seed)
    codebook = torch.randn(codes, dim, generator=generator, dtype=torch.float64)
    vectors = torch.randn(2, dim, 3, 4, generator=generator, dtype=torch.float64)
    found = quantizer(codebook, num_codes=codes, code_dim=dim)(vectors)
    rows = vectors.movedim(1, -1).reshape(-1, dim)
    _, nearest = cKDTree(codebook).query(rows)
    assert found.indices.shape == (2, 3, 4)
    assert found.indices.flatten().tolist() == nearest.tolist()
    torch.testing.assert_close(
        found.codes, codebook[found.indices].movedim(-1, 1), rtol=0, atol=1e-14
    )


def test_gradients_go_straight_through_and_none_to_the_codebook():
    made = quantizer()
    vectors = torch.randn(2, 3, 5, requires_grad=True)
    slopes = torch.randn(2, 3, 5)
    found = made(vectors)
    wanted = torch.autograd.grad(
        (found.codes * slopes).sum(), [vectors, made.codebook], allow_unused=True
    )
    assert torch.equal(wanted[0], slopes)
    assert wanted[1] is None


def test_losses_and_their_gradients_by_hand():
    """One vector at 1 between codes 0 and 3, and one at 2."""
    made = quantizer(torch.tensor([[0.0], [3.0]]), num_codes=2, code_dim=1)
    vectors = torch.tensor([[[1.0, 2.0]]], requires_grad=True)
    losses = made(vectors).losses
    assert {name: loss.item() for name, loss in losses.items()} == {
        "codebook": 1.0,
        "commitment": 0.25,
    }
    (slope,) = torch.autograd.grad(losses["commitment"], vectors)
    assert slope.tolist() == [[[0.25, -0.25]]]
    (slope,) = torch.autograd.grad(losses["codebook"], made.codebook)
    assert slope.tolist() == [[-1.0], [1.0]]


def test_weights_scale_their_own_loss():
    vectors = torch.randn(4, 3)
    plain = quantizer(codebook_weight=1.0, commitment_weight=1.0)
    other = quantizer(codebook_weight=0.5, commitment_weight=2.0)
    other.load_state_dict(plain.state_dict())
    before, after = plain(vectors).losses, other(vectors).losses
    assert after["codebook"].item() == pytest.approx(0.5 * before["codebook"].item())
    assert after["commitment"].item() == pytest.approx(2 * before["commitment"].item())


def test_the_losses_bring_codes_and_vectors_together():
    torch.manual_seed(0)
    made = quantizer(commitment_weight=0.0)
    vectors = torch.randn(64, 3)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.05)
    first = made(vectors).losses["codebook"].item()
    for _ in range(150):
        optimizer.zero_grad()
        made(vectors).losses["codebook"].backward()
        optimizer.step()
    assert made(vectors).losses["codebook"].item() < 0.4 * first


def test_codes_of_indices_are_those_that_were_found():
    made = quantizer()
    found = made(torch.randn(2, 3, 4, 5))
    torch.testing.assert_close(made.codes(found.indices), found.codes)
    assert made.codes(found.indices).shape == (2, 3, 4, 5)
    assert made.codes(torch.zeros(0, dtype=torch.int64)).shape == (0, 3)


@pytest.mark.parametrize(
    ("indices", "perplexity", "used"),
    [
        ([0, 0, 0], 1.0, 1 / 7),
        ([0, 1, 2, 3, 4, 5, 6], 7.0, 1.0),
        ([[0, 0], [5, 5]], 2.0, 2 / 7),
        ([0, 0, 0, 1], math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)), 2 / 7),
    ],
)
def test_usage(indices, perplexity, used):
    found = quantizer().usage(torch.tensor(indices))
    assert found["perplexity"].item() == pytest.approx(perplexity, rel=1e-6)
    assert found["used"].item() == pytest.approx(used, rel=1e-6)


def test_distances_are_those_of_float32_in_mixed_precision():
    """Codes so near to each other that half precision could not tell them apart."""
    codebook = 4 + torch.arange(7)[:, None] * 0.01 + torch.zeros(1, 3)
    order = torch.tensor([4, 1, 6, 0, 3, 5, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = quantizer(codebook)(codebook[order])
    assert found.indices.tolist() == order.tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_vectors_have_codes_and_losses_in_float32(dtype):
    made, vectors = quantizer(), torch.randn(5, 3).to(dtype)
    found, wanted = made(vectors), made(vectors.float())
    assert torch.equal(found.indices, wanted.indices)
    assert torch.equal(found.codes, wanted.codes)
    assert found.losses == wanted.losses


def test_codes_start_uniform_within_one_over_their_number():
    torch.manual_seed(0)
    codebook = quantizer(num_codes=400, code_dim=50).codebook
    assert codebook.abs().max() <= 1 / 400
    assert codebook.std().item() == pytest.approx(1 / 400 / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_codes": 0}, "num_codes must be"),
        ({"code_dim": 2.0}, "code_dim must be"),
        ({"codebook_weight": -1.0}, "codebook_weight must be"),
        ({"commitment_weight": float("nan")}, "commitment_weight must be"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        quantizer(**changes)


def test_wrong_input_is_refused():
    made = quantizer()
    with pytest.raises(InputError, match=r"takes vectors \[B, 3, \.\.\.\], not \[2, 4\]"):
        made(torch.zeros(2, 4))
    with pytest.raises(InputError, match="whole numbers, not torch.float32"):
        made.codes(torch.zeros(2))
    for wrong in ([0, 7], [-1, 0]):
        with pytest.raises(InputError, match="from 0 to 6, not"):
            made.codes(torch.tensor(wrong))
