"""Games on a GPU: learning, exact, without waiting for the device, and loaded elsewhere."""

import math

import pytest
import torch
from torch.utils.data import DataLoader

import ganzoo

pytestmark = pytest.mark.gpu
SMALL = ["network.generator.width=16", "network.latent.latent_dim=16"]
ITERATIONS = 6


def loader(device, rows):
    """The same batch of points again and again, on the device already."""
    batch = torch.randn(rows, 2, generator=torch.Generator().manual_seed(0)).to(device)
    return DataLoader([[batch]] * 100, batch_size=None)


def plain_gan(**settings):
    torch.manual_seed(0)
    overrides = [*SMALL, *(f"{name}={value}" for name, value in settings.items())]
    return ganzoo.create_model("gan", dataset="ring", overrides=overrides)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_an_iteration_between_logged_steps_never_waits_for_the_device(
    trainer, device, accelerator, precision
):
    """Whatever would wait raises in the iterations after the first, which makes the optimizers."""
    from lightning.pytorch import Callback

    class Strict(Callback):
        def on_train_batch_start(self, trainer, *_):
            if device.type == "cuda" and trainer.global_step == 2:
                torch.cuda.set_sync_debug_mode("error")

        def on_train_batch_end(self, trainer, *_):
            if device.type == "cuda" and trainer.global_step == ITERATIONS - 1:
                torch.cuda.set_sync_debug_mode("default")

    settings = {"accelerator": accelerator, "devices": 1, "precision": precision}
    fitted = trainer(ITERATIONS, log_every_n_steps=100, callbacks=[Strict()], **settings)
    try:
        fitted.fit(plain_gan(penalty="r1", **{"optimizer.ema": "exponential"}), loader(device, 32))
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    assert fitted.global_step == ITERATIONS


def test_a_checkpoint_of_the_device_samples_the_same_on_the_cpu(
    trainer, device, accelerator, tmp_path
):
    model = ganzoo.create_model("gan", dataset="ring", overrides=SMALL)
    fitted = trainer(ITERATIONS, accelerator=accelerator, devices=1)
    fitted.fit(model, loader(device, 32))
    fitted.save_checkpoint(tmp_path / "model.ckpt")
    there = model.to(device).sample(64, seed=0).cpu()
    here = ganzoo.load(tmp_path / "model.ckpt").sample(64, seed=0)
    assert here.device.type == "cpu"
    torch.testing.assert_close(here, there, rtol=1e-3, atol=1e-4)


def test_a_run_of_the_cpu_goes_on_on_the_device(trainer, device, accelerator, tmp_path):
    first = trainer(ITERATIONS)
    first.fit(plain_gan(), loader("cpu", 32))
    first.save_checkpoint(tmp_path / "model.ckpt")
    model = plain_gan()
    second = trainer(2 * ITERATIONS, accelerator=accelerator, devices=1)
    second.fit(model, loader(device, 32), ckpt_path=tmp_path / "model.ckpt", weights_only=True)
    assert second.global_step == 2 * ITERATIONS
    assert all(math.isfinite(float(term)) for term in model.latest_terms.values())


@pytest.mark.parametrize("network", ["dcgan", "resnet"])
def test_memory_of_a_step_does_not_grow(trainer, device, accelerator, network):
    """After the first iterations nothing more is kept from one iteration to the next."""
    from lightning.pytorch import Callback

    held = []

    class Watch(Callback):
        def on_train_batch_end(self, *_):
            if device.type == "cuda":
                torch.cuda.synchronize()
            held.append(torch.cuda.memory_allocated() if device.type == "cuda" else 0)

    overrides = [*SMALL, f"network={network}", "network.discriminator.width=16"]
    model = ganzoo.create_model("gan", dataset="cifar10", overrides=overrides)
    batch = torch.rand(8, 3, 32, 32).to(device) * 2 - 1
    fitted = trainer(ITERATIONS, accelerator=accelerator, devices=1, callbacks=[Watch()])
    fitted.fit(model, DataLoader([[batch]] * ITERATIONS, batch_size=None))
    assert len(set(held[2:])) == 1
