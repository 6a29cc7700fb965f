"""Means over processes, and their gradients, against one process that has all the data."""

import torch

from ganzoo.strategies.across_devices import mean_across_devices

SHARES = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def loss(weight, bias, data, average):
    """Not a mean over samples: functions of means, one of them of another mean."""
    first, second = average([(data @ weight).tanh().mean(0), bias.cos() * data.mean(0)])
    (third,) = average([(data * first.sum()).sin().mean(0)])
    return first.square().sum() + (second * third).exp().sum() + (data @ weight).mean()


def parameters():
    torch.manual_seed(1)
    return [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 2), (3,))
    ]


def on_one_of_two(rank):
    """Its loss, and the mean of the gradients, as the game takes it before a step."""
    moved = parameters()
    value = loss(*moved, SHARES[rank], mean_across_devices)
    value.backward()
    for parameter in moved:
        torch.distributed.all_reduce(parameter.grad)
    return value.item(), [(parameter.grad / 2).tolist() for parameter in moved]


def test_two_processes_have_the_loss_and_the_gradient_of_one(processes):
    answers = processes(2, on_one_of_two)
    moved = parameters()
    data = SHARES.flatten(0, 1)
    whole = loss(*moved, data, list)
    whole.backward()
    assert abs(sum(value for value, _ in answers) / 2 - whole.item()) < 1e-12
    assert answers[0][1] == answers[1][1]
    for found, parameter in zip(answers[0][1], moved, strict=True):
        torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), parameter.grad)


def test_one_process_alone_has_what_it_gives():
    tensors = parameters()
    assert all(a is b for a, b in zip(mean_across_devices(tensors), tensors, strict=True))
