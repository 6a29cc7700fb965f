"""Every model in mixed precision: finite, learning, and close to float32."""

import csv
import math

import pytest
import torch

from ganzoo.composition.compose import group_choices
from ganzoo.errors import InputError

STEPS = 40
RUN = (
    "dataset=digits",
    "dataset.batch_size=32",
    f"trainer.max_steps={STEPS}",
    f"trainer.log_every_n_steps={STEPS}",
    "optimizer.generator.lr=2e-4",
    "optimizer.discriminator.lr=2e-4",
    "callbacks=[checkpoints]",
    "seed=3",
)


def losses(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        *_, last = csv.DictReader(file)
    return {name: float(value) for name, value in last.items() if name.endswith("/loss")}


def weights_are_float32(folder):
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return all(value.dtype == torch.float32 for name, value in state.items() if "weight" in name)


def assert_close_to_float32(run, model, *changes, device="cpu"):
    command = (f"model={model}", *RUN, f"trainer.accelerator={device}")
    _, exact = run(*command, "float32_matmul_precision=highest", name="exact")
    _, mixed = run(*command, *changes, name="mixed")
    assert weights_are_float32(mixed)
    reference, found = losses(exact), losses(mixed)
    for name, value in found.items():
        assert math.isfinite(value)
        # Two runs drift apart by rounding alone; neither loss is further off than a tenth.
        assert abs(value - reference[name]) < 0.1 * (1 + abs(reference[name])), name


@pytest.fixture(autouse=True)
def _restored_precision():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("model", group_choices("model"))
def test_bfloat16_on_the_cpu(run, model):
    assert_close_to_float32(run, model, "trainer.precision=bf16-mixed")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("model", group_choices("model"))
@pytest.mark.parametrize(
    "change",
    ["trainer.precision=bf16-mixed", "trainer.precision=16-mixed", "float32_matmul_precision=high"],
)
def test_on_a_gpu(run, model, change):
    assert_close_to_float32(run, model, change, device="gpu")


def test_an_unknown_matmul_precision_is_refused(run):
    with pytest.raises(InputError, match="unknown float32_matmul_precision 'hihg': did you mean"):
        run("dataset=ring", "float32_matmul_precision=hihg")
