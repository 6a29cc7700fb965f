"""The search: its schedules, noise maps, and pictures that a model has made found again."""

import math
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import InputError
from ganzoo.metrics.features import PixelFeatures, RandomFeatures
from ganzoo.networks.noise import SeededNoise
from ganzoo.projection import PictureDistance, Search, read_projection, search_space
from ganzoo.projection.noise_maps import normalize, roughness

STYLE = [
    "network.generator.max_width=32",
    "network.generator.style_dim=16",
    "network.latent.latent_dim=8",
]
SMALL = ["network.generator.width=8", "network.latent.latent_dim=4"]
SPREAD = 4.0  # by which a new network's weights are multiplied, so that its pictures differ


@pytest.fixture
def styled():
    """A new StyleGAN2 with noise that shows."""
    torch.manual_seed(0)
    model = ganzoo.create_model("stylegan2", dataset="digits", overrides=STYLE)
    for layer in model.generator.synthesis.layers:
        layer.noise_strength.data.fill_(0.1)
    return model.eval()


@pytest.fixture
def of_latents():
    """Make a new model without styles, whose pictures differ."""

    def make(name, *words):
        torch.manual_seed(0)
        model = ganzoo.create_model(name, dataset="digits", overrides=[*SMALL, *words]).eval()
        for parameter in model.generator.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(SPREAD)
        return model

    return make


def found(model, target, *, seed=0, label=None, averaged=False, pixel_weight=1.0, **settings):
    extractors = [RandomFeatures(dimension=32, seed=0)]
    distance = PictureDistance(target, extractors, pixel_weight=pixel_weight, largest_size=256)
    choice = {"label": label, "seed": seed, "averaged": averaged}
    space = search_space(model, distance, draws=500, candidates=32, **choice)
    return Search(**settings).find(space, distance, seed=seed, averaged=averaged), distance


def test_schedules_of_the_authors():
    search = Search()
    assert search.rate_at(0) == 0 and search.rate_at(0.025) == pytest.approx(0.05)
    assert search.rate_at(0.05) == search.rate_at(0.75) == pytest.approx(0.1)
    assert search.rate_at(0.875) == pytest.approx(0.05)
    assert search.rate_at(1) == pytest.approx(0)
    assert search.noise_at(0) == 0.05 and search.noise_at(0.375) == pytest.approx(0.0125)
    assert search.noise_at(0.75) == search.noise_at(0.9) == 0


def test_a_picture_is_found_again_among_styles(styled):
    """Its own style, of labels, is one of those looked for; noise too has to be found."""
    labels = torch.tensor([3])
    latents = styled.latent_prior.sample(1, generator=torch.Generator().manual_seed(7))
    noise = SeededNoise(torch.tensor([9]))
    with torch.no_grad():
        target = styled.generator(latents, labels, noise=noise)
    found_one, distance = found(styled, target, steps=150)
    assert found_one.space == "styles" and found_one.label is None
    assert found_one.after < found_one.before / 10
    shown = found_one.picture(styled)
    assert float(distance(shown)) == pytest.approx(found_one.after, rel=1e-4)
    assert [tuple(noise.shape) for noise in found_one.noise] == [(1, 1, 4, 4)] + 2 * [(1, 1, 8, 8)]
    for noise in found_one.noise:
        assert float(noise.mean()) == pytest.approx(0, abs=1e-5)
        assert float(noise.square().mean()) == pytest.approx(1, abs=1e-4)


def test_a_picture_is_found_again_among_latents(of_latents):
    model = of_latents("dcgan")
    latents = model.latent_prior.sample(1, generator=torch.Generator().manual_seed(10_007))
    with torch.no_grad():
        target = model.generator(latents)
    found_one, _ = found(model, target, steps=150)
    assert found_one.space == "latents" and found_one.noise == []
    assert found_one.after < found_one.before / 100
    # Without biases a picture of much contrast says little of its latent's length.
    assert float(torch.cosine_similarity(found_one.point, latents)) > 0.99


