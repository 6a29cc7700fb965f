"""Against the formula itself in 60 digits."""

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.theory.stable import exponential_excess


def double(value):
    return torch.tensor(value, dtype=torch.float64)


@settings(max_examples=100, deadline=None)
@given(exponent=st.floats(-12, 2), sign=st.sampled_from([-1, 1]))
def test_exponential_excess_keeps_its_digits(exponent, sign):
    x = sign * 10.0**exponent
    with mpmath.workdps(60):
        expected = float(mpmath.exp(x) - 1 - mpmath.mpf(x))
    assert exponential_excess(double(x)).item() == pytest.approx(expected, rel=1e-14)
