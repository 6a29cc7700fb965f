"""How parts that are made in Python come by their defaults; contract/ has what they all are."""

import inspect
import pickle
import pydoc
import runpy
import subprocess
import sys

import pytest
import torch

from ganzoo.configs import config_directory
from ganzoo.losses import Drift, GaussianKernel, LeastSquares, NonSaturating
from ganzoo.metrics import FeatureCache
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.latents import Normal
from ganzoo.optim import OptimisticAdam
from ganzoo.penalties import R1, PathLength, Penalty


def test_numbers_are_those_of_the_papers():
    assert (R1().weight, R1().interval) == (10.0, 1)
    assert (PathLength().weight, PathLength().interval) == (2.0, 8)
    targets = LeastSquares()
    assert (targets.fake_target, targets.real_target, targets.generator_target) == (0.0, 1.0, 1.0)
    weights = [torch.nn.Parameter(torch.ones(1))]
    assert OptimisticAdam(weights).defaults["betas"] == (0.5, 0.999)


def test_what_is_given_wins_and_what_is_not_is_made_anew():
    assert R1(weight=3.0).weight == 3.0
    assert R1(weight=3.0).interval == 1
    assert NonSaturating(label_smoothing=0.1).label_smoothing == 0.1
    assert OptimisticAdam([torch.nn.Parameter(torch.ones(1))], 0.5).defaults["lr"] == 0.5
    first, second = Drift(), Drift()
    assert first.loss is not second.loss
    kernels = GaussianKernel().bandwidths, GaussianKernel().bandwidths
    assert kernels[0] == kernels[1]
    assert kernels[0] is not kernels[1]


def test_the_cache_is_where_the_environment_says_now(monkeypatch, tmp_path):
    for folder in (tmp_path / "first", tmp_path / "second"):
        monkeypatch.setenv("GANZOO_CACHE", str(folder))
        assert FeatureCache().folder == folder


def test_typed_code_of_a_user_runs():
    """``make lint`` lets mypy check the same file."""
    path = config_directory().parent / "tests" / "typing" / "parts.py"
    user = runpy.run_path(str(path))
    assert [part.weight for part in user["parts"]()[3:]] == [10.0, 1.0, 0.3, 10.0]
    assert user["model"]().discriminator_steps == 5
    assert user["evaluator"]().samples == 2000
    assert not user["average"]().requires_grad
    assert [player.name for player in user["game"]()] == ["x", "y"]


def test_wrong_arguments_are_refused_as_ever():
    with pytest.raises(TypeError, match="positional"):
        R1(10.0)
    with pytest.raises(TypeError, match="wieght"):
        R1(wieght=10.0)
    with pytest.raises(TypeError, match="latent_dim"):
        Normal()


class Subclass(R1):
    """Has no file, so that its parent's is its own."""


class Scaled(R1):
    def __init__(self, *, scale):
        super().__init__(weight=10 * scale)


class Own(Penalty):
    def value(self, context):
        return context.real_logits.mean()


def test_subclasses():
    assert (Subclass().weight, Subclass(weight=2.0).weight) == (10.0, 2.0)
    assert pickle.loads(pickle.dumps(Subclass())).weight == 10.0
    assert (Scaled(scale=2).weight, Scaled(scale=2).interval) == (20, 1)
    assert Own(weight=1.0, interval=1, on="discriminator").weight == 1.0
    with pytest.raises(TypeError, match="Own has no default of interval, on, weight: give a value"):
        Own()


def test_signatures_show_the_numbers():
    kind = "float | ganzoo.annealing.CosineAnnealing"
    shown = f"(*, weight: {kind} = 10.0, interval: int = 1, on: str = 'discriminator')"
    assert str(inspect.signature(R1)) == shown
    assert inspect.signature(Subclass) == inspect.signature(R1)
    assert str(inspect.signature(Scaled)) == "(*, scale)"
    loss = inspect.signature(WGANGP).parameters["loss"]
    assert repr(loss.default) == "Wasserstein()"
    assert f"R1{shown}" in pydoc.plain(pydoc.render_doc(R1))


def test_a_file_is_read_when_it_is_needed():
    """Neither importing parts nor giving all arguments takes time, or needs a config library."""
    script = """
import sys
from ganzoo.penalties import R1
from ganzoo.losses import LeastSquares
R1(weight=1.0, interval=1, on="discriminator")
assert "omegaconf" not in sys.modules
assert R1().weight == 10.0
assert "omegaconf" in sys.modules
assert "hydra" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
