"""What the penalties on gradients by the data share: their values are those of single samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from ganzoo.penalties import Context, Penalty

FOLDER = Path(__file__).parents[2] / "conf" / "penalty"
HALVED, PULLED_TO_ONE = {"r1", "r2"}, {"gradient_penalty", "dragan"}
STEMS = sorted(
    {"one_sided_gradient_penalty", "zero_centered_gradient_penalty", "max_gradient", "wgan_div"}
    | HALVED
    | PULLED_TO_ONE
)


def load(stem, **changes) -> Penalty:
    node = OmegaConf.load(FOLDER / f"{stem}.yaml")[stem]
    return instantiate(node, _convert_="all", **changes)


def term(penalty, discriminator, real, fake):
    return penalty(Context(real=real, fake=fake, outputs=discriminator))


@pytest.fixture(params=STEMS)
def stem(request):
    return request.param


@pytest.fixture
def points():
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    return draw[0], draw[1] + 1


def steep(*layers, factor):
    """Scale the last layer so that gradient norms lie on both sides of 1."""
    with torch.no_grad():
        layers[-1].weight.mul_(factor)
    return nn.Sequential(*layers, nn.Flatten(0))


def points_network(dtype=torch.float64):
    torch.manual_seed(1)
    layers = nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Softplus(), nn.Linear(8, 1)
    return steep(*layers, factor=60).to(dtype)


def images_network(dtype=torch.float64):
    torch.manual_seed(2)
    layers = nn.Conv2d(2, 4, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1)
    return steep(*layers, factor=5).to(dtype)


def recorded(discriminator):
    """Keep the points at which a penalty calls the discriminator."""
    seen = []

    def call(data):
        seen.append(data.detach().clone())
        return discriminator(data)

    return call, seen


def numeric_gradients(discriminator, data):
    """Central differences of the mean logit, one sample and one coordinate at a time."""
    rows = []
    for sample in data:
        row = []
        for index in np.ndindex(*sample.shape):
            low, high = sample.clone(), sample.clone()
            low[index] -= 1e-5
            high[index] += 1e-5
            with torch.no_grad():
                rise = discriminator(high[None]) - discriminator(low[None])
            row.append(rise.mean().item() / 2e-5)
        rows.append(row)
    return np.array(rows)


def of_norm(stem, norm):
    """Each penalty where every sample has the same gradient norm above 1."""
    powers = {
        "zero_centered_gradient_penalty": norm**2,
        "max_gradient": norm**2,
        "wgan_div": norm**6,
    }
    return powers.get(stem, norm**2 / 2 if stem in HALVED else (norm - 1) ** 2)


def expected_value(stem, discriminator, data):
    """Each penalty as its paper writes it, from numeric gradients."""
    norms = np.linalg.norm(numeric_gradients(discriminator, data), axis=1)
    return {
        "gradient_penalty": ((norms - 1) ** 2).mean(),
        "one_sided_gradient_penalty": (np.maximum(norms - 1, 0) ** 2).mean(),
        "r1": (norms**2).mean() / 2,
        "r2": (norms**2).mean() / 2,
        "dragan": ((norms - 1) ** 2).mean(),
        "zero_centered_gradient_penalty": (norms**2).mean(),
        "max_gradient": (norms**2).max(),
        "wgan_div": (norms**6).mean(),
    }[stem]


def test_points_agree_with_finite_differences_of_single_samples(stem, points):
    network = points_network()
    discriminator, seen = recorded(network)
    penalty = load(stem)
    value = term(penalty, discriminator, *points)
    expected = penalty.weight * expected_value(stem, network, seen[0])
    assert value.shape == ()
    assert len(seen) == 1
    assert expected > 0.01
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_images_agree_with_finite_differences_of_single_samples(stem):
    network = images_network()
    torch.manual_seed(0)
    real, fake = torch.randn(2, 4, 2, 4, 4, dtype=torch.float64)
    discriminator, seen = recorded(network)
    penalty = load(stem)
    value = term(penalty, discriminator, real, fake)
    expected = penalty.weight * expected_value(stem, network, seen[0])
    assert expected > 0.01
    assert value.item() == pytest.approx(expected, rel=1e-6)


HEADS = {
    "map": lambda: nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.Tanh(), nn.Conv2d(4, 1, 1)),
    "three heads": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)
    ),
}


@pytest.mark.parametrize("heads", HEADS)
def test_of_a_map_or_several_heads_it_is_that_of_the_mean_logit(stem, heads):
    torch.manual_seed(2)
    network = HEADS[heads]().double()
    with torch.no_grad():
        network[-1].weight.mul_(20)
    torch.manual_seed(0)
    real, fake = torch.randn(2, 4, 2, 4, 4, dtype=torch.float64)
    discriminator, seen = recorded(network)
    assert network(real).shape == {"map": (4, 1, 2, 2), "three heads": (4, 3)}[heads]
    penalty = load(stem)
    value = term(penalty, discriminator, real, fake)
    expected = penalty.weight * expected_value(stem, network, seen[0])
    assert expected > 0.01
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_gradient_by_the_parameters_agrees_with_finite_differences(stem, points):
    network = points_network()
    names, parameters = zip(*network.named_parameters(), strict=True)
    penalty = load(stem)

    def value(*weights):
        torch.manual_seed(3)
        called = dict(zip(names, weights, strict=True))
        return term(penalty, lambda x: torch.func.functional_call(network, called, (x,)), *points)

    assert torch.autograd.gradcheck(value, parameters)


FLAT = {
    "detached": lambda w: lambda x: torch.full((len(x),), 3.0),
    "offset": lambda w: lambda x: w.sum().expand(len(x)),
    "zero weights": lambda w: lambda x: (x * (0 * w)).sum(1),
    "zero data": lambda w: lambda x: (0 * x).sum(1) + w.sum(),
}


@pytest.mark.parametrize("flat", FLAT)
def test_constant_discriminator_has_finite_gradients(stem, flat, points):
    weight = torch.full((3,), 0.5, requires_grad=True)
    real, fake = (data.float() for data in points)
    value = term(load(stem), FLAT[flat](weight), real, fake)
    (value + 0 * weight.sum()).backward()
    assert value.item() == (10.0 if stem in PULLED_TO_ONE else 0.0)
    assert torch.isfinite(weight.grad).all()


def test_zero_weight_layer_does_not_give_nan(stem, points):
    network = points_network(torch.float32)
    with torch.no_grad():
        network[-2].weight.zero_()
    term(load(stem), network, *(data.float() for data in points)).backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_under_autocast_it_agrees_with_float64(stem, dtype, points):
    network = points_network(torch.float32)
    discriminator, seen = recorded(network)
    half = [data.to(dtype) for data in points]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(half[0].float()).dtype == torch.bfloat16
        penalty = load(stem)
        value = term(penalty, discriminator, *half)
    assert (seen[0].dtype, value.dtype) == (torch.float32, torch.float32)
    exact = points_network(torch.float64)
    expected = penalty.weight * expected_value(stem, exact, seen[0].double())
    assert value.item() == pytest.approx(expected, rel=1e-4)


def test_large_gradients_do_not_overflow_as_they_would_in_half_precision(stem, points):
    slope = torch.full((3,), 500.0, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.float16):
        halves = [data.half() for data in points]
        value = term(load(stem, weight=1.0), lambda x: (x * slope).sum(1), *halves)
    assert value.item() == pytest.approx(of_norm(stem, 500 * 3**0.5), rel=1e-5)


def test_no_gradient_reaches_the_data(stem, points):
    """R2 shares its pass with the loss, so that it is the loss's data that have no gradient."""
    network = points_network()
    real, fake = points[0], points[1].requires_grad_(stem != "r2")
    term(load(stem), network, real, fake).backward()
    assert fake.grad is None
    assert not real.requires_grad
    assert network[0].weight.grad.abs().sum() > 0


def test_it_can_be_evaluated_without_gradients(stem, points):
    slope = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)
    with torch.no_grad():
        value = term(load(stem, weight=1.0), lambda x: x @ slope, *points)
    assert value.item() == pytest.approx(of_norm(stem, 5.0))


@pytest.mark.parametrize("sizes", [(6, 2), (2, 6), (1, 1)])
def test_batches_of_different_sizes(stem, sizes, points):
    discriminator, seen = recorded(points_network())
    value = term(load(stem), discriminator, points[0][: sizes[0]], points[1][: sizes[1]])
    smaller = min(sizes)
    expected = {"r1": sizes[0], "r2": sizes[1], "dragan": sizes[0]}.get(stem, smaller)
    assert len(seen[0]) == expected
    assert torch.isfinite(value)
