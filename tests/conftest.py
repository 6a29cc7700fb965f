"""Small parts that many tests need."""

import gc
import logging
import os
import warnings
from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn

from ganzoo.losses.minimax import NonSaturating
from ganzoo.models.gan import GAN
from ganzoo.networks.latents import Normal
from ganzoo.optim.gradient_play import Alternating

torch.set_num_threads(1)
warnings.filterwarnings("ignore", module="lightning")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class TinyDiscriminator(nn.Module):
    def __init__(self, features: int, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(features, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def forward(self, data):
        return self.layers(data).squeeze(1)


class Batches:
    """An endless dataloader of the same shapes, different in each batch."""

    def __init__(self, *shape: int, labels: int | None = None) -> None:
        self.shape, self.labels = shape, labels

    def __iter__(self):
        generator = torch.Generator().manual_seed(0)
        while True:
            data = torch.randn(self.shape, generator=generator).clamp(-1, 1)
            if self.labels is None:
                yield [data]
            else:
                yield [data, torch.randint(self.labels, self.shape[:1], generator=generator)]


ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))


def make_gan(kind: type[GAN] = GAN, **changes) -> GAN:
    parts = {
        "generator": nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)),
        "discriminator": TinyDiscriminator(2),
        "loss": NonSaturating(label_smoothing=0.0),
        "penalties": {},
        "augmentations": {},
        "replay": None,
        "packing": 1,
        "latent_prior": Normal(latent_dim=4),
        "optimizers": {"generator": ADAM, "discriminator": ADAM},
        "update_rule": Alternating(),
        "lookahead": None,
        "schedule": None,
        "gradient_clipping": None,
        "ema": None,
        "discriminator_steps": 1,
        "micro_batches": 1,
        "non_finite_tolerance": 0,
    }
    return kind(**(parts | changes))


def make_trainer(steps: int, **changes) -> Trainer:
    settings = {
        "max_steps": steps,
        "max_epochs": -1,
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
    }
    return Trainer(**(settings | changes))


def pytest_collection_modifyitems(items):
    """Leave what is marked ``nightly`` to runs that ask for everything."""
    if os.environ.get("GANZOO_CELLS") != "all":
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="nightly: GANZOO_CELLS=all runs it"))


def pytest_collection_finish():
    """Leave modules and tests, which stay to the end, out of all later garbage collections."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()  # what is left is taken down as usual, or compiled extensions complain


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Where all tests of a session keep classifiers and features of real data."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return shared / "cache"


@pytest.fixture(autouse=True)
def _clean_environment(cache):
    """What Lightning tells the processes of one test is not for those of the next."""
    before = dict(os.environ)
    os.environ["GANZOO_CACHE"] = str(cache)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def accelerator():
    """``gpu``; in a rehearsal of the tests marked ``gpu`` it is ``cpu``."""
    if torch.cuda.is_available():
        return "gpu"
    if os.environ.get("GANZOO_REHEARSE") != "1":
        pytest.skip("needs a GPU")
    return "cpu"


@pytest.fixture
def device(accelerator):
    """The device of tests marked ``gpu``."""
    return torch.device("cuda" if accelerator == "gpu" else "cpu")


@pytest.fixture
def gan():
    """Make a small GAN of 2-D points; keyword arguments replace its parts."""
    torch.manual_seed(0)
    return make_gan


@pytest.fixture
def trainer():
    """Make a quiet trainer for a number of generator updates."""
    return make_trainer


@pytest.fixture
def batches():
    """Make an endless dataloader of a batch shape."""
    return Batches
