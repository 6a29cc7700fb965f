"""Games whose generator has styles and noise: sampled, trained, stopped and resumed."""

from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ganzoo import create_model
from ganzoo.export import Request
from ganzoo.game.minibatch import Minibatch
from ganzoo.interpolation import spherical
from ganzoo.penalties.context import Context
from ganzoo.penalties.path_length import path_lengths
from ganzoo.pictures import to_uint8
from ganzoo.sample import main

SMALL = [
    "network=style",
    "network.generator.width=4",
    "network.generator.style_dim=8",
    "network.latent.latent_dim=16",
]
LABELS = ["network.conditioning=mapping"]


def make(model="gan", *words):
    """A model of digits whose noise and mean of styles are as after some training."""
    torch.manual_seed(0)
    made = create_model(model, dataset="digits", overrides=[*SMALL, *words])
    with torch.no_grad():
        for layer in made.generator.synthesis.layers:
            layer.noise_strength.fill_(0.3)
        made.generator.mapping.mean.value.normal_()
        for average in made.ema.values():
            average.network.load_state_dict(made.generator.state_dict())
    return made


@pytest.fixture(params=["gan", "conditional_gan"])
def model(request):
    return make(request.param, *(LABELS if request.param == "conditional_gan" else []))


@pytest.fixture
def digits(batches):
    """An endless loader of eight pictures and their classes, without the first few batches."""

    class Later(batches):
        def __init__(self, without=0):
            super().__init__(8, 1, 8, 8, labels=10)
            self.without = without

        def __iter__(self):
            return islice(super().__iter__(), self.without, None)

    return Later


def test_a_seed_makes_the_same_samples_in_any_batches(model):
    state = torch.get_rng_state()
    samples = model.sample(7, seed=3)
    assert torch.equal(model.sample(7, seed=3), samples)
    torch.testing.assert_close(model.sample(7, seed=3, batch_size=2), samples)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.allclose(model.sample(7, seed=4), samples)


def test_truncation_of_styles(model):
    whole = model.sample(5, seed=0)
    assert torch.equal(model.sample(5, seed=0, truncation=1.0), whole)
    none = model.sample(5, seed=0, truncation=0.0)
    near = model.sample(5, seed=0, truncation=0.7)
    assert near.std(dim=0).mean() < whole.std(dim=0).mean()
    assert not torch.allclose(none[0], none[1])  # by their noise
    latents, labels = model.draw(5, labels=None, seed=0, truncation=None)
    decode = partial(model.decode, latents, labels, averaged=True, batch_size=5)
    centre = decode(truncation=0.0)
    torch.testing.assert_close(centre, centre[:1].expand_as(centre))
    assert not torch.allclose(decode()[0], decode()[1])


def test_interpolations_are_truncated_too():
    request = Request(n=2, labels=None, seed=0, truncation=0.0, averaged=True, batch_size=8)
    frames = request.path_between_latents(make(), spherical, 3)
    torch.testing.assert_close(frames, frames[:1].expand_as(frames))


TRAINING = [
    "penalty=[r1,path_length]",
    "penalty.path_length.interval=2",
    "optimizer.ema=exponential",
]


@pytest.mark.parametrize(("name", "words"), [("gan", []), ("conditional_gan", LABELS)])
def test_a_run_that_stops_and_goes_on_is_one_that_never_stopped(
    name, words, digits, trainer, tmp_path
):
    whole, first, second = (
        make(name, *words, *TRAINING, "model.micro_batches=2") for _ in range(3)
    )
    torch.manual_seed(2)
    trainer(6).fit(whole, digits())
    torch.manual_seed(2)
    run = trainer(3)
    run.fit(first, digits())
    run.save_checkpoint(tmp_path / "stopped.ckpt")
    torch.manual_seed(3)
    trainer(6).fit(second, digits(3), ckpt_path=tmp_path / "stopped.ckpt", weights_only=True)
    states = [model.state_dict() for model in (whole, second, first)]
    different = [key for key, value in states[0].items() if not torch.equal(value, states[1][key])]
    assert not different
    means = [f"{place}.mapping.mean.value" for place in ("generator", "ema.generator.network")]
    for mean in means:
        assert torch.equal(states[0][mean], states[0][means[0]])  # buffers are copied
        assert not torch.equal(states[0][mean], states[2][mean])
    assert torch.equal(whole.sample(3, seed=0), second.sample(3, seed=0))


