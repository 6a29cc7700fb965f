"""Two processes against one, each in a Python of its own, as a user starts them."""

import subprocess
import sys

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn

from ganzoo.errors import InputError
from ganzoo.models.gan import GAN
from ganzoo.strategies.player_parallel import NAME

SCRIPT = """
import os
import sys
import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
import ganzoo
from ganzoo.composition.compose import build, compose_config

torch.set_num_threads(1)
devices, path = int(sys.argv[1]), sys.argv[2]
sent = []
reduce = dist.all_reduce
if devices > 1:
    def counted(tensor, *rest, **named):
        sent.append(tensor.numel())
        return reduce(tensor, *rest, **named)

    dist.all_reduce = counted


class SharedLatents:
    # The latents of all processes together are those that one process would draw.

    latent_dim = 2

    def __init__(self):
        self.calls = 0

    def sample(self, count, *, generator=None, device=None, truncation=None):
        self.calls += 1
        world = dist.get_world_size() if dist.is_initialized() else 1
        rank = dist.get_rank() if dist.is_initialized() else 0
        seeded = torch.Generator().manual_seed(self.calls)
        return torch.randn(world, count, 2, generator=seeded)[rank]


overrides = ["model.discriminator_steps=2", f"dataset.batch_size={32 // devices}",
             "network.generator.width=16", "penalty=r1", "penalty.r1.interval=3"]
torch.manual_seed(7 + 100 * int(os.environ.get("LOCAL_RANK", 0)))  # the first one's weights count
latents = SharedLatents()
model = ganzoo.create_model("gan", dataset="ring", overrides=overrides, latent_prior=latents)
config = compose_config(["model=gan", "dataset=ring", *overrides])
trainer = Trainer(max_steps=20, max_epochs=-1, accelerator="cpu", devices=devices, logger=False,
                  strategy="player_parallel" if devices > 1 else "auto", num_sanity_val_steps=0,
                  enable_checkpointing=False, enable_progress_bar=False, log_every_n_steps=1000,
                  enable_model_summary=False, use_distributed_sampler=False)
trainer.fit(model, datamodule=build(config.dataset.datamodule))
if trainer.global_rank == 0:
    torch.save({"weights": model.state_dict(), "sent": sent}, path)
"""


def trained(devices, folder):
    script, path = folder / "script.py", folder / f"{devices}.pt"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(devices), str(path)]
    subprocess.run(command, check=True, timeout=200, capture_output=True)
    return torch.load(path, weights_only=True)


def test_two_processes_follow_one_and_send_only_what_they_must(tmp_path):
    one, two = trained(1, tmp_path), trained(2, tmp_path)
    for name, value in one["weights"].items():
        torch.testing.assert_close(two["weights"][name], value, rtol=1e-5, atol=1e-6)
    sizes = {
        player: sum(v.numel() for n, v in one["weights"].items() if n.startswith(player))
        for player in ("generator", "discriminator")
    }
    iteration = [sizes["discriminator"]] * 2 + [sizes["generator"]]
    assert two["sent"] == iteration * 20


def test_another_strategy_is_refused_by_name(gan, trainer, batches):
    run = trainer(1)
    model = gan()
    model.trainer = run

    class TwoDevices:
        world_size = 2
        strategy = run.strategy

    from ganzoo.strategies.player_parallel import check_strategy

    with pytest.raises(InputError, match=r"use Trainer\(strategy='player_parallel'\)"):
        check_strategy(TwoDevices())


def test_the_strategy_is_registered_by_name():
    run = Trainer(strategy=NAME, devices=1, accelerator="cpu", logger=False)
    assert type(run.strategy).__name__ == "PlayerParallelStrategy"
    assert issubclass(GAN, nn.Module)
