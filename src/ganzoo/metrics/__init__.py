"""Measures of how close generated samples are to real ones.

Each is a ``torchmetrics.Metric`` that can be used alone: ``update(data, real=True)`` with real
and ``update(data, real=False)`` with generated samples, then ``compute()``, which returns named
scalars; the class attribute ``directions`` says for each name whether to maximize or to minimize.
"""

from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.classification_accuracy import ClassificationAccuracy
from ganzoo.metrics.classifier import ClassifierTraining
from ganzoo.metrics.digit_modes import DigitModes, single_digits
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.fid import FrechetDistance
from ganzoo.metrics.frechet_infinity import FrechetInfinity
from ganzoo.metrics.inception_score import InceptionScore
from ganzoo.metrics.intra_class import IntraClassFrechetDistance
from ganzoo.metrics.kernel_distance import KernelDistance
from ganzoo.metrics.memorization import Memorization
from ganzoo.metrics.memorization_fid import MemorizationInformedFrechetDistance
from ganzoo.metrics.modes import ModeCoverage
from ganzoo.metrics.perceptual_path_length import PerceptualPathLength
from ganzoo.metrics.prdc import PRDC
from ganzoo.metrics.resizing import CleanResizing, LegacyResizing
from ganzoo.metrics.samples import SampleMetric, TwoSampleMetric
from ganzoo.metrics.similarity import MultiScaleSimilarity
from ganzoo.metrics.sinkhorn import SinkhornDivergence
from ganzoo.metrics.sliced import SlicedWasserstein1, SlicedWasserstein2
from ganzoo.metrics.wasserstein import Wasserstein1, Wasserstein2

__all__ = [
    "PRDC",
    "Bootstrap",
    "ClassificationAccuracy",
    "ClassifierTraining",
    "CleanResizing",
    "DigitModes",
    "Evaluator",
    "FeatureCache",
    "FrechetDistance",
    "FrechetInfinity",
    "InceptionScore",
    "IntraClassFrechetDistance",
    "KernelDistance",
    "LegacyResizing",
    "Memorization",
    "MemorizationInformedFrechetDistance",
    "ModeCoverage",
    "MultiScaleSimilarity",
    "PerceptualPathLength",
    "SampleMetric",
    "SinkhornDivergence",
    "SlicedWasserstein1",
    "SlicedWasserstein2",
    "TwoSampleMetric",
    "Wasserstein1",
    "Wasserstein2",
    "single_digits",
]
