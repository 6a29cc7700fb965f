"""Run the command line's work inside the test process."""

from copy import deepcopy

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf, open_dict

from ganzoo.composition.compose import compose_config
from ganzoo.composition.session import global_flags_kept
from ganzoo.composition.trainer import build_trainer
from ganzoo.train import train
from tests.contract.small import WITHOUT_LATENTS

SMALL = (
    "trainer=smoke",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "dataset.batch_size=8",
)
EVALUATED = ("metrics.evaluator.samples=16",)
FEW_LATENTS = ("network.latent.latent_dim=12",)
FEW_SAMPLES = ("callbacks.samples.points=16",)


def composed(overrides, folder):
    """Compose as the command line does, Hydra's own settings included."""
    config = compose_config(overrides, with_hydra=True)
    with open_dict(config):
        config.hydra.runtime.output_dir = str(folder)
        config.hydra.mode = "RUN"
    HydraConfig.instance().set_config(config)
    with open_dict(config):
        config.run_dir = str(folder)
        config.run_name = folder.name
        config.latest = str(folder.parent / "latest")
        del config["hydra"]
    return config


@pytest.fixture(scope="module")
def as_composed():
    """Compose as the command line does, for a folder."""
    yield composed
    HydraConfig.instance().cfg = None


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A small run without callbacks and loggers, composed once."""
    words = (*SMALL, *EVALUATED, *FEW_LATENTS, "dataset=ring", "callbacks=none", "logger=none")
    return composed(words, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def built(plain):
    """Build the trainer of that run with some settings changed, without composing it anew."""

    def build(*overrides):
        config = deepcopy(plain)
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            OmegaConf.update(config, override.key_or_group, override.value(), force_add=True)
        return build_trainer(config, validates=False)

    with global_flags_kept():
        yield build


@pytest.fixture
def run(tmp_path):
    """Train for a few steps in a folder of its own; return the objective and the folder."""

    def start(*overrides, name="run"):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        fewer = () if any("callbacks=" in item for item in overrides) else FEW_SAMPLES
        if not {f"model={name}" for name in WITHOUT_LATENTS} & set(overrides):
            fewer += FEW_LATENTS
        if "model=vqgan" not in overrides:  # whose objective is no metric
            fewer += EVALUATED
        return train(composed((*SMALL, *fewer, *overrides), folder)), folder

    yield start
    HydraConfig.instance().cfg = None
