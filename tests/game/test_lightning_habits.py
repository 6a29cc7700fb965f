"""Forward, predict, validate, test and load_from_checkpoint, as of any module of Lightning."""

from functools import partial

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

import ganzoo
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.models.gan import GAN
from ganzoo.models.vae import VAE
from ganzoo.models.wgan_gp import WGANGP

RING = ("network.generator.width=8", "dataset.batch_size=16", "metrics.evaluator.samples=64")


@pytest.fixture
def ring():
    """A model of a ring of points, its data, and a callback that measures it."""
    config = compose_config(["model=gan", "dataset=ring", "metrics=wasserstein", *RING])
    torch.manual_seed(0)
    model = ganzoo.create_model("gan", dataset="ring", overrides=RING)
    evaluation = Evaluation(evaluator=build(config.metrics.evaluator), every_n_steps=1000)
    return model, build(config.dataset.datamodule), evaluation


@pytest.fixture
def conditional():
    torch.manual_seed(0)
    return ganzoo.create_model("conditional_gan", dataset="ring", overrides=RING).eval()


def test_forward_samples_with_gradients_from_the_average_in_evaluation_mode(gan):
    model = gan(ema=partial(ExponentialMovingAverage, decay=0.9, start_step=0))
    with torch.no_grad():
        model.generator[0].weight.add_(1.0)
    latents = torch.randn(3, 4, requires_grad=True)
    assert torch.equal(model(latents), model.generator(latents))
    model.eval()
    assert torch.equal(model(latents), model.ema["generator"].network(latents))
    model(latents).sum().backward()
    assert latents.grad.abs().sum() > 0
    with pytest.raises(InputError, match=r"must have shape \[B, 4\], not \[3, 5\]"):
        model(torch.randn(3, 5))


def test_forward_of_a_conditional_model_is_given_classes(conditional):
    latents = conditional.latent_prior.sample(3)
    expected = conditional.decode(latents, torch.tensor([2, 2, 2]), averaged=True, batch_size=3)
    assert torch.equal(conditional(latents, 2), expected)
    assert torch.equal(conditional(latents, [2, 2, 2]), expected)
    with pytest.raises(InputError, match=r"give latents and labels, model\(z, labels\)"):
        conditional(latents)


def test_predict_samples_from_latents_and_classes_or_as_many_as_there_are_data(
    ring, conditional, trainer
):
    model, datamodule, _ = ring
    latents = model.latent_prior.sample(10)
    found = torch.cat(trainer(1).predict(model, DataLoader(latents, batch_size=4)))
    assert torch.equal(found, model.decode(latents, None, averaged=True, batch_size=4))
    (found,) = trainer(1).predict(model, datamodule=datamodule)
    assert found.shape == (64, 2)
    latents, labels = conditional.latent_prior.sample(6), torch.arange(6)
    pairs = DataLoader(TensorDataset(latents, labels), batch_size=6)
    (found,) = trainer(1).predict(conditional, pairs)
    assert torch.equal(found, conditional.decode(latents, labels, averaged=True, batch_size=6))
    with pytest.raises(InputError, match=r"Trainer.predict\(model, loader\) of latents"):
        trainer(1).predict(model)


def test_validate_and_test_measure_as_training_does(ring, trainer, tmp_path):
    model, datamodule, evaluation = ring
    keeper = ModelCheckpoint(dirpath=tmp_path, monitor="generator/loss", every_n_train_steps=1)
    run = trainer(2, callbacks=[evaluation, keeper], enable_checkpointing=True)
    run.fit(model, datamodule=datamodule)
    name = "metrics/wasserstein@64"
    expected = pytest.approx(evaluation.history[-1][name])
    assert run.validate(model, datamodule=datamodule, verbose=False) == [{name: expected}]
    assert run.test(model, datamodule=datamodule, verbose=False) == [{name: expected}]
    assert len(evaluation.history) == 1
    (best,) = run.test(datamodule=datamodule, ckpt_path="best", verbose=False)
    assert best.keys() == {name}


def test_validate_takes_real_samples_from_a_loader(ring, trainer):
    model, _, evaluation = ring
    real = model.sample(64, seed=evaluation.evaluator.seed)
    loader = DataLoader(TensorDataset(real, torch.zeros(64)), batch_size=20)
    (found,) = trainer(1, callbacks=[evaluation]).validate(model, loader, verbose=False)
    assert found["metrics/wasserstein@64"] == pytest.approx(0.0, abs=1e-5)


def test_what_is_missing_to_measure_is_named(ring, trainer):
    model, datamodule, _ = ring
    with pytest.raises(InputError, match="nothing is measured: choose metrics"):
        trainer(1).validate(model, datamodule=datamodule, verbose=False)
    with pytest.raises(InputError, match=r"Trainer.validate\(model, loader\) of real samples"):
        trainer(1).test(model, verbose=False)


def test_load_from_checkpoint_is_load_with_a_look_at_the_class(tmp_path, trainer, batches):
    model = ganzoo.create_model("wgan_gp", dataset="ring", overrides=RING)
    run, path = trainer(1, plugins=[AtomicCheckpointIO()]), tmp_path / "model.ckpt"
    run.fit(model, batches(20, 2))
    run.save_checkpoint(path)
    for kind in (GAN, WGANGP):
        loaded = kind.load_from_checkpoint(path, map_location="cpu")
        assert type(loaded) is WGANGP and not loaded.training
        assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    with pytest.raises(InputError, match="is of a WGANGP, not of a VAE"):
        VAE.load_from_checkpoint(path)
    with pytest.raises(InputError, match="neither hparams_file nor strict=False"):
        GAN.load_from_checkpoint(path, strict=False)
