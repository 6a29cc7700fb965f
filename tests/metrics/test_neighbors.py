import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from ganzoo.metrics import distances
from ganzoo.metrics.balls import count_in_balls
from ganzoo.metrics.neighbors import neighbor_distances


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count_members(centers, radii, points):
    """Points in each ball, and balls around each point."""
    counts = count_in_balls(centers, radii, points, torch.zeros(len(points)).double())
    assert not counts.second_balls_around.any()
    return counts.points_in_first_balls, counts.first_balls_around


@pytest.fixture(params=[1024, 7], ids=["one_block", "many_blocks"])
def rows_per_block(request, monkeypatch):
    monkeypatch.setattr(distances, "_MOST_ROWS", request.param)
    monkeypatch.setattr(distances, "_LEAST_ROWS", 1)


@pytest.mark.usefixtures("rows_per_block")
@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("dim", [1, 2, 33])
def test_radii_agree_with_sorted_scipy_distances(k, dim):
    points = normal(40, dim)
    expected = np.sort(cdist(points, points), axis=1)[:, k]
    np.testing.assert_allclose(neighbor_distances(points, neighbors=k), expected, rtol=1e-12)


@pytest.mark.usefixtures("rows_per_block")
def test_counts_agree_with_scipy_distances():
    centers, points = normal(40, 5), normal(31, 5, seed=1)
    radii = neighbor_distances(centers, neighbors=3)
    inside = cdist(centers, points) < radii.numpy()[:, None]
    per_ball, per_point = count_members(centers, radii, points)
    assert inside.any() and not inside.all()
    np.testing.assert_array_equal(per_ball, inside.sum(1))
    np.testing.assert_array_equal(per_point, inside.sum(0))


@pytest.mark.usefixtures("rows_per_block")
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_kth_neighbour_itself_is_never_inside(offset):
    # Each ball holds its own centre and the k - 1 nearer points; the k-th lies on its surface, a
    # comparison that rounding decides unless distances are made the same way both times.
    points = normal(60, 300, dtype=torch.float32) + offset
    per_ball, _ = count_members(points, neighbor_distances(points, neighbors=4), points)
    assert per_ball.tolist() == [4] * 60


def test_a_duplicate_is_a_neighbour_and_an_empty_ball_holds_nothing():
    points = torch.tensor([[0.1, 0.7], [0.1, 0.7], [3.1, 4.7]])
    radii = neighbor_distances(points, neighbors=1)
    assert radii[:2].tolist() == [0.0, 0.0]
    assert radii[2].item() == pytest.approx(5.0, abs=1e-6)
    per_ball, per_point = count_members(points, radii, points)
    assert per_ball.tolist() == [0, 0, 1]
    assert per_point.tolist() == [0, 0, 1]


def test_blocks_keep_within_the_budget_of_values():
    wide = torch.empty(64, 2**18)
    assert max(len(rows) for _, rows in distances.blocks(wide)) == 16
    assert max(len(rows) for _, rows in distances.blocks(torch.empty(5000, 64))) == 2048
