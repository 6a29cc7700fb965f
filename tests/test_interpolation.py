import math
from itertools import pairwise

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.interpolation import linear, points_on_arcs, spherical


def latents(seed=0, dim=64, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, dim, generator=generator, dtype=dtype)


def angle(first, second):
    return math.acos(torch.dot(first, second) / (first.norm() * second.norm()))


@pytest.mark.parametrize("way", [linear, spherical])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_ends_are_exact(way, dtype):
    start, end = latents(dtype=dtype)
    path = way(start, end, 7)
    assert path.shape == (7, 64) and path.dtype == dtype
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)


@pytest.mark.parametrize("way", [linear, spherical])
def test_the_way_back_is_the_same(way):
    start, end = latents()
    torch.testing.assert_close(way(start, end, 6), way(end, start, 6).flip(0))


def test_linear_steps_are_equal():
    start, end = latents()
    steps = linear(start, end, 5).diff(dim=0)
    torch.testing.assert_close(steps, ((end - start) / 4).expand(4, -1))


def test_a_quarter_circle_is_cosine_and_sine():
    start, end = torch.tensor([2.0, 0.0]).double(), torch.tensor([0.0, 2.0]).double()
    turn = torch.linspace(0, math.pi / 2, 9, dtype=torch.float64)
    expected = 2 * torch.stack([turn.cos(), turn.sin()], dim=1)
    torch.testing.assert_close(spherical(start, end, 9), expected)


def test_equal_norms_are_kept_and_angles_are_equal():
    start, end = latents()
    end = end * start.norm() / end.norm()
    path = spherical(start, end, 11)
    torch.testing.assert_close(path.norm(dim=1), start.norm().expand(11))
    angles = [angle(a, b) for a, b in pairwise(path)]
    assert angles == pytest.approx([angle(start, end) / 10] * 10, rel=1e-6)
    assert linear(start, end, 11)[5].norm() < 0.8 * start.norm()


def test_the_path_stays_in_the_plane_of_its_ends():
    start, end = latents()
    path = spherical(start, end, 5)
    assert torch.linalg.matrix_rank(torch.stack([start, end, *path]), atol=1e-9) == 2


@pytest.mark.parametrize("shift", [0.0, 1e-15, 1e-9, 1e-6, 1e-3])
def test_nearly_parallel_latents_are_stable(shift):
    start, other = latents()
    end = start + shift * other
    path = spherical(start, end, 5)
    assert path.isfinite().all()
    torch.testing.assert_close(path, linear(start, end, 5), rtol=0, atol=1e-6 + shift**2)
    torch.testing.assert_close(path[-1], end, rtol=0, atol=1e-14)


def test_parallel_latents_of_different_length_and_the_origin_have_a_straight_way():
    start, _ = latents()
    torch.testing.assert_close(spherical(start, 3 * start, 3)[1], 2 * start)
    torch.testing.assert_close(spherical(torch.zeros_like(start), start, 3)[1], start / 2)


def test_opposite_latents_are_an_error():
    start, _ = latents(dtype=torch.float32)
    with pytest.raises(InputError, match="opposite"):
        spherical(start, -2 * start, 5)


def test_points_on_several_arcs_are_those_on_one_at_a_time():
    first, second = latents(dim=20).view(2, 5, 4)
    second[3], second[4] = 3 * first[3], -first[4]  # no arc, no shortest one
    share = torch.tensor([0.0, 0.25, 0.5, 1.0, 0.5]).double()[:, None]
    points = points_on_arcs(first, second, share)
    for row in range(3):
        on_one = spherical(first[row], second[row], 5)[int(4 * share[row])]
        torch.testing.assert_close(points[row], on_one)
    torch.testing.assert_close(points[3], second[3])
    assert torch.equal(points[4], torch.zeros(4).double())


@pytest.mark.parametrize("way", [linear, spherical])
def test_wrong_steps_and_shapes_are_errors(way):
    start, end = latents()
    with pytest.raises(InputError, match="steps must be at least 2"):
        way(start, end, 1)
    with pytest.raises(InputError, match=r"same shape \[Z\]"):
        way(start, end[:3], 5)
    with pytest.raises(InputError, match=r"same shape \[Z\]"):
        way(start[None], end[None], 5)
