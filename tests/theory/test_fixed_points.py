import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.theory.fixed_points import fixed_points
from ganzoo.theory.games import Bilinear, VectorGame

SEARCH = {"starts": 30, "seed": 0, "tolerance": 1e-9}


def double_well(shift=0.0):
    """v = (x^3 - x - y + shift, y - x / 4): three fixed points on the line y = x / 4."""
    return VectorGame(
        objectives={
            "discriminator": lambda p: (
                p["discriminator"] ** 4 / 4
                - p["discriminator"] ** 2 / 2
                - p["discriminator"] * p["generator"]
                + shift * p["discriminator"]
            ).sum(),
            "generator": lambda p: (
                p["generator"] ** 2 / 2 - p["discriminator"] * p["generator"] / 4
            ).sum(),
        },
        sizes={"discriminator": 1, "generator": 1},
    )


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_all_roots_of_a_cubic_are_found_once(shift):
    found = fixed_points(double_well(shift), lower=-2.0, upper=2.0, **SEARCH)
    roots = np.sort(np.roots([1, 0, -1.25, shift]).real)
    np.testing.assert_allclose(np.sort(found[:, 0]), roots, atol=1e-7)
    torch.testing.assert_close(found[:, 1], found[:, 0] / 4, atol=1e-9, rtol=0)
    assert (found.norm(dim=1).diff() >= 0).all()


def test_only_points_in_the_region_are_given():
    found = fixed_points(double_well(), lower=0.1, upper=2.0, **SEARCH)
    np.testing.assert_allclose(found, [[np.sqrt(1.25), np.sqrt(1.25) / 4]], atol=1e-7)


def test_a_region_without_fixed_points_is_said_in_one_line():
    with pytest.raises(InputError, match="no fixed point was found .* from 1 to 2 in 30 starts"):
        fixed_points(Bilinear(matrix=[[1.0]]), lower=1.0, upper=2.0, **SEARCH)


def test_the_origin_of_a_bilinear_game_is_found_from_elsewhere():
    found = fixed_points(Bilinear(matrix=[[1.0, 0.5], [0.0, 2.0]]), lower=-1, upper=3, **SEARCH)
    torch.testing.assert_close(found, torch.zeros(1, 4, dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lower": 1.0, "upper": 1.0}, "lower must be below upper"),
        ({"starts": 0}, "starts must be a whole number"),
        ({"tolerance": 0.0}, "tolerance must be a positive number"),
    ],
)
def test_wrong_searches_are_refused(settings, message):
    settings = {"lower": -1.0, "upper": 1.0} | SEARCH | settings
    with pytest.raises(InputError, match=message):
        fixed_points(Bilinear(matrix=[[1.0]]), **settings)
