"""What `make train` promises of the digits it draws."""

import numpy as np
import pytest
from lightning.pytorch import seed_everything
from prdc import compute_prdc
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model


def keeps_the_promise(model):
    real, labels = load_digits(return_X_y=True)
    fake = (model.sample(len(real), seed=0).flatten(1).numpy() + 1) * 8  # 0 to 16, as the real ones
    scores = compute_prdc(real, fake, nearest_k=3)
    shares = np.bincount(SVC().fit(real, labels).predict(fake), minlength=10) / len(fake)
    precise = scores["precision"] >= 0.45 and scores["recall"] >= 0.60
    return precise and shares.min() >= 0.05 and shares.max() <= 0.15


@pytest.mark.slow
@pytest.mark.parametrize("to_the_end", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_the_digits_experiment_reaches_what_it_promises(trainer, until, to_the_end):
    config = compose_config(["experiment=digits"])
    seed_everything(config.seed, verbose=False)
    model = build_model(config, "wgan_gp", "digits")
    early = [] if to_the_end else [until(keeps_the_promise, every_n_steps=250)]
    trainer(config.trainer.max_steps, log_every_n_steps=50, callbacks=early).fit(
        model, datamodule=build(config.dataset.datamodule)
    )
    assert keeps_the_promise(model)
