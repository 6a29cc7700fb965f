"""The ways in which processes are started, one test each."""

import csv
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.slow

RUN = [
    *("model=gan", "dataset=ring", "dataset.batch_size=8", "trainer.accelerator=cpu"),
    *("trainer=smoke", "metrics=none", "callbacks.samples.points=16"),
]

SCRIPT = """
import sys
import torch
from lightning.pytorch import Trainer
from ganzoo import create_model
from ganzoo.composition.compose import build, compose_config

if __name__ == "__main__":
    overrides = ["dataset.batch_size=8", "network.generator.width=8"]
    config = compose_config(["model=gan", "dataset=ring", *overrides])
    model = create_model("gan", dataset="ring", overrides=overrides)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = Trainer(max_steps=3, max_epochs=-1, accelerator="cpu", devices=2, logger=False,
                      strategy=sys.argv[1], enable_checkpointing=False,
                      enable_progress_bar=False, enable_model_summary=False,
                      use_distributed_sampler=False)
    trainer.fit(model, datamodule=build(config.dataset.datamodule))
    moved = [name for name, value in model.state_dict().items() if not value.equal(before[name])]
    assert moved == list(before), "the weights come back to the process that has forked"
"""


def steps(folder):
    (metrics,) = folder.glob("runs/gan-ring/*/metrics.csv")
    with metrics.open() as file:
        rows = [row for row in csv.DictReader(file) if row.get("generator/loss")]
    return [int(row["step"]) for row in rows]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_two_nodes(start, tmp_path):
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}

    def node(rank):
        folder = tmp_path / f"node{rank}"
        folder.mkdir()
        words = [*RUN, "trainer.num_nodes=2", "trainer.devices=1"]
        return start(folder, *words, module="ganzoo.train", NODE_RANK=str(rank), **address)

    with ThreadPoolExecutor(2) as nodes:
        first, second = nodes.map(node, range(2))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert steps(tmp_path / "node0") == [1, 2, 3, 4]
    assert not list((tmp_path / "node1").glob("runs/*/*/metrics.csv"))


def test_torchrun(start, tmp_path):
    done = start(
        tmp_path,
        *("--nproc-per-node", "2", "-m", "ganzoo.train", *RUN, "trainer.devices=2"),
        module="torch.distributed.run",
    )
    assert done.code == 0, done.err
    assert steps(tmp_path) == [1, 2, 3, 4]


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be forked")
def test_forked_processes_as_in_a_notebook(start, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = start(tmp_path, "script.py", "player_parallel_notebook")
    assert done.code == 0, done.err
