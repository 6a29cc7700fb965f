import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganzoo.callbacks import traversals
from ganzoo.callbacks.traversals import Traversals, code_colorings, traverse_codes
from ganzoo.errors import InputError
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.latents import Normal
from ganzoo.pictures import (
    CategoricalColoring,
    ContinuousColoring,
    LabelledGrid,
    RealDistribution,
    draw_colored,
    sheet,
)
from ganzoo.saving import StopOnSaveError

PRIOR = CodePrior(latent_dim=9, categories=[3, 2], continuous=2)


class Painter(nn.Module):
    """Flat images: red from the category, green from continuous code 1, blue from the noise."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, latents):
        codes = PRIOR.codes(latents)
        red = codes.categories[0] * 0.5 - 0.5
        colors = torch.stack([red, codes.continuous[:, 1], codes.noise[:, 0].tanh()], dim=1)
        return (self.scale * colors)[:, :, None, None].expand(-1, -1, 8, 8)


def drawing(folder, **changes):
    settings = {"every_n_steps": 2, "rows": 2, "steps": 5, "points": 60, "seed": 1}
    return Traversals(folder=folder, on_save_error=StopOnSaveError(), **settings | changes)


class Step:
    global_step = 3


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_one_code_takes_its_values_and_all_else_stays():
    latents = PRIOR.sample(4, generator=torch.Generator().manual_seed(0))
    found = traverse_codes(PRIOR, latents, 5)
    assert [name for name, _, _ in found] == [
        "categorical code", "continuous code 0", "continuous code 1",
    ]  # fmt: skip
    for (_, heads, changed), place, width in zip(found, (0, 5, 6), (3, 1, 1), strict=True):
        assert changed.shape == (4, len(heads), 9)
        others = [index for index in range(9) if not place <= index < place + width]
        assert torch.equal(
            changed[:, :, others], latents[:, None, others].expand(-1, len(heads), -1)
        )
    categories = PRIOR.codes(found[0][2].flatten(0, 1)).categories[0].reshape(4, 3)
    assert categories.tolist() == [[0, 1, 2]] * 4
    assert (found[0][2][:, :, :3].sum(dim=2) == 1).all()
    for index in (0, 1):
        values = PRIOR.codes(found[1 + index][2].flatten(0, 1)).continuous[:, index]
        assert values.reshape(4, 5).tolist() == [[-1.0, -0.5, 0.0, 0.5, 1.0]] * 4
    assert found[1][1] == ["-1.0", "-0.5", "0.0", "0.5", "1.0"]


@pytest.mark.parametrize(("categories", "continuous"), [([4], 0), ([], 2)])
def test_only_codes_that_there_are_change(categories, continuous):
    prior = CodePrior(latent_dim=6, categories=categories, continuous=continuous)
    latents = prior.sample(3)
    assert len(traverse_codes(prior, latents, 2)) == len(categories) + continuous
    assert len(code_colorings(prior, latents)) == len(categories) + continuous


def test_colours_are_those_of_the_codes():
    latents = PRIOR.sample(30)
    category, first, second = code_colorings(PRIOR, latents)
    assert torch.equal(category.values, latents[:, :3].argmax(dim=1))
    assert torch.equal(first.values, latents[:, 5]) and torch.equal(second.values, latents[:, 6])


def test_grids_lie_under_one_another_with_a_gap_and_values_in_columns(gan, tmp_path):
    """The colours of the tiles in the middle of each cell are those that the codes give."""
    model = gan(generator=Painter(), latent_prior=PRIOR).eval()
    drawing(tmp_path).draw(tmp_path / "a.png", Step(), model)
    picture = opened(tmp_path / "a.png")
    kept, _ = model.draw(2, labels=None, seed=1, truncation=None)
    found = [picture_of for _, _, picture_of in traverse_codes(PRIOR, kept, 5)]
    left = int((picture == 208).all(axis=-1).any(axis=0).argmax())
    grey = (picture[:, left] == 208).all(axis=-1)
    tops = np.flatnonzero(np.diff(np.concatenate([[0], grey.astype(int)])) == 1)
    bottoms = np.flatnonzero(np.diff(np.concatenate([grey.astype(int), [0]])) == -1) + 1
    assert len(tops) == 3  # grids
    side = (bottoms[0] - tops[0] - 6) // 2
    assert side % 8 == 0 and (bottoms - tops == 2 * side + 6).all()
    assert (tops[1:] - bottoms[:-1] >= 14).all()
    for top, latents in zip(tops, found, strict=True):
        colors = model.decode(latents.flatten(0, 1), None, averaged=True, batch_size=99)[..., 0, 0]
        levels = ((colors + 1) * 127.5).round().clamp(0, 255).reshape(2, -1, 3)
        for row, column in np.ndindex(*levels.shape[:2]):
            y, x = top + 2 + row * (side + 2), left + 2 + column * (side + 2)
            tile = picture[y : y + side, x : x + side]
            assert (tile == levels[row, column].numpy()).all(), (row, column)
    assert (picture[tops[0] : bottoms[0], left + 3 * (side + 2) + 2 :] == 255).all()


def test_a_model_without_codes_is_left_alone(gan, trainer, batches, tmp_path, caplog):
    with caplog.at_level("INFO", logger="ganzoo"):
        model = gan(latent_prior=Normal(latent_dim=4))
        trainer(2, callbacks=[drawing(tmp_path / "a")]).fit(model, batches(8, 2))
    assert caplog.messages == [
        "without traversals: the latents of GAN have no codes: network.latent=codes"
    ]
    assert not (tmp_path / "a").exists()


def test_points_of_any_model_with_codes_are_drawn_throughout_a_run(
    gan, trainer, batches, tmp_path, monkeypatch
):
    seen = []
    original = draw_colored

    def record(points, found, real, path, title):
        seen.append((len(points), [type(coloring) for coloring in found], title))
        return original(points, found, real, path, title)

    monkeypatch.setattr(traversals, "draw_colored", record)
    model = gan(generator=nn.Sequential(nn.Linear(9, 2)), latent_prior=PRIOR)
    trainer(3, callbacks=[drawing(tmp_path)]).fit(model, batches(8, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000002.png", "00000003.png"]
    kinds = [CategoricalColoring, ContinuousColoring, ContinuousColoring]
    assert seen == [(60, kinds, f"{step} generator updates") for step in (2, 3)]


def near(picture, color):
    return np.abs(picture - np.array(color)).max(axis=-1) < 30


def test_each_category_has_the_colour_that_the_legend_gives_it(tmp_path):
    """Category 0 left, category 1 right; the legend at the side has a mark of each."""
    points = torch.tensor([[-1.0, -1.8], [1.0, -1.8]]).repeat_interleave(50, dim=0)
    coloring = CategoricalColoring(title="category", values=torch.arange(2).repeat_interleave(50))
    frame = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    picture = opened(
        draw_colored(points, [coloring], RealDistribution(frame), tmp_path / "a.png", "")
    )
    red, green = (near(picture, c) for c in ((0xD1, 0x49, 0x5B), (0x2A, 0x9D, 0x55)))
    half = picture.shape[0] // 2 + 80
    assert red[half:].nonzero()[1].max() < green[half:].nonzero()[1].min()
    above = slice(half - 160, half)
    assert red[above].any() and green[above].any()
    assert red[above].nonzero()[0].mean() < green[above].nonzero()[0].mean()


def test_a_scale_runs_from_minus_one_to_one(tmp_path):
    points = torch.tensor([[-1.0, -1.0], [1.0, -1.0]]).repeat_interleave(50, dim=0)
    coloring = ContinuousColoring(
        title="code", values=torch.tensor([-1.0, 1.0]).repeat_interleave(50)
    )
    frame = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    picture = opened(
        draw_colored(points, [coloring], RealDistribution(frame), tmp_path / "a.png", "")
    )
    field = picture[:, : int(picture.shape[1] * 0.7)]
    low, high = (near(field, color).nonzero()[1] for color in ((13, 8, 135), (240, 249, 33)))
    assert low.size and high.size and low.max() < high.min()


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("panels", [1, 3])
def test_panels_of_any_number_and_dimension_finite_or_not(tmp_path, dimensions, panels):
    points = torch.randn(40, dimensions, generator=torch.Generator().manual_seed(0))
    points[::2] = torch.nan
    found = [CategoricalColoring(title="a", values=torch.arange(40) % 12)]
    found += [ContinuousColoring(title="b", values=torch.zeros(40))] * (panels - 1)
    picture = opened(draw_colored(points, found, RealDistribution(), tmp_path / "a.png", "title"))
    assert picture.shape[1] > (900 if panels > 1 else 500)


def test_colorings_of_other_points_are_refused(tmp_path):
    short = ContinuousColoring(title="a", values=torch.zeros(3))
    for found in ([], [short]):
        with pytest.raises(InputError, match="a value for each of 4 points"):
            draw_colored(torch.zeros(4, 2), found, RealDistribution(), tmp_path / "a.png", "")


def test_a_sheet_leaves_words_out_that_are_wider_than_a_column():
    grid = LabelledGrid(images=-torch.ones(2, 1, 2, 400), columns=2, column_labels=["a", "a" * 200])
    bare = LabelledGrid(images=-torch.ones(2, 1, 2, 400), columns=2, column_labels=["a", ""])
    assert np.array_equal(sheet("", [grid]), sheet("", [bare]))


def test_a_sheet_is_as_wide_as_its_title(tmp_path):
    images = torch.zeros(1, 1, 8, 8)
    narrow, wide = (
        sheet(title, [LabelledGrid(images=images, columns=1)]) for title in ("", "a" * 200)
    )
    assert wide.shape[1] > 1.5 * narrow.shape[1]
    right = wide[:, narrow.shape[1] :]
    assert (right < 128).any() and (right[:, -4:] == 255).all()


def test_a_sheet_of_images_of_different_sizes_is_refused():
    grids = [LabelledGrid(images=torch.zeros(1, 1, size, 8), columns=1) for size in (8, 9)]
    with pytest.raises(InputError, match="images of one size"):
        sheet("", grids)
    with pytest.raises(InputError, match="images of one size, not of none"):
        sheet("", [])
    with pytest.raises(InputError, match="^columns must be"):
        LabelledGrid(images=torch.zeros(1, 1, 8, 8), columns=0)


@pytest.mark.parametrize(
    ("name", "number", "least"),
    [("every_n_steps", -1, 1), ("rows", 0, 1), ("steps", 0, 2), ("steps", 1, 2), ("steps", -4, 2),
     ("points", -1, 1), ("seed", -1, 0)],
)  # fmt: skip
def test_impossible_numbers_are_refused(tmp_path, name, number, least):
    with pytest.raises(InputError, match=f"^{name} must be a whole number from {least} up"):
        drawing(tmp_path, **{name: number})
