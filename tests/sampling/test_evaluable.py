"""What translations and reconstructions are compared with, in training and from a checkpoint."""

import json
import sys
from functools import cache

import pytest
import torch

from ganzoo import create_model
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.evaluate import main
from ganzoo.metrics import FrechetDistance
from ganzoo.metrics.features import PixelFeatures
from ganzoo.sampling.evaluable import Evaluable

PATCHES = ("network.discriminator.width=4", "network.discriminator.downsamplings=1")
SMALL = {
    "pix2pix": ("network.generator.width=4", "network.generator.downsamplings=3", *PATCHES),
    "cycle_gan": ("network.generator.width=4", "network.generator.blocks=1", *PATCHES),
    "vqgan": (
        *("network.encoder.width=8", "network.encoder.z_channels=8", "network.encoder.groups=4"),
        *("network.quantizer.num_codes=8", *PATCHES),
    ),
}
DATA = {"pix2pix": "digits_edges", "cycle_gan": "digits_negatives", "vqgan": "digits"}
DIRECTIONS = [("pix2pix", "a"), ("pix2pix", "b"), ("cycle_gan", "a"), ("cycle_gan", "b")]


@cache
def model_of(name, *words):
    return create_model(name, dataset=DATA[name], overrides=[*SMALL[name], *words])


class Pictures:
    """Real pictures, and others that are held out: of two domains, or of one."""

    def __init__(self, domains=("a", "b"), held_out=True):
        self.domains, self.has_held_out = domains, held_out

    def real(self, count, seed):
        return self._drawn(count, seed), None

    def held_out(self, count, seed):
        return (self._drawn(count, 100 + seed), None) if self.has_held_out else None

    def _drawn(self, count, seed):
        random = torch.Generator().manual_seed(seed)
        drawn = {n: torch.rand(min(count, 9), 1, 8, 8, generator=random) for n in self.domains}
        return drawn if len(drawn) > 1 else drawn.popitem()[1]


def all_of(samples):
    return torch.cat([samples.batch(0, 4), samples.batch(4, len(samples))])


@pytest.mark.parametrize(("name", "target"), DIRECTIONS)
@pytest.mark.parametrize("held_out", [True, False])
def test_translations_of_unseen_pictures_are_compared_with_those_of_their_domain(
    name, target, held_out
):
    data, model = Pictures(held_out=held_out), model_of(name, f"model.target={target}")
    assert isinstance(model, Evaluable)
    reference = model.reference_data(data)
    assert reference == model.reference_data(data) != model.reference_data(Pictures())
    assert torch.equal(reference.real(5, 3)[0], data.real(5, 3)[0][target])
    sources = (data.held_out if held_out else data.real)(9, 3)[0]
    source = sources["b" if target == "a" else "a"]
    samples = model.evaluation_samples(data, count=9, real_labels=None, seed=3)
    assert torch.equal(all_of(samples), model.translate(source, to=target))
    which = "held-out" if held_out else "training"
    made = f"translations to {target} of {which} samples"
    assert samples.protocol == {"samples": made, "weights": "raw"}
    assert len(samples) == 9 and samples.labels is None and samples.generator is None


def test_reconstructions_of_unseen_pictures_are_compared_with_all_of_the_data():
    data, model = Pictures(domains=["a"]), model_of("vqgan")
    assert model.reference_data(data) is data
    samples = model.evaluation_samples(data, count=9, real_labels=None, seed=3)
    expected = model.reconstruct(data.held_out(9, 3)[0]).clamp(-1, 1)
    torch.testing.assert_close(all_of(samples), expected, rtol=0, atol=1e-5)
    assert samples.protocol["samples"] == "reconstructions of held-out samples"


def test_too_few_pictures_and_those_of_no_domain():
    model = model_of("pix2pix")
    with pytest.raises(InputError, match="10 samples are asked for, and there are 9 held-out"):
        model.evaluation_samples(Pictures(), count=10, real_labels=None, seed=0)
    with pytest.raises(InputError, match="compared with a data set of two domains: leave real out"):
        model.reference_data(Pictures(domains=["a"])).real(3, 0)
    with pytest.raises(InputError, match=r"model.target must be a or b, not c"):
        model_of("cycle_gan", "model.target=c")


@pytest.mark.parametrize(("name", "target"), [("pix2pix", "a"), ("vqgan", None)])
def test_a_checkpoint_has_the_value_of_its_run_and_of_the_definition(
    name, target, trainer, tmp_path, monkeypatch, capsys
):
    direction = [f"model.target={target}"] if target else []
    words = [f"model={name}", f"dataset={DATA[name]}", *SMALL[name], *direction]
    measures = ["metrics=fid", "metrics.features=pixels", "dataset.evaluation_samples=70"]
    own = [f"cache_dir={tmp_path}", "dataset.batch_size=4"]
    config = compose_config([*words, *measures, *own])
    torch.manual_seed(0)
    model = create_model(name, dataset=DATA[name], overrides=[*SMALL[name], *direction])
    data = build(config.dataset.datamodule)
    evaluation = Evaluation(evaluator=build(config.metrics.evaluator), every_n_steps=10)
    run = trainer(1, callbacks=[evaluation], plugins=[AtomicCheckpointIO()])
    run.fit(model, datamodule=data)
    run.save_checkpoint(tmp_path / "model.ckpt")
    ((logged),) = evaluation.history
    metric, (real, _) = FrechetDistance(), data.real(70, 0)
    if target:
        made = model.translate(real["b" if target == "a" else "a"], to=target)
        real = real[target]
    else:
        made = model.reconstruct(real).clamp(-1, 1)
    pixels = PixelFeatures()
    metric.update(pixels(real), real=True)
    metric.update(pixels(made), real=False)
    expected = pytest.approx(metric.compute()["fid"].item(), rel=1e-4)
    assert logged["metrics/fid_pixels@70"] == expected
    monkeypatch.chdir(tmp_path)
    line = ["ganzoo", "checkpoint=model.ckpt", *measures, own[0], "output=out", "device=cpu"]
    monkeypatch.setattr(sys, "argv", line)
    main()
    (source,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["sources"]
    assert source["values"]["fid_pixels@70"]["mean"] == expected
    assert source["samples"].endswith("of training samples")
