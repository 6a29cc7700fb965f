"""Rules made for games where plain Adam does badly: `experiment=game_optimizers_ring`."""

import pytest
from lightning.pytorch import seed_everything

from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model
from ganzoo.metrics.modes import ModeCoverage


def high_quality(trainer, *overrides):
    """The share of samples near a mode of the ring, after the same number of updates."""
    config = compose_config(["experiment=game_optimizers_ring", *overrides])
    seed_everything(0, verbose=False)
    model = build_model(config, "gan", "ring")
    data = build(config.dataset.datamodule)
    trainer(config.trainer.max_steps, log_every_n_steps=100).fit(model, datamodule=data)
    metric = ModeCoverage(distribution=data.source)
    metric.update(model.sample(5000, seed=0), real=False)
    return float(metric.compute()["high_quality"])


@pytest.mark.slow
def test_extragradient_rules_bring_samples_to_the_modes_where_turns_do_not(trainer):
    plain = high_quality(trainer, "optimizer.update_rule=alternating")
    assert high_quality(trainer, "optimizer.update_rule=extragradient") > 2 * plain + 0.05
    assert high_quality(trainer, "optimizer.update_rule=past_extragradient") > plain + 0.05
