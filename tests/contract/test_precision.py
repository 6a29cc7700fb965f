"""Every model in mixed precision: finite, learning, and close to float32."""

import csv
import math

import pytest
import torch

from ganzoo.composition.compose import group_choices
from ganzoo.errors import InputError
from tests.contract.small import on_pictures

STEPS = 30
RUN = (
    "dataset.batch_size=32",
    f"trainer.max_steps={STEPS}",
    f"trainer.log_every_n_steps={STEPS}",
    "optimizer.lr=2e-4",
    "callbacks=[checkpoints]",
    "seed=3",
)
FLOAT16 = "trainer.precision=16-mixed"
# InfoGAN's likelihoods of continuous codes still fall steeply after so few steps. In float16 the
# first updates are skipped until the losses' scale is found, so fewer have been made.
SHARES = {"classifier/loss": 0.2, FLOAT16: 0.3}


def losses(folder):
    """Each player's last loss, and the sum of the sizes of its terms."""
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [
            {name: float(value) for name, value in row.items() if value and "/" in name}
            for row in csv.DictReader(file)
        ]
    values = next(row for row in reversed(rows) if any(name.endswith("/loss") for name in row))
    found = {}
    for name in [name for name in values if name.endswith("/loss")]:
        player = name.removesuffix("loss")
        others = (player + "loss", player + "gradient_norm")
        terms = [v for n, v in values.items() if n.startswith(player) and n not in others]
        found[name] = values[name], sum(map(abs, terms))
    return found


def weights_are_float32(folder):
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return all(value.dtype == torch.float32 for name, value in state.items() if "weight" in name)


def assert_close_to_float32(run, model, *changes, device="cpu"):
    """With each of the changes, the losses are about those of exact float32."""
    command = (*on_pictures(model), *RUN, f"trainer.accelerator={device}")
    _, exact = run(*command, "float32_matmul_precision=highest", name="exact")
    for change in changes:
        _, changed = run(*command, change, name=change.partition("=")[2])
        assert weights_are_float32(changed)
        assert_close(losses(changed), losses(exact), change)


def assert_close(found, reference, change):
    for name, (value, _) in found.items():
        assert math.isfinite(value), (change, name)
        # Two runs drift apart by rounding alone; no loss is further off than its share.
        expected, size = reference[name]
        share = max(SHARES.get(name, 0.1), SHARES.get(change, 0.1))
        assert abs(value - expected) < share * (1 + size), (change, name)


@pytest.fixture(autouse=True)
def _restored_precision():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("model", group_choices("model"))
def test_bfloat16_on_the_cpu(run, model):
    assert_close_to_float32(run, model, "trainer.precision=bf16-mixed")


@pytest.mark.gpu
@pytest.mark.parametrize("model", group_choices("model"))
def test_on_a_gpu(run, model, accelerator):
    changes = ["trainer.precision=bf16-mixed", "float32_matmul_precision=high"]
    if accelerator != "cpu":  # float16 is the GPU's
        changes += [FLOAT16]
    assert_close_to_float32(run, model, *changes, device=accelerator)


def test_an_unknown_matmul_precision_is_refused(run):
    with pytest.raises(InputError, match="unknown float32_matmul_precision 'hihg': did you mean"):
        run("dataset=ring", "float32_matmul_precision=hihg")
