"""A real checkpoint to tamper with, and what must be true of each refusal."""

import lightning
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """The bytes of a trained model's checkpoint."""
    torch.manual_seed(0)
    model = ganzoo.create_model("wgan_gp", dataset="ring", overrides=["network.generator.width=8"])
    trainer = lightning.pytorch.Trainer(
        max_steps=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[AtomicCheckpointIO()],
    )
    trainer.fit(model, DataLoader(TensorDataset(torch.randn(20, 2)), batch_size=20))
    path = tmp_path_factory.mktemp("original") / "model.ckpt"
    trainer.save_checkpoint(path)
    return path.read_bytes()


@pytest.fixture
def path(original, tmp_path, monkeypatch):
    """That checkpoint as a file, alone in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.ckpt").write_bytes(original)
    return tmp_path / "model.ckpt"


@pytest.fixture
def refusal():
    """The one line with which a file is refused, when nothing has run."""

    def refuse(path, **how):
        with pytest.raises(InputError) as caught:
            ganzoo.load(path, **how)
        line = str(caught.value)
        assert line.isprintable()
        assert [file.name for file in path.parent.rglob("*")] == [path.name]
        return line

    return refuse
