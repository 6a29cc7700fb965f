import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.optim import ClipByNorm, ClipByValue, GradientClipping

CONF = Path(__file__).parents[2] / "conf"
STEMS = sorted(path.stem for path in (CONF / "optimizer" / "gradient_clipping").glob("*.yaml"))
numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=8)


def clipped(clip, *gradients):
    parameters = [nn.Parameter(torch.zeros(len(values))) for values in gradients]
    for parameter, values in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(values)
    assert clip([*parameters, nn.Parameter(torch.zeros(2))]) is None
    return [parameter.grad.numpy() for parameter in parameters]


def load(stem):
    config = compose_config([f"optimizer.gradient_clipping={stem}"])
    return config.optimizer.gradient_clipping and build(config.optimizer.gradient_clipping)


@settings(max_examples=40, deadline=None)
@given(first=numbers, second=numbers, limit=st.floats(0.1, 50))
def test_norm_is_that_of_all_parameters_together(first, second, limit):
    before = np.concatenate([first, second])
    norm = np.linalg.norm(before)
    after = np.concatenate(clipped(ClipByNorm(max_norm=limit), first, second))
    factor = min(1, limit / (norm + 1e-6))
    np.testing.assert_allclose(after, factor * before, rtol=1e-4, atol=1e-5)
    assert np.linalg.norm(after) <= limit * (1 + 1e-5)


@settings(max_examples=40, deadline=None)
@given(first=numbers, second=numbers, limit=st.floats(0.1, 50))
def test_value_cuts_each_entry(first, second, limit):
    for before, after in zip(
        [first, second], clipped(ClipByValue(max_value=limit), first, second), strict=True
    ):
        np.testing.assert_allclose(after, np.clip(before, -limit, limit), rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("stem", sorted(set(STEMS) - {"none"}))
def test_conf_makes_an_object_that_can_be_pickled_and_called(stem):
    clip = load(stem)
    assert isinstance(clip, GradientClipping)
    copy = pickle.loads(pickle.dumps(clip))
    (once,), (again,) = clipped(clip, [3.0, -4.0]), clipped(copy, [3.0, -4.0])
    np.testing.assert_array_equal(once, again)
    assert (np.abs(once) <= [3, 4]).all()


def test_conf_files():
    assert load("none") is None
    assert isinstance(load("norm"), ClipByNorm)
    assert isinstance(load("value"), ClipByValue)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_wrong_limits_are_refused(limit):
    with pytest.raises(InputError, match="max_norm must be a positive number"):
        ClipByNorm(max_norm=limit)
    with pytest.raises(InputError, match="max_value must be a positive number"):
        ClipByValue(max_value=limit)
