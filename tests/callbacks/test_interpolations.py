import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganzoo.callbacks import interpolations
from ganzoo.callbacks.interpolations import Interpolations, latent_path
from ganzoo.errors import InputError
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.latents import Normal, TruncatedNormal, Uniform
from ganzoo.pictures import RealDistribution, draw_paths
from ganzoo.saving import StopOnSaveError

CODES = CodePrior(latent_dim=12, categories=[3], continuous=2)
EVERY_PRIOR = [
    Normal(latent_dim=6),
    Uniform(latent_dim=6),
    TruncatedNormal(latent_dim=6, threshold=1.0),
    Normal(latent_dim=1),
    Uniform(latent_dim=1),
    CODES,
    CodePrior(latent_dim=4, categories=[3], continuous=0),
]


class Plain(nn.Module):
    """Makes of a latent a flat image whose colours are its first three numbers."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, latents):
        return (self.scale * latents[:, :3, None, None]).expand(-1, -1, 8, 8)


class Echo(nn.Module):
    """Makes points: the class, then the first number of the latent."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, latents, labels):
        return self.scale * torch.stack([labels.float(), latents[:, 0]], dim=1)


def drawing(folder, **changes):
    settings = {"every_n_steps": 2, "paths": 3, "steps": 4, "points": 20, "seed": 5}
    return Interpolations(folder=folder, on_save_error=StopOnSaveError(), **settings | changes)


def ends(prior, seed=0):
    return prior.sample(2, generator=torch.Generator().manual_seed(seed))


class Step:
    global_step = 3


@pytest.mark.parametrize("prior", EVERY_PRIOR, ids=lambda prior: f"{type(prior).__name__}")
@pytest.mark.parametrize("seed", range(5))
def test_a_path_begins_and_ends_where_it_should(prior, seed):
    start, end = ends(prior, seed)
    found = latent_path(prior, start, end, 7)
    assert found.shape == (7, prior.latent_dim)
    kept = prior.latent_dim - getattr(prior, "noise_dim", prior.latent_dim)
    assert torch.allclose(found[0], start, atol=1e-6)
    assert torch.allclose(found[-1, kept:], end[kept:], atol=1e-6)
    assert (found[:, :kept] == start[:kept]).all()


def test_uniform_latents_go_in_a_straight_line_and_stay_in_their_cube():
    prior = Uniform(latent_dim=6)
    start, end = ends(prior)
    found = latent_path(prior, start, end, 5)
    expected = torch.stack([start + (end - start) * share for share in (0, 0.25, 0.5, 0.75, 1)])
    assert torch.allclose(found, expected, atol=1e-6)
    corner = torch.ones(6)
    assert latent_path(prior, -corner, corner, 9).abs().max() <= 1


@pytest.mark.parametrize("prior", [Normal(latent_dim=6), CODES])
def test_normal_latents_keep_their_norm(prior):
    start, end = torch.zeros(2, prior.latent_dim)
    start[-1], end[-2] = 3.0, 3.0
    found = latent_path(prior, start, end, 3)
    assert torch.allclose(found.norm(dim=1), torch.tensor(3.0))
    assert found[1, -2:].tolist() == pytest.approx([3 / 2**0.5] * 2)


def test_codes_stay_and_noise_moves():
    start, end = ends(CODES, seed=3)
    assert not torch.equal(start[:5], end[:5])
    codes = CODES.codes(latent_path(CODES, start, end, 6))
    first = CODES.codes(start[None])
    assert (codes.categories[0] == first.categories[0]).all()
    assert (codes.continuous == first.continuous).all()
    assert len(codes.noise.unique(dim=0)) == 6


def test_where_no_noise_can_move_it_says_so(gan, trainer, batches, tmp_path, caplog):
    prior = CodePrior(latent_dim=4, categories=[3], continuous=1)
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(2, callbacks=[drawing(tmp_path / "a")]).fit(gan(latent_prior=prior), batches(8, 2))
    assert "all of a latent is codes" in caplog.text and not (tmp_path / "a").exists()