@pytest.mark.parametrize("parts", [1, 2])
def test_the_mean_follows_all_styles_of_the_generator_s_steps(parts, digits, trainer):
    model = make("gan", f"model.micro_batches={parts}", "model.discriminator_steps=2")
    mapping, expected = model.generator.mapping, model.generator.mapping.mean.value.clone()
    seen = []

    def keep(module, inputs, output):
        if output.requires_grad and module.training:
            seen.append(output[:, 0].detach())

    def follow(player):
        if player.name == "generator":
            assert len(seen) == parts
            expected.lerp_(torch.cat(seen).mean(dim=0), 1 - mapping.mean.decay)
            seen.clear()
            torch.testing.assert_close(mapping.mean.value, expected)

    mapping.register_forward_hook(keep)
    model.loss.after_step = follow  # the game calls it last of all parts
    trainer(3).fit(model, digits())
    torch.testing.assert_close(mapping.mean.value, expected)
    assert not seen


@pytest.mark.parametrize(("name", "words"), [("gan", []), ("conditional_gan", LABELS)])
def test_path_lengths_are_those_of_styles(name, words, digits, trainer):
    """Of the style of each layer, whose mean square the authors take."""
    model = make(name, *words, "penalty=path_length", "penalty.path_length.interval=1")
    asked = []
    synthesis = model.generator.synthesis
    synthesis.register_forward_hook(lambda *call: asked.append(call))
    trainer(1).fit(model, digits())
    _, (styles,), _ = asked[-1]
    assert styles.shape == (8, 4, 8) and styles.requires_grad
    assert model.penalties["path_length"].average.seen
    assert model.latest_terms["generator/path_length"] > 0


def test_path_lengths_of_a_linear_synthesis():
    """Of a linear synthesis the mean square is that of its matrix, whatever the mapping's scale."""

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.randn(3, 5))

        def mapping(self, latents):
            return 100 * latents

        def synthesis(self, styles):
            return styles @ self.matrix

    torch.manual_seed(0)
    network = Linear()
    context = Context(generator=network, draw_latents=lambda count: torch.randn(count, 3))
    lengths = path_lengths(context, context.draw_latents(20_000))
    expected = network.matrix.square().sum().item() / 5
    assert lengths.square().mean().item() == pytest.approx(expected, rel=0.03)


def test_lengths_by_hand():
    model = make("conditional_gan", *LABELS)
    real, labels = torch.zeros(5, 1, 8, 8), torch.arange(5)
    context = model.context(Minibatch({"real": real, "labels": labels}, 5))
    latents = torch.randn(5, 16)
    torch.manual_seed(7)
    lengths = path_lengths(context, latents)
    torch.manual_seed(7)
    style = model.generator.mapping(latents, labels)[:, 0].detach()
    styles = torch.stack([style] * 4, dim=1).requires_grad_()
    images = model.generator.synthesis(styles)
    directions = torch.randn_like(images) / 8
    (gradients,) = torch.autograd.grad((images * directions).sum(), styles)
    wanted = gradients.square().sum(dim=2).mean(dim=1).sqrt()
    torch.testing.assert_close(lengths, wanted)


def test_predictions_are_samples_of_latents(model, trainer):
    """With noise from torch's state, as in the networks' own forward; here it has no strength."""
    network = model.sampling_network(averaged=True)
    for layer in network.synthesis.layers:
        layer.noise_strength.zero_()
    latents, labels = torch.randn(3, 16), torch.tensor([0, 1, 2])
    pairs = DataLoader(list(zip(latents, labels, strict=True)), batch_size=3)
    (found,) = trainer(1).predict(model, pairs)
    classes = labels if hasattr(model, "num_classes") else None
    torch.testing.assert_close(found, network(latents, classes))


def test_truncation_on_the_command_line(digits, trainer, tmp_path, monkeypatch, capsys):
    model, run = make("gan", "optimizer.ema=exponential"), trainer(1)
    run.fit(model, digits())
    run.save_checkpoint(tmp_path / "model.ckpt")

    def sample(truncation):
        words = [f"output={tmp_path}/{truncation}", f"truncation={truncation}", "format=npz", "n=5"]
        words.append(f"checkpoint={tmp_path}/model.ckpt")
        monkeypatch.setattr("sys.argv", ["sample", *words])
        main()
        stored = np.load(tmp_path / str(truncation) / "samples.npz")["samples"]
        return torch.from_numpy(stored).permute(0, 3, 1, 2)

    wanted = to_uint8(model.sample(5, seed=0, truncation=0.7))
    assert torch.equal(sample(0.7), wanted)
    assert not torch.equal(sample("null"), wanted)
    with pytest.raises(SystemExit):
        sample(1.5)
    said = capsys.readouterr().err.strip()
    assert said.endswith("truncation of styles must be at least 0 and at most 1, not 1.5")
    assert len(said.splitlines()) == 1
