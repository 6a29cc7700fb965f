"""Optimistic optimizers and negative momentum against recursions written out by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from ganzoo.models.unrolling import DifferentiableSteps
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ganzoo.errors import InputError
from ganzoo.optim import (
    NegativeMomentumAdam,
    NegativeMomentumSGD,
    OptimisticAdam,
    OptimisticSGD,
)

OPTIMIZERS = {
    "optimistic_adam": partial(OptimisticAdam, lr=0.02, betas=(0.5, 0.9)),
    "optimistic_sgd": partial(OptimisticSGD, lr=0.02),
    "optimistic_heavy_ball": partial(OptimisticSGD, lr=0.02, momentum=0.7),
    "negative_momentum": partial(NegativeMomentumSGD, lr=0.02, momentum=-0.5),
    "negative_adam": partial(NegativeMomentumAdam, lr=0.02, betas=(-0.5, 0.9)),
}
STEPS = 7


def slopes(seed=0):
    """Gradients of the steps, not those of any function."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(STEPS, 4, generator=generator, dtype=torch.float64)


def path(make, gradients, rates=None):
    """Where an optimizer moves two parameters from ones, along given gradients."""
    parameters = [nn.Parameter(torch.ones(size, dtype=torch.float64)) for size in (1, 3)]
    optimizer = make(parameters)
    schedule = LambdaLR(optimizer, lambda t: 1.0 if rates is None else rates[t])
    visited = []
    for gradient in gradients:
        for parameter, part in zip(parameters, gradient.split((1, 3)), strict=True):
            parameter.grad = part.clone()
        optimizer.step()
        schedule.step()
        visited.append(torch.cat(parameters).detach().clone())
    return torch.stack(visited)


def optimistic_adam(gradients, lr, betas, rates):
    """Algorithm 1 of Daskalakis et al. (2018), with a learning rate for each step."""
    w, m, v, last = (np.zeros(gradients.shape[1]) for _ in range(4))
    w += 1
    for t, (g, rate) in enumerate(zip(gradients.numpy(), rates, strict=True), start=1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        corrected = m / (1 - betas[0] ** t)
        direction = rate * lr * corrected / (np.sqrt(v / (1 - betas[1] ** t)) + 1e-8)
        w = w - 2 * direction + last
        last = direction
        yield w


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("rates", [[1.0] * 8, [1.0, 0.5, 0.5, 2.0, 1.0, 0.1, 1.0, 1.0]])
def test_optimistic_adam_is_algorithm_1(foreach, rates):
    found = path(partial(OPTIMIZERS["optimistic_adam"], foreach=foreach), slopes(), rates)
    expected = list(optimistic_adam(slopes(), 0.02, (0.5, 0.9), rates[:STEPS]))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("foreach", [False, True])
def test_optimistic_gradient_descent_is_its_recursion(foreach):
    w, last, expected = torch.ones(4, dtype=torch.float64), torch.zeros(4), []
    for g in slopes():
        w = w - 2 * 0.02 * g + 0.02 * last
        last = g
        expected.append(w)
    found = path(partial(OPTIMIZERS["optimistic_sgd"], foreach=foreach), slopes())
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=0)


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("momentum", [-0.9, -0.5, 0.0, 0.5])
def test_negative_momentum_is_heavy_ball(foreach, momentum):
    now = before = torch.ones(4, dtype=torch.float64)
    expected = []
    for g in slopes():
        now, before = now - 0.02 * g + momentum * (now - before), now
        expected.append(now)
    make = partial(NegativeMomentumSGD, lr=0.02, momentum=momentum, foreach=foreach)
    torch.testing.assert_close(path(make, slopes()), torch.stack(expected), rtol=1e-12, atol=0)


@pytest.mark.parametrize("foreach", [False, True])
def test_adam_with_negative_momentum_is_adams_recursion(foreach):
    w, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    expected = []
    for t, g in enumerate(slopes().numpy(), start=1):
        m, v = -0.5 * m + 1.5 * g, 0.9 * v + 0.1 * g * g
        w = w - 0.02 * m / (1 - (-0.5) ** t) / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
        expected.append(w)
    found = path(partial(OPTIMIZERS["negative_adam"], foreach=foreach), slopes())
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", [NegativeMomentumSGD, OptimisticSGD])
def test_groups_keep_settings_of_their_own(kind):
    groups = [{"params": [nn.Parameter(torch.ones(1))], "momentum": 0.25}]
    optimizer = kind([*groups, {"params": [nn.Parameter(torch.ones(1))]}], lr=0.1, momentum=0.5)
    assert [group["momentum"] for group in optimizer.param_groups] == [0.25, 0.5]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_goes_on_bit_for_bit(name, tmp_path):
    make, gradients = OPTIMIZERS[name], slopes().float()
    whole = [nn.Parameter(torch.ones(4))]
    optimizer = make(whole)
    for t, gradient in enumerate(gradients):
        if t == STEPS // 2:
            torch.save([whole[0].data, optimizer.state_dict()], tmp_path / "state")
        whole[0].grad = gradient.clone()
        optimizer.step()
    value, state = torch.load(tmp_path / "state", weights_only=True)
    again = [nn.Parameter(value)]
    optimizer = make(again)
    optimizer.load_state_dict(state)
    for gradient in gradients[STEPS // 2 :]:
        again[0].grad = gradient.clone()
        optimizer.step()
    assert again[0].equal(whole[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_without_gradients_stay_and_closures_are_called_first(name):
    moved, left = (nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = OPTIMIZERS[name]([moved, left])

    def closure():
        optimizer.zero_grad()
        loss = moved.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 2.0
    assert (moved < 1).all() and left.equal(torch.ones(2)) and left not in optimizer.state
    optimizer.zero_grad()
    before = moved.clone()
    optimizer.step()
    assert moved.equal(before), "without any gradient nothing moves"
    assert optimizer.step(closure) == before.square().sum()
    assert (moved < before).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_flow_through_their_steps(name):
    """As the unrolled GAN needs it; slopes against finite differences."""
    weight = nn.Parameter(torch.tensor([0.7, -1.2], dtype=torch.float64))
    optimizer = OPTIMIZERS[name]([weight])
    for factor in (1.0, 1.3):
        weight.grad = factor * weight.detach()
        optimizer.step()

    def end(scale):
        steps = DifferentiableSteps(optimizer)
        (at,) = steps.start()
        for _ in range(3):
            (at,) = steps.step([at], [scale * at.sin()])
        return at

    scale = torch.tensor([0.8, 1.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(end, scale, check_undefined_grad=False)


@pytest.mark.parametrize("momentum", [-1.0, 1.0, -3.0, float("nan")])
def test_momentum_outside_its_range_is_refused(momentum):
    weight = [nn.Parameter(torch.ones(1))]
    with pytest.raises(InputError, match="momentum must be above -1 and below 1"):
        NegativeMomentumSGD(weight, lr=0.1, momentum=momentum)
    with pytest.raises(InputError, match="must be above -1 and below 1"):
        NegativeMomentumAdam(weight, lr=0.1, betas=(momentum, 0.9))


@pytest.mark.parametrize("make", [NegativeMomentumSGD, NegativeMomentumAdam, OptimisticAdam])
def test_what_torch_refuses_is_refused(make):
    with pytest.raises(ValueError, match="Invalid learning rate"):
        make([nn.Parameter(torch.ones(1))], lr=-0.1)
