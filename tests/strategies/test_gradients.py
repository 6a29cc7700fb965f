import pytest
import torch
import torch.distributed as dist
from torch import nn

from ganzoo.strategies.gradients import average_gradients

WORLD = 3
SHAPES = [(3, 2), (5,), (2, 3, 2, 2), (4,), (1,)]
# Which of the processes has a gradient, for each parameter: all, none, one, two, one.
PRESENT = [{0, 1, 2}, set(), {1}, {0, 2}, {2}]


def parameters(dtype=torch.float32):
    return [nn.Parameter(torch.zeros(shape, dtype=dtype)) for shape in SHAPES]


def gradient(rank, index, dtype=torch.float32):
    random = torch.Generator().manual_seed(10 * rank + index)
    value = torch.randn(SHAPES[index], generator=random, dtype=dtype)
    if index == 4:
        return torch.full_like(value, -0.0)  # a gradient of zero is still a gradient
    return value


def averaged(rank):
    sent, reduce = [], dist.all_reduce

    def counted(tensor, *rest, **named):
        sent.append(tensor.numel() * tensor.element_size())
        return reduce(tensor, *rest, **named)

    dist.all_reduce = counted
    moved = parameters() + parameters(torch.float64)
    for index, parameter in enumerate(moved):
        place = index % len(SHAPES)
        if rank in PRESENT[place]:
            parameter.grad = gradient(rank, place, parameter.dtype)
            if parameter.dim() == 4:
                parameter.grad = parameter.grad.to(memory_format=torch.channels_last)
    average_gradients(moved, dist.get_world_size())
    return [None if p.grad is None else p.grad.tolist() for p in moved], sent


@pytest.fixture
def answers(processes):
    return processes(WORLD, averaged)


def test_each_gradient_is_the_mean_in_which_a_missing_one_counts_as_zero(answers):
    for found, _ in answers:
        for index, value in enumerate(found):
            place, dtype = index % len(SHAPES), (torch.float32, torch.float64)[index >= len(SHAPES)]
            if not PRESENT[place]:
                assert value is None
                continue
            expected = sum(gradient(rank, place, dtype) for rank in PRESENT[place]) / WORLD
            torch.testing.assert_close(torch.tensor(value, dtype=dtype), expected)


def test_all_processes_have_the_same_gradients_to_the_last_bit(answers):
    assert all(found == answers[0][0] for found, _ in answers)


def test_what_is_sent_is_as_large_as_the_parameters(answers):
    elements = sum(torch.Size(shape).numel() for shape in SHAPES)
    assert all(sent == [4 * elements, 8 * elements] for _, sent in answers)


class TwoPaths(nn.Module):
    """Positive samples take one layer, negative ones another; a third is never taken."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.positive, self.negative, self.unused = (nn.Linear(2, 1) for _ in range(3))

    def forward(self, data):
        taken = []
        for layer, chosen in ((self.positive, data[:, 0] > 0), (self.negative, data[:, 0] <= 0)):
            if chosen.any():
                taken.append(layer(data[chosen]))
        return torch.cat(taken)


def trained(data, world_size=1):
    model = TwoPaths()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    for batch in data:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        if world_size > 1:
            average_gradients(list(model.parameters()), world_size)
        optimizer.step()
    return [parameter.tolist() for parameter in model.parameters()]


def test_processes_that_use_different_parameters_follow_a_single_one(processes):
    random = torch.Generator().manual_seed(1)
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])  # of each process
    data = torch.rand(4, 2, 8, 2, generator=random) + 0.1
    data[..., 0] *= signs[..., None]

    first, second = processes(2, lambda rank: trained(data[:, rank], 2))
    assert first == second
    single = trained(data.flatten(1, 2))
    for value, expected in zip(first, single, strict=True):
        torch.testing.assert_close(torch.tensor(value), torch.tensor(expected), rtol=1e-5, atol=0)
    for value, start in zip(first[4:], list(TwoPaths().parameters())[4:], strict=True):
        assert value == start.tolist()  # weight decay has left it alone