def test_each_row_is_a_path_from_begin_to_end(gan, tmp_path):
    """Colours of tiles are those of the latents, in their places."""
    model = gan(generator=Plain(), latent_prior=Uniform(latent_dim=4)).eval()
    callback = drawing(tmp_path, paths=2, steps=5)
    callback.draw(tmp_path / "rows.png", Step(), model)
    with Image.open(tmp_path / "rows.png") as image:
        picture = np.asarray(image).astype(int)
    drawn, _ = model.draw(4, labels=None, seed=5, truncation=None)
    expected = torch.cat(
        [latent_path(model.latent_prior, *drawn[2 * row : 2 * row + 2], 5) for row in (0, 1)]
    )
    colors = ((expected[:, :3] + 1) * 127.5).round().int().tolist()
    places = []
    for color in colors:
        rows, columns = (picture == color).all(axis=-1).nonzero()
        assert len(rows) == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        places.append((rows.min(), columns.min(), columns.max() - columns.min() + 1))
    tops, lefts, sides = zip(*places, strict=True)
    side = sides[0]
    assert set(sides) == {side} and side % 8 == 0 and 600 <= picture.shape[1] < 760
    assert tops == (tops[0],) * 5 + (tops[0] + side + 2,) * 5
    assert lefts == tuple(lefts[0] + step * (side + 2) for step in range(5)) * 2


def test_a_conditional_model_makes_each_path_of_one_class(gan, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(interpolations, "draw_paths", lambda paths, *_: seen.append(paths))
    model = gan(ConditionalGAN, generator=Echo(), num_classes=2, latent_prior=Uniform(latent_dim=4))
    drawing(tmp_path).draw(tmp_path / "a.png", Step(), model.eval())
    (paths,) = seen
    assert paths.shape == (3, 4, 2)
    assert paths[:, :, 0].tolist() == [[0.0] * 4, [1.0] * 4, [0.0] * 4]
    drawn, _ = model.draw(6, labels=None, seed=5, truncation=None)
    assert torch.equal(paths[:, 0, 1], drawn[0::2, 0])
    assert torch.allclose(paths[:, -1, 1], drawn[1::2, 0])


def test_it_draws_throughout_a_run(gan, trainer, tmp_path, labelled_points):
    callback = drawing(tmp_path)
    trainer(3, callbacks=[callback]).fit(gan(), datamodule=labelled_points(real=0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000002.png", "00000003.png"]
    assert callback.picture_folder.last_picture == tmp_path / "00000003.png"


def shown(paths, folder, title="title"):
    frame = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    path = draw_paths(
        paths, RealDistribution(frame[:, :1].expand(2, paths.shape[2])), folder / "p.png", title
    )
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def red(picture):
    return np.abs(picture - np.array([0xD1, 0x49, 0x5B])).max(axis=-1) < 40


def test_a_path_is_an_unbroken_line_through_its_points(tmp_path):
    picture = shown(torch.tensor([[[-1.5, -1.0], [0.0, -1.0], [1.5, -1.0]]]), tmp_path)
    rows, columns = red(picture).nonzero()
    assert len(np.unique(columns)) == columns.max() - columns.min() + 1 > 300
    assert rows.max() - rows.min() < 20 and rows.min() > picture.shape[0] / 2


def test_paths_have_colours_of_their_own(tmp_path):
    one = torch.tensor([[[-1.0, -1.0], [1.0, -1.0]]])
    two = torch.cat([one, -one])
    alone, both = (red(shown(paths, tmp_path)).sum() for paths in (one, two))
    assert alone == both


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_paths_of_any_dimension_are_drawn_finite_or_not(tmp_path, dimensions):
    paths = torch.linspace(-1, 1, 12).reshape(3, 4, 1).repeat(1, 1, dimensions)
    paths[1:, 2] = torch.nan
    assert red(shown(paths, tmp_path)).any()
    assert not red(shown(paths[1:], tmp_path)).any()


@pytest.mark.parametrize("shape", [(3, 2), (3, 4, 0)])
def test_paths_of_other_shapes_are_refused(tmp_path, shape):
    with pytest.raises(InputError, match=r"paths must have shape \[P, S, D\]"):
        draw_paths(torch.zeros(shape), RealDistribution(), tmp_path / "a.png", "")


@pytest.mark.parametrize(
    ("name", "number", "least"),
    [("every_n_steps", 0, 1), ("paths", 0, 1), ("paths", -2, 1), ("steps", 0, 2), ("steps", 1, 2),
     ("steps", -1, 2), ("points", 0, 1), ("seed", -1, 0)],
)  # fmt: skip
def test_impossible_numbers_are_refused(tmp_path, name, number, least):
    with pytest.raises(InputError, match=f"^{name} must be a whole number from {least} up"):
        drawing(tmp_path, **{name: number})
