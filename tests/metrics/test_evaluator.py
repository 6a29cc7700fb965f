"""One pass over the samples, by any number of processes, for all metrics and features."""

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics import (
    PRDC,
    FrechetDistance,
    InceptionScore,
    IntraClassFrechetDistance,
    KernelDistance,
    Memorization,
    ModeCoverage,
    PerceptualPathLength,
)
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.features import (
    FeatureExtractor,
    IdentityFeatures,
    PixelFeatures,
    RandomFeatures,
)
from ganzoo.metrics.processes import batch_starts
from ganzoo.metrics.sample_batches import TensorSamples
from ganzoo.metrics.similarity import MultiScaleSimilarity


def pictures(count, seed, shift=0.0):
    random = torch.Generator().manual_seed(seed)
    return (torch.randn(count, 1, 8, 8, generator=random) / 3 + shift).clamp(-1, 1)


class CountingFeatures(RandomFeatures):
    def __init__(self):
        super().__init__(dimension=16, seed=0)
        self.seen = 0

    def features(self, images):
        self.seen += len(images)
        return super().features(images)


class Data:
    def __init__(self, held_out=None):
        self.other = held_out

    def real(self, count, seed):
        return pictures(count, seed), None

    def held_out(self, count, seed):
        return None if self.other is None else (self.other, None)


class DataWithoutOthers:
    """As somebody's own data module may be."""

    real = Data.real


@pytest.fixture
def evaluator(tmp_path):
    def build(metrics, features, **changes):
        settings = {"samples": 40, "real_samples": 50, "batch_size": 16, "seed": 1} | changes
        cache = FeatureCache(folder=tmp_path)
        return Evaluator(metrics=metrics, features=features, cache=cache, **settings)

    return build


@pytest.fixture
def measure(evaluator):
    def run(metrics, features, generated=None, data=None, **changes):
        tool = evaluator(metrics, features, **changes)
        reference = tool.reference(data or Data(), "cpu")
        made = TensorSamples(pictures(40, 9, 0.1) if generated is None else generated)
        return tool.measure(reference, made).values

    return run


def test_values_are_those_of_each_metric_alone(measure):
    features = RandomFeatures(dimension=16, seed=0)
    values = measure({"fid": FrechetDistance(), "prdc": PRDC(neighbors=3)}, {"random": features})
    for metric in (FrechetDistance(), PRDC(neighbors=3)):
        metric.update(features(pictures(50, 1)), real=True)
        metric.update(features(pictures(40, 9, 0.1)), real=False)
        for name, value in metric.compute().items():
            assert values[f"{name}@40"] == pytest.approx(float(value), rel=1e-5)
    assert len(values) == 5


def test_several_features_are_named_where_they_matter(evaluator, measure):
    features = {"random": RandomFeatures(dimension=8, seed=0), "pixels": PixelFeatures()}
    diversity = MultiScaleSimilarity(pairs=9, deviation=0.5, scales=1, batch_size=4, seed=0)
    metrics = {"fid": FrechetDistance(), "ms_ssim": diversity}
    values = measure(metrics, features)
    assert set(values) == {"fid_random@40", "fid_pixels@40", "ms_ssim@40", "ms_ssim_real@40"}
    wanted = {"fid_random@40": "minimize", "fid_pixels@40": "minimize", "ms_ssim@40": "minimize"}
    assert evaluator(metrics, features).directions() == wanted


@pytest.mark.parametrize("extractor", [PixelFeatures(), IdentityFeatures()], ids=lambda e: e.name)
def test_a_value_on_pixels_says_so_and_one_on_points_need_not(extractor, evaluator, measure):
    name = f"fid_{extractor.name}@40"
    assert set(measure({"fid": FrechetDistance()}, {extractor.name: extractor})) == {name}
    tool = evaluator({"fid": FrechetDistance()}, {extractor.name: extractor})
    points = {"fid@40": "minimize"}
    assert tool.directions() == ({name: "minimize"} if extractor.name == "pixels" else points)
    tool.reference(Data(), "cpu")
    assert tool.directions() == {name: "minimize"}