def test_the_class_is_found_where_none_is_given(of_latents):
    model = of_latents("conditional_gan", "network=mlp")
    latents = model.latent_prior.sample(32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        target = model.generator(latents[13:14], torch.tensor([3]))
    assert found(model, target, steps=1)[0].label == 3
    assert found(model, target, steps=1, label=5)[0].label == 5


def test_the_same_seed_finds_the_same_point_and_the_model_stays(styled):
    before = {name: value.clone() for name, value in styled.state_dict().items()}
    target = torch.rand(1, 1, 8, 8) * 2 - 1
    points = [found(styled, target, steps=5, seed=seed)[0].point for seed in (1, 1, 2)]
    assert torch.equal(points[0], points[1]) and not torch.equal(points[0], points[2])
    assert all(torch.equal(before[name], value) for name, value in styled.state_dict().items())
    assert all(parameter.requires_grad for parameter in styled.generator.parameters())


def test_a_point_is_kept_in_a_file(styled, of_latents, tmp_path):
    target = torch.rand(1, 1, 8, 8) * 2 - 1
    one, _ = found(styled, target, steps=3)
    read = read_projection(one.save(tmp_path / "point.pt"))
    assert torch.equal(read.picture(styled), one.picture(styled))
    assert (read.before, read.after) == (one.before, one.after)
    with pytest.raises(InputError, match="one of styles, which the model does not have"):
        read.picture(of_latents("dcgan"))
    wider = [*STYLE[:1], "network.generator.style_dim=8", STYLE[2]]
    other = ganzoo.create_model("stylegan2", dataset="digits", overrides=wider)
    with pytest.raises(InputError, match="of a model with other networks"):
        read.picture(other)


class Intruder:
    def __reduce__(self):
        return Path.touch, (Path("intruded"),)


@pytest.mark.parametrize(
    "content", [Intruder(), {"space": "styles"}, {"point": 3}, [1], {"noise": [Intruder()]}]
)
def test_other_files_are_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    torch.save(content, "point.pt")
    with pytest.raises(InputError, match=r"point.pt holds no projection"):
        read_projection("point.pt")
    with pytest.raises(InputError, match="there is no file"):
        read_projection("nothing.pt")
    assert not Path("intruded").exists()


def test_roughness_is_that_of_the_paper():
    noise = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    half = noise.view(8, 2, 8, 2).mean(dim=(1, 3))
    wanted = 0.0
    for one in (noise[0, 0], half):
        size = len(one)
        places = [(i, j) for i in range(size) for j in range(size)]
        right = sum(float(one[i, j] * one[i, j - 1]) for i, j in places)
        below = sum(float(one[i, j] * one[i - 1, j]) for i, j in places)
        wanted += (right / size**2) ** 2 + (below / size**2) ** 2
    assert float(roughness([noise])) == pytest.approx(wanted)
    assert float(roughness([noise, noise])) == pytest.approx(2 * wanted)
    smooth = torch.linspace(-1, 1, 16, dtype=torch.float64).expand(1, 1, 16, 16).clone()
    normalize([smooth])
    assert float(roughness([smooth])) > 50 * wanted


def test_larger_pictures_are_averaged_down():
    torch.manual_seed(0)
    target, picture = torch.rand(2, 1, 1, 32, 32).mul(2).sub(1)
    random = [RandomFeatures(dimension=32, seed=0)]
    small = PictureDistance(target, random, pixel_weight=0, largest_size=8)(picture)
    reduced = [one.view(1, 1, 8, 4, 8, 4).mean(dim=(3, 5)) for one in (target, picture)]
    whole = PictureDistance(reduced[0], random, pixel_weight=0, largest_size=8)(reduced[1])
    assert float(small) == pytest.approx(float(whole))
    pixels = PictureDistance(target, [], pixel_weight=2, largest_size=8)(picture)
    assert float(pixels) == pytest.approx(2 * float((target - picture).square().mean()))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps must be a whole number from 1 up"),
        ({"lr": 0}, "lr must be a positive number"),
        ({"fall": 2.0}, "fall is a share of the steps: at most 1, not 2.0"),
        ({"noise": -1}, "noise must"),
    ],
)
def test_wrong_numbers(settings, said):
    with pytest.raises(InputError, match=said):
        Search(**settings)


def test_what_cannot_be_looked_for(styled, gan):
    target = torch.zeros(1, 1, 8, 8)
    with pytest.raises(InputError, match="among latents, and CycleGAN has none"):
        found(ganzoo.create_model("cycle_gan", dataset="digits_negatives"), target)
    points = ganzoo.create_model("gan", dataset="ring")
    with pytest.raises(InputError, match="this model makes points"):
        found(points, target)
    with pytest.raises(InputError, match="label 10 is out of range"):
        found(styled, target, label=10)
    with pytest.raises(InputError, match="needs features, or pixel_weight above 0"):
        PictureDistance(target, [], pixel_weight=0, largest_size=8)
    with pytest.raises(InputError, match="not the pixels"):
        PictureDistance(target, [PixelFeatures()], pixel_weight=0, largest_size=8)
    with pytest.raises(InputError, match="left all numbers"):
        found(styled, torch.full_like(target, math.nan), steps=1)
