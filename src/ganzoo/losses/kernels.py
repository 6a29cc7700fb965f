"""Kernels of logits, for maximum mean discrepancies, and their means over pairs."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive


class Kernel(ABC):
    """A symmetric positive definite function of the difference of two logits.

    Conditionally positive definite, with weights that sum to 0, is enough.
    """

    @abstractmethod
    def __call__(self, differences: Tensor) -> Tensor:
        """From differences, of any shape, to the kernel's values of the same shape."""


@defaults_from("loss/maximum_mean_discrepancy")
@dataclass(frozen=True, kw_only=True)
class GaussianKernel(Kernel):
    """``sum_s exp(-d^2 / (2 s^2))``: Li et al. (2017, arXiv:1705.08584), with s of 1, 2, 4, 8, 16.

    Wang et al. (2019, arXiv:1812.09916) take a single Gaussian with s of 1.

    Args:
        bandwidths: the values of s, positive.

    Raises:
        InputError: if there is no bandwidth, or one is not a positive number.
    """

    bandwidths: Sequence[float] = FROM_CONFIG

    def __post_init__(self) -> None:
        _check_some("bandwidth", self.bandwidths)

    def __call__(self, differences: Tensor) -> Tensor:
        """The sum of the Gaussians, each 1 at 0."""
        terms = [(differences / s).square().mul(-0.5).exp() for s in self.bandwidths]
        return torch.stack(terms).sum(0)


@defaults_from("loss/maximum_mean_discrepancy_rational_quadratic")
@dataclass(frozen=True, kw_only=True)
class RationalQuadratic(Kernel):
    """``sum_a (1 + d^2 / (2 a))^-a``: Binkowski et al. (2018, arXiv:1801.01401).

    The paper's values of a are 0.2, 0.5, 1, 2 and 5. Its tails are heavier than a Gaussian's, so
    that logits far apart still have a gradient.

    Args:
        alphas: the values of a, positive.

    Raises:
        InputError: if there is no alpha, or one is not a positive number.
    """

    alphas: Sequence[float] = FROM_CONFIG

    def __post_init__(self) -> None:
        _check_some("alpha", self.alphas)

    def __call__(self, differences: Tensor) -> Tensor:
        """The sum of the rational quadratics, each 1 at 0."""
        terms = [(1 + differences.square() / (2 * a)) ** -a for a in self.alphas]
        return torch.stack(terms).sum(0)


@dataclass(frozen=True)
class NegativeDistance(Kernel):
    """``-|d|``: the discrepancy is the energy distance, ``2 E|X - Y| - E|X - X'| - E|Y - Y'|``.

    Sejdinovic et al. (2013, arXiv:1207.6076): a conditionally positive definite kernel, with
    values that are not bounded.
    """

    def __call__(self, differences: Tensor) -> Tensor:
        """Minus the absolute differences; the subgradient at 0 is 0."""
        return -differences.abs()


def mean_between(kernel: Kernel, left: Tensor, right: Tensor) -> Tensor:
    """The mean of the kernel over all pairs of one logit of ``[B]`` and one of ``[B']``."""
    return kernel(left[:, None] - right[None, :]).mean()


def mean_within(kernel: Kernel, logits: Tensor) -> Tensor:
    """The mean of the kernel over all pairs of different samples of logits ``[B]``.

    Raises:
        InputError: if there are fewer than two samples.
    """
    size = len(logits)
    if size < 2:
        raise InputError(f"pairs of samples need a batch of at least 2 samples, not {size}")
    values = kernel(logits[:, None] - logits[None, :])
    return (values.sum() - values.diagonal().sum()) / (size * (size - 1))


def _check_some(name: str, values: Sequence[float]) -> None:
    if not values or not all(map(math.isfinite, values)):
        raise InputError(f"a kernel needs a list of at least one {name}, not {values}")
    for value in values:
        check_positive(**{name: value})
