"""Measures of how close generated samples are to real ones.

Each is a ``torchmetrics.Metric`` that can be used alone: ``update(data, real=True)`` with real
and ``update(data, real=False)`` with generated samples, then ``compute()``, which returns named
scalars; the class attribute ``directions`` says for each name whether to maximize or to minimize.
"""

from ganzoo.metrics.density_coverage import DensityCoverage
from ganzoo.metrics.modes import ModeCoverage
from ganzoo.metrics.precision_recall import PrecisionRecall
from ganzoo.metrics.wasserstein import Wasserstein1

__all__ = ["DensityCoverage", "ModeCoverage", "PrecisionRecall", "Wasserstein1"]
