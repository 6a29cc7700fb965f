"""Two processes measure what one would: each makes its share, none is counted twice."""

import os

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, TensorDataset

from ganzoo import create_model
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.composition.compose import build, compose_config
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.extraction import FeatureExtraction
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.sample_batches import TensorSamples
from ganzoo.metrics.samples import SampleMetric


class WatchedFeatures(IdentityFeatures):
    """Notes how many samples it is given at a time."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def features(self, images):
        self.seen.append(len(images))
        return super().features(images)


class Count(SampleMetric):
    directions = {}  # noqa: RUF012

    def compute(self):
        real, generated = self.gather(at_least=1)
        counts = {"real": len(real), "generated": len(generated)}
        values = {name: torch.tensor(float(value)) for name, value in counts.items()}
        return values | {"mean": generated.mean(), "real_mean": real.mean()}


@pytest.fixture
def trainers(processes, monkeypatch, tmp_path):
    """Call a function of a Trainer and a callback that measures, in each of two processes."""
    outside = {
        "TORCHELASTIC_RUN_ID": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "-",
        "MASTER_PORT": "0",
    }

    def call(function):
        def run(rank):
            os.environ.update(outside, RANK=str(rank), LOCAL_RANK=str(rank))
            features = WatchedFeatures()
            evaluator = Evaluator(
                metrics={"count": Count()},
                features={"identity": features},
                samples=100,
                real_samples=60,
                batch_size=8,
                seed=1,
                cache=FeatureCache(folder=tmp_path / f"cache_{rank}"),
            )
            evaluation = Evaluation(evaluator=evaluator, every_n_steps=2)
            trainer = Trainer(
                max_steps=4,
                max_epochs=-1,
                accelerator="cpu",
                devices=2,
                strategy="player_parallel",
                callbacks=[evaluation],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
            return function(trainer, evaluation), features.seen

        return processes(2, run)

    return call


def test_batches_are_gathered_in_their_order(processes, tmp_path):
    samples = TensorSamples(torch.randn(40, 3, generator=torch.Generator().manual_seed(0)))

    def extract(rank):
        features = WatchedFeatures()
        extraction = FeatureExtraction({"identity": features}, 16, "cpu")
        extraction.prepare()
        cache = FeatureCache(folder=tmp_path / str(rank))  # as on machines of their own
        sets = [extraction.generated(samples), *(extraction.real(samples, cache) for _ in range(2))]
        sets = [found["identity"] for found in sets]
        return features.seen, [(s.samples.tolist(), s.features.tolist()) for s in sets]

    (first, ours), (second, theirs) = processes(2, extract)
    assert (first, second) == (2 * [16, 16], 2 * [8])
    assert ours == theirs == 3 * [(samples.samples.tolist(), samples.samples.tolist())]


def test_both_have_the_value_of_one_process_in_training(trainers):
    config = compose_config(["model=gan", "dataset=ring"])

    def train(trainer, evaluation):
        torch.manual_seed(0)
        model = create_model("gan", dataset="ring")
        trainer.fit(model, datamodule=build(config.dataset.datamodule))
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return evaluation.history, logged, model.sample(100, seed=1).mean().item()

    ((history, _, mean), first), ((theirs, logged, _), second) = trainers(train)
    assert history == theirs
    # 60 real and, once to try and twice to measure, 100 generated samples in batches of 8; the
    # second process has what is left over.
    assert first == 4 * [8] + 3 * 7 * [8]
    assert second == [8, 8, 8, 4] + 3 * [8, 8, 8, 8, 8, 4]
    expected = {"real": 60.0, "generated": 100.0, "mean": mean}
    for name, value in expected.items():
        assert history[-1][f"metrics/{name}@100"] == pytest.approx(value, rel=1e-6)
        assert logged[f"metrics/{name}@100"] == pytest.approx(value, rel=1e-6)


def test_the_samples_of_both_loaders_are_one_real_side(trainers):
    """Each took its own for all of them, and kept wrong features for good."""
    points = torch.arange(120.0).view(60, 2)

    def validate(trainer, evaluation):
        own = points[:40] if trainer.global_rank == 0 else points[40:]
        loader = DataLoader(TensorDataset(own), batch_size=20)
        model = create_model("gan", dataset="ring")
        (found,) = trainer.validate(model, loader, verbose=False)
        return found

    (ours, _), (theirs, _) = trainers(validate)
    assert ours == theirs
    assert ours["metrics/real@100"] == 60
    assert ours["metrics/real_mean@100"] == pytest.approx(points.mean().item())
