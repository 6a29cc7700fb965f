import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from ganzoo.metrics import distances
from ganzoo.metrics.balls import count_in_balls
from ganzoo.metrics.distances import find_below, full_precision, scaling_to_unit_cube
from ganzoo.metrics.neighbors import neighbor_distances


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def clusters(count, dim, spread):
    centers = 100 * normal(4, dim, seed=9)
    return centers.repeat_interleave(count // 4, dim=0) + spread * normal(count, dim)


@pytest.mark.parametrize("dim", [16, 100, 3000])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_products_stay_within_their_error_bound(dim, offset):
    rows, columns = normal(60, dim) + offset, normal(50, dim, seed=1) * 3
    scaling = scaling_to_unit_cube(rows, columns)
    left, norms = scaling.factors(rows)
    right, others = scaling.factors(columns, last=True)
    assert left.dtype == torch.float32
    exact = cdist(rows.double(), columns.double(), "sqeuclidean") * scaling.scale**2
    error = np.abs((left @ right.T).numpy() - exact)
    bound = scaling.error_bound(norms.double()[:, None] + others).numpy()
    assert (error <= bound).all()
    assert error.max() > 0


@pytest.mark.parametrize("shape", [(64, 48), (7, 13), (1, 16), (16, 1)])
def test_below_finds_what_a_plain_comparison_finds(shape):
    values = normal(*shape)
    rows, columns = normal(shape[0], 1, seed=1) - 1, normal(1, shape[1], seed=2) - 1
    for limits in (rows, columns):
        found = torch.zeros(shape, dtype=torch.int64)
        found.index_put_(find_below(values, limits), torch.tensor(1), accumulate=True)
        assert torch.equal(found, (values <= limits).long())


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-5])
def test_tight_clusters_that_float32_cannot_see_into_are_exact(spread):
    points = clusters(160, 40, spread)
    expected = np.sort(cdist(points.double(), points.double()), axis=1)[:, 5]
    found = neighbor_distances(points, neighbors=5)
    # A float64 product decides which neighbour is the fifth; its own rounding is 1e-16 of 1e6.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("copies", [1, 60])
def test_collapsed_sets_are_exact(copies):
    points = torch.cat([normal(40, 30), normal(1, 30, seed=1).expand(copies, -1)])
    expected = np.sort(cdist(points.double(), points.double()), axis=1)[:, 4]
    found = neighbor_distances(points, neighbors=4)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found == 0).sum() == (copies if copies > 4 else 0)


def test_doubtful_pairs_are_decided_in_float64():
    first, second = clusters(160, 40, 1e-4), clusters(120, 40, 1.01e-4)
    radii = [neighbor_distances(points, neighbors=5) for points in (first, second)]
    counts = count_in_balls(first, radii[0], second, radii[1])
    exact = cdist(first.double(), second.double())
    in_first = exact < radii[0].numpy()[:, None]
    assert in_first.any() and not in_first.all()
    np.testing.assert_array_equal(counts.points_in_first_balls, in_first.sum(1))
    np.testing.assert_array_equal(counts.first_balls_around, in_first.sum(0))
    np.testing.assert_array_equal(counts.second_balls_around, (exact < radii[1].numpy()).sum(1))


def test_blocks_and_the_precision_setting_change_nothing(monkeypatch):
    first, second = normal(400, 64), 0.9 * normal(300, 64, seed=1)

    def outcome():
        radii = [neighbor_distances(points, neighbors=3) for points in (first, second)]
        return [*radii, *vars(count_in_balls(first, radii[0], second, radii[1])).values()]

    expected = outcome()
    monkeypatch.setattr(distances, "_MOST_ROWS", 48)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert all(map(torch.equal, outcome(), expected))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_full_precision_gives_the_setting_back_after_an_error():
    before = torch.get_float32_matmul_precision()
    with pytest.raises(KeyError), full_precision(torch.device("cpu")):
        raise KeyError
    assert torch.get_float32_matmul_precision() == before
