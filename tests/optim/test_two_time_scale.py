"""Two rates (Heusel et al. 2017, arXiv:1706.08500): the fast discriminator stays near its best."""

import torch
from torch.nn.functional import softplus

from ganzoo.composition.compose import build, compose_config

BEST_SLOPE = -1.0  # of the logit that parts N(0, 1) from N(theta, 1), for each unit of theta


def rates(name):
    optimizers = build(compose_config([f"optimizer={name}"]).model.optimizers)
    weights = [torch.nn.Parameter(torch.zeros(1))]
    return {player: make(weights).defaults["lr"] for player, make in optimizers.items()}


def test_the_discriminator_is_four_times_as_fast():
    two, one = rates("adam_two_time_scale"), rates("adam_zero_momentum")
    assert two["discriminator"] == 4 * two["generator"]
    assert one["discriminator"] == one["generator"] == two["generator"]


def distance_from_the_best(ratio):
    """How far the discriminator of a Gaussian's mean is from its best answer, on average."""
    torch.manual_seed(0)
    theta = torch.tensor(1.0, requires_grad=True)
    slope, offset = (torch.zeros((), requires_grad=True) for _ in range(2))
    rate, distances = 0.02, []
    for _ in range(1500):
        real, fake = torch.randn(256), theta + torch.randn(256)
        cost = softplus(-(slope * real + offset)).mean() + softplus(slope * fake + offset).mean()
        gradients = torch.autograd.grad(cost, (slope, offset), retain_graph=True)
        own = torch.autograd.grad(softplus(-(slope * fake + offset)).mean(), theta)[0]
        with torch.no_grad():
            for weight, gradient in zip((slope, offset), gradients, strict=True):
                weight -= ratio * rate * gradient
            theta -= rate * own
            distances.append((slope - BEST_SLOPE * theta).abs().item())
    return sum(distances) / len(distances), abs(theta.item())


def test_a_faster_discriminator_stays_nearer_to_its_best_answer():
    ratio = rates("adam_two_time_scale")
    ratio = ratio["discriminator"] / ratio["generator"]
    slow, slow_end = distance_from_the_best(1)
    fast, fast_end = distance_from_the_best(ratio)
    assert fast < slow / 2
    assert fast_end < slow_end, "and the generator, better informed, comes nearer to the data"