def test_features_are_made_once_for_all_metrics_and_real_ones_once_for_ever(measure):
    counted = CountingFeatures()
    metrics = {"fid": FrechetDistance(), "prdc": PRDC(neighbors=3)}
    first = measure(metrics, {"random": counted})
    assert counted.seen == 50 + 40
    assert measure(metrics, {"random": counted}) == first
    assert counted.seen == 50 + 40 + 40
    measure(metrics, {"random": counted}, seed=2)
    assert counted.seen == 50 + 40 + 40 + 50 + 40


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 15, 16, 40, 97])
def test_processes_share_whole_batches_in_order_and_miss_none(world_size, count):
    ranks = [batch_starts(count, 16, rank=r, world_size=world_size) for r in range(world_size)]
    assert all(ranks)
    rows = [row for starts in ranks for s in starts for row in range(s, min(s + 16, count))]
    assert rows[:count] == list(range(count))
    assert len(ranks[0]) - 1 <= -(-count // 16) / world_size <= len(ranks[0])


def test_held_out_samples_reach_those_who_ask(measure):
    copies = measure(
        {"copying": Memorization()},
        {"pixels": PixelFeatures()},
        generated=pictures(50, 1)[:40],
        data=Data(pictures(40, 5)),
    )
    assert copies["copying_ratio_pixels@40"] == 0
    fresh = measure(
        {"copying": Memorization()},
        {"pixels": PixelFeatures()},
        generated=pictures(40, 7),
        data=Data(pictures(40, 5)),
    )
    assert fresh["copying_ratio_pixels@40"] == pytest.approx(1, abs=0.1)


def test_held_out_samples_are_read_once_and_only_for_those_who_ask(evaluator):
    counted, apart = CountingFeatures(), Data(pictures(30, 5))
    asking = evaluator({"copying": Memorization()}, {"random": counted})
    reference = asking.reference(apart, "cpu")
    for _ in range(2):
        asking.measure(reference, TensorSamples(pictures(40, 7)))
    assert counted.seen == 50 + 30 + 2 * 40
    others = evaluator({"fid": FrechetDistance()}, {"random": counted})
    assert others.reference(apart, "cpu").held_out == {}
    assert asking.reference(DataWithoutOthers(), "cpu").held_out == {}


def test_the_protocol_is_plain_and_whole(evaluator):
    tool = evaluator({"prdc": PRDC(neighbors=3)}, {"random": RandomFeatures(dimension=8, seed=7)})
    protocol = tool.protocol()
    assert protocol["metrics"] == {"prdc": {"metric": "PRDC", "neighbors": 3}}
    assert (protocol["samples"], protocol["real_samples"], protocol["seed"]) == (40, 50, 1)
    features = protocol["features"]["random"]
    assert (features["features"], features["dimension"], features["seed"]) == ("random", 8, 7)
    assert len(features["fingerprint"]) == 64


class Nothing(FeatureExtractor):
    name = "nothing"

    def features(self, images):
        return images.flatten(1)


def broken():
    samples = pictures(40, 0)
    samples[3, 0, 0, 0] = torch.nan
    return samples


@pytest.mark.parametrize(
    ("metric", "changes", "message"),
    [
        (FrechetDistance(), {"generated": pictures(1, 0)}, "needs at least 2 generated samples"),
        (PRDC(neighbors=45), {}, "PRDC needs at least 46 generated samples, got 40"),
        (FrechetDistance(), {"generated": pictures(0, 0)}, "there are no samples"),
        (FrechetDistance(), {"generated": broken()}, "images are NaN or infinite"),
        (
            FrechetDistance(),
            {"generated": torch.zeros(40, 1, 4, 4)},
            r"generated samples are \[1, 4, 4\], real ones \[1, 8, 8\]",
        ),
        (InceptionScore(splits=2, seed=0), {}, "no class logits"),
        (Memorization(), {}, "Memorization needs real samples that the generator was not"),
        (FrechetDistance(), {"samples": 0}, "samples must be a whole number from 1 up, not 0"),
    ],
)
def test_wrong_input_is_one_line(measure, metric, changes, message):
    with pytest.raises(InputError, match=message):
        measure({"m": metric}, {"nothing": Nothing()}, **changes)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (KernelDistance(subsets=3, subset_size=41, seed=0), "set metrics.kid.subset_size lower"),
        (PRDC(neighbors=60), "metrics.prdc.neighbors lower"),
        (InceptionScore(splits=2, seed=0), "no class logits"),
        (Memorization(), "dataset.held_out_root"),
        (IntraClassFrechetDistance(), "dataset.num_classes"),
        (ModeCoverage(distribution=None), "leave modes out of the metrics"),
        (PerceptualPathLength(pairs=3, epsilon=0.1, interpolation="linear", discard=0.1, seed=0),
         "evaluate a checkpoint"),
    ],
)  # fmt: skip
def test_a_metric_that_the_samples_do_not_allow_is_left_out(evaluator, metric, message, caplog):
    """It ended the whole evaluation, or the training before it began."""
    tool = evaluator({"fid": FrechetDistance(), "other": metric}, {"nothing": Nothing()})
    reference = tool.reference(Data(), "cpu")
    made = TensorSamples(pictures(40, 9, 0.1))
    for _ in range(2):
        assert set(tool.measure(reference, made).values) == {"fid@40"}
    (line,) = (one.getMessage() for one in caplog.records if "left out" in one.getMessage())
    assert line == f"other is left out: {tool.left_out['other']}" and message in line
    assert len(line) < 300


def test_two_metrics_of_the_same_values_are_refused(evaluator):
    metrics = {"prdc": PRDC(neighbors=3), "prdc3": PRDC(neighbors=5)}
    with pytest.raises(
        InputError, match="the metrics prdc and prdc3 both give precision: choose one"
    ):
        evaluator(metrics, {"pixels": PixelFeatures()})
    with pytest.raises(InputError, match="metrics need features"):
        evaluator({"fid": FrechetDistance()}, {})
