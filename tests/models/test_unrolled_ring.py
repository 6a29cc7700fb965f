"""Figure 2 of the paper in miniature: who looks ahead covers the ring, who does not collapses."""

import pytest
from lightning.pytorch import seed_everything

from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model
from ganzoo.metrics.modes import ModeCoverage

STEPS = 1000  # half of the experiment, where two of the five seeds that were measured are done


def coverage(seed, unrolling_steps, trainer):
    steps = f"model.unrolling_steps={unrolling_steps}"
    config = compose_config(["experiment=unrolled_gan_ring", steps])
    seed_everything(seed, verbose=False)
    model = build_model(config, "unrolled_gan", "ring")
    data = build(config.dataset.datamodule)
    trainer(STEPS, log_every_n_steps=STEPS).fit(model, datamodule=data)
    metric = ModeCoverage(distribution=data.source)
    metric.update(model.sample(10_000, seed=0), real=False)
    return {name: float(value) for name, value in metric.compute().items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(4, marks=pytest.mark.nightly)])
def test_unrolled_covers_eight_modes_where_the_plain_game_stays_on_fewer(seed, trainer):
    unrolled, plain = (coverage(seed, steps, trainer) for steps in (5, 0))
    assert unrolled["modes"] == 8
    assert plain["modes"] <= 6
    assert unrolled["high_quality"] > 0.5 > 0.25 > plain["high_quality"]
    assert unrolled["mode_kl"] < 0.2 < 0.4 < plain["mode_kl"]
