"""Networks wrapped by torch.compile, and frozen models."""

import copy

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError


def test_a_compiled_generator_changes_neither_training_nor_checkpoints(trainer, batches, tmp_path):
    torch.manual_seed(0)
    plain = ganzoo.create_model("gan", dataset="ring", overrides=["network.generator.width=8"])
    wrapped = copy.deepcopy(plain)
    wrapped.generator = torch.compile(wrapped.generator, backend="eager")
    runs = []
    for model in (plain, wrapped):
        torch.manual_seed(1)
        run = trainer(2, plugins=[AtomicCheckpointIO()])
        run.fit(model, batches(8, 2))
        runs.append(run)
    assert list(plain.state_dict()) == list(wrapped.state_dict())
    assert all(torch.equal(v, plain.state_dict()[n]) for n, v in wrapped.state_dict().items())
    path = tmp_path / "wrapped.ckpt"
    runs[1].save_checkpoint(path)
    assert torch.equal(ganzoo.load(path).sample(3, seed=0), plain.sample(3, seed=0))
    trainer(3).fit(wrapped, batches(8, 2), ckpt_path=path)


def test_a_frozen_model_says_how_it_trains_again(gan, trainer, batches):
    model = gan()
    model.freeze()
    with pytest.raises(InputError, match=r"no weights to train: call model.unfreeze\(\)"):
        trainer(1).fit(model, batches(8, 2))
    model.unfreeze()
    model.eval()
    trainer(1).fit(model, batches(8, 2))
    assert all(module.training for module in model.modules())
