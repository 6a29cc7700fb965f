"""Two processes measure what one would: each makes its share, none is counted twice."""

import pytest
import torch

SCRIPT = """
import os
import torch
from lightning.pytorch import Trainer
from ganzoo import create_model
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.composition.compose import build, compose_config
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.samples import SampleMetric

torch.set_num_threads(1)


class Count(SampleMetric):
    directions = {}

    def compute(self):
        real, generated = self.gather(at_least=1)
        counts = {"real": len(real), "generated": len(generated)}
        values = {name: torch.tensor(float(value)) for name, value in counts.items()}
        return values | {"mean": generated.mean()}


config = compose_config(["model=gan", "dataset=ring"])
model = create_model("gan", dataset="ring")
made = []


class Watched(IdentityFeatures):
    def features(self, images):
        made.append(len(images))
        return super().features(images)


evaluator = Evaluator(metrics={"count": Count()}, features={"identity": Watched()},
                      samples=100, real_samples=60, batch_size=8, seed=1,
                      cache=FeatureCache(folder="cache"))
measure = Evaluation(evaluator=evaluator, every_n_steps=2)
trainer = Trainer(max_steps=4, max_epochs=-1, accelerator="cpu", devices=2, logger=False,
                  strategy="player_parallel", callbacks=[measure], enable_checkpointing=False,
                  enable_progress_bar=False, enable_model_summary=False,
                  num_sanity_val_steps=0, use_distributed_sampler=False)
trainer.fit(model, datamodule=build(config.dataset.datamodule))
logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
mean = model.sample(100, seed=1).mean()
torch.save({"made": made, "history": measure.history, "logged": logged, "mean": mean},
           f"result.{os.environ.get('LOCAL_RANK', 0)}")
"""


@pytest.mark.slow
def test_both_have_the_value_of_one_process(start, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = start(tmp_path, "script.py")
    assert done.code == 0, done.err
    first, second = (torch.load(tmp_path / f"result.{rank}", weights_only=True) for rank in (0, 1))
    assert first["history"] == second["history"]
    # 60 real and, once to try and twice to measure, 100 generated samples in batches of 8; the
    # second process has what is left over.
    assert first["made"] == 4 * [8] + 3 * 7 * [8]
    assert second["made"] == [8, 8, 8, 4] + 3 * [8, 8, 8, 8, 8, 4]
    expected = {"real": 60.0, "generated": 100.0, "mean": float(first["mean"])}
    for name, value in expected.items():
        assert first["history"][-1][f"metrics/{name}@100"] == pytest.approx(value, rel=1e-6)
        assert second["logged"][f"metrics/{name}@100"] == pytest.approx(value, rel=1e-6)
