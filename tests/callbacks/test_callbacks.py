import json

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.callbacks.samples import SampleGrid
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.samples import SampleMetric
from ganzoo.saving import StopOnSaveError


class Distance(SampleMetric):
    """How far the mean of the samples is from that of the real data."""

    directions = {"distance": "minimize"}  # noqa: RUF012

    def compute(self):
        real, generated = self.gather(at_least=1)
        return {"distance": (real.mean(0) - generated.mean(0)).norm()}


@pytest.fixture
def evaluation(tmp_path):
    def build(metric, *, every_n_steps, samples, seed=3):
        evaluator = Evaluator(
            metrics={"d": metric},
            features={"identity": IdentityFeatures()},
            samples=samples,
            real_samples=None,
            batch_size=16,
            seed=seed,
            cache=FeatureCache(folder=tmp_path / "cache"),
        )
        return Evaluation(evaluator=evaluator, every_n_steps=every_n_steps)

    return build


def test_evaluation_measures_when_it_is_time_and_at_the_end(
    gan, trainer, evaluation, tmp_path, labelled_points
):
    measure = evaluation(Distance(), every_n_steps=2, samples=50)
    model, data = gan(), labelled_points(real=0)
    logger = CSVLogger(tmp_path, name="", version="")
    run = trainer(5, callbacks=[measure], logger=logger)
    run.fit(model, datamodule=data)
    assert [row["step"] for row in measure.history] == [2, 4, 5]
    real, _ = data.points(50, 0)
    expected = (real.mean(0) - model.sample(50, seed=3).mean(0)).norm().item()
    assert measure.history[-1]["metrics/distance@50"] == pytest.approx(expected, rel=1e-6)
    assert float(run.callback_metrics["metrics/distance@50"]) == pytest.approx(expected, rel=1e-6)
    assert measure.directions() == {"metrics/distance@50": "minimize"}
    assert "metrics/distance@50" in (tmp_path / "metrics.csv").read_text()


def test_evaluation_leaves_no_trace_in_training(gan, trainer, evaluation, labelled_points):
    ends = []
    for callbacks in (
        [],
        [evaluation(Distance(), every_n_steps=1, samples=9)],
    ):
        torch.manual_seed(5)
        model = gan()
        trainer(4, callbacks=callbacks).fit(model, datamodule=labelled_points(real=0))
        ends.append(model.generator[0].weight)
    assert torch.equal(*ends)


def test_pictures_come_from_the_same_latents(gan, trainer, batches, tmp_path):
    grid = SampleGrid(
        folder=tmp_path,
        every_n_steps=2,
        rows=2,
        columns=2,
        points=20,
        seed=1,
        on_save_error=StopOnSaveError(),
    )
    trainer(3, callbacks=[grid]).fit(gan(), batches(8, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000002.png", "00000003.png"]
    assert grid.picture_folder.last_picture == tmp_path / "00000003.png"


def test_summary_is_json(tmp_path):
    from ganzoo.composition.folder import RunFolder

    RunFolder(tmp_path, tmp_path / "latest").write_summary({"status": "finished", "path": tmp_path})
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "finished"
