import math
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.pictures import (
    RealDistribution,
    files,
    image_grid,
    points,
    save_gif,
    save_png,
    scatter,
    to_uint8,
)
from ganzoo.pictures.tiles import color_tiles

GENERATED = np.array([0xD1, 0x49, 0x5B])


def open_png(path):
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def near(picture, color, within):
    return np.abs(picture - color).max(axis=-1) < within


def red_share(picture):
    return near(picture, GENERATED, 40).mean()


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def draw(path, generated, real=None, log_density=None, title="title"):
    return open_png(
        scatter(generated, RealDistribution(real, log_density), path / "points.png", title)
    )


@pytest.fixture
def titles(monkeypatch):
    """Record titles instead of reading them off the picture."""
    seen = []
    original = points._set_title

    def record(figure, title, **counts):
        original(figure, title, **counts)
        seen.append(figure.axes[0].get_title())

    monkeypatch.setattr(points, "_set_title", record)
    return seen


def test_to_uint8_is_the_exact_inverse_for_every_value():
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(values.float() / 127.5 - 1), values)


def test_to_uint8_clamps_rounds_and_shows_nan_as_mid_grey():
    images = torch.tensor([-7.0, -1.0, 0.49 / 127.5 - 1, 0.51 / 127.5 - 1, 1.0, 9.0])
    assert to_uint8(images).tolist() == [0, 0, 0, 1, 255, 255]
    infinite = torch.tensor([float("nan"), float("inf"), -float("inf")])
    assert to_uint8(infinite).tolist() == [128, 255, 0]


def test_grid_puts_each_image_in_its_place():
    levels = torch.arange(6) * 40
    images = (levels / 127.5 - 1).view(6, 1, 1, 1).expand(6, 1, 100, 200)
    grid = image_grid(images, columns=4)
    assert grid.shape == (2 * 102 + 2, 4 * 202 + 2, 3) and grid.dtype == np.uint8
    for index, level in enumerate(levels.tolist()):
        top, left = 2 + index // 4 * 102, 2 + index % 4 * 202
        assert (grid[top : top + 100, left : left + 200] == level).all()
        assert (grid[top - 1, left : left + 200] == 208).all()
        assert (grid[top : top + 100, left - 1] == 208).all()
    assert (grid[102:, 2 + 2 * 202 :] == 208).all()


def test_grid_keeps_rows_columns_and_colors_apart():
    images = torch.full((1, 3, 300, 700), -1.0)
    images[0, 0, 5, 9] = 1.0
    grid = image_grid(images, columns=1)
    assert grid.shape == (304, 704, 3)
    assert grid[7, 11].tolist() == [255, 0, 0]
    assert (grid[2:-2, 2:-2].reshape(-1, 3).any(axis=1)).sum() == 1


@pytest.mark.parametrize("count, columns, size", [(64, 8, 8), (100, 10, 28), (3, 8, 8), (1, 1, 1)])
def test_tiny_images_are_enlarged_by_a_whole_factor(count, columns, size):
    images = 2 * torch.rand(count, 1, size, size) - 1
    grid = image_grid(images, columns)
    used = min(columns, count)
    factor = ((grid.shape[1] - 2) / used - 2) / size
    assert factor == int(factor)
    assert 600 <= grid.shape[1] < 600 + used * size
    first = grid[2 : 2 + size * int(factor), 2 : 2 + size * int(factor), 0]
    np.testing.assert_array_equal(
        first, np.kron(to_uint8(images)[0, 0].numpy(), np.ones([int(factor)] * 2))
    )


def test_a_tall_strip_of_tiny_images_is_not_enlarged_beyond_reason():
    assert image_grid(torch.zeros(100, 1, 8, 8), columns=1).shape[0] <= 4000


def test_any_number_of_channels_can_be_seen():
    images = torch.rand(3, 5, 4, 6) * 2 - 1
    levels = to_uint8(images).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(color_tiles(images), levels[..., :3])
    for channels in (2, 4):
        share = levels[..., channels - 1 : channels] / 255
        laid = levels[..., : channels - 1] * share + 255 * (1 - share)
        found = color_tiles(images[:, :channels]).astype(int)
        assert np.abs(found - laid).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("shape", [(4, 0, 8, 8), (8, 8), (0, 3, 8, 8), (4, 3, 0, 8)])
def test_other_shapes_than_images_are_an_error(shape):
    with pytest.raises(InputError, match=r"\[N, C, H, W\]"):
        image_grid(torch.zeros(shape), columns=4)


def test_columns_must_be_positive():
    with pytest.raises(InputError, match="columns"):
        image_grid(torch.zeros(4, 3, 8, 8), columns=0)


def test_png_holds_the_picture_bit_for_bit_and_nothing_is_left_aside(tmp_path):
    picture = image_grid(2 * torch.rand(6, 3, 8, 8) - 1, columns=3)
    path = save_png(picture, tmp_path / "a" / "b" / "grid.png")
    np.testing.assert_array_equal(open_png(path), picture)
    assert [file.name for file in path.parent.iterdir()] == ["grid.png"]


def test_a_failed_write_keeps_the_old_picture_and_leaves_nothing_aside(tmp_path, monkeypatch):
    path = save_png(np.zeros((4, 4, 3), dtype=np.uint8), tmp_path / "grid.png")
    old = path.read_bytes()

    def write_half(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "write_bytes", write_half)
    with pytest.raises(InputError, match="No space left on device") as caught:
        save_png(np.ones((4, 4, 3), dtype=np.uint8), path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["grid.png"]


def test_a_folder_that_cannot_be_made_is_one_line_of_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write") as caught:
        save_png(np.zeros((4, 4, 3), dtype=np.uint8), tmp_path / "file" / "grid.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_gif_has_all_frames_in_order(tmp_path, channels):
    levels = torch.tensor([0, 60, 120, 180, 240])
    images = (levels / 127.5 - 1).view(5, 1, 1, 1).expand(5, channels, 8, 8)
    path = save_gif(images, tmp_path / "walk.gif", milliseconds=80)
    with Image.open(path) as gif:
        assert (gif.format, gif.n_frames, gif.size) == ("GIF", 5, (256, 256))
        assert gif.info["loop"] == 0
        for frame, level in enumerate(levels.tolist()):
            gif.seek(frame)
            assert gif.info["duration"] == 80
            assert np.asarray(gif.convert("RGB"))[128, 128].tolist() == [level] * 3


@pytest.mark.parametrize("milliseconds", [0, -5, float("nan")])
def test_gif_time_must_be_positive(tmp_path, milliseconds):
    with pytest.raises(InputError, match="milliseconds"):
        save_gif(torch.zeros(2, 1, 8, 8), tmp_path / "walk.gif", milliseconds)
    assert not list(tmp_path.iterdir())


def test_scatter_draws_points_where_they_are(tmp_path):
    real = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    picture = draw(tmp_path, torch.tensor([[0.8, -0.8]]).repeat(20, 1), real)
    height, width, _ = picture.shape
    rows, columns = near(picture, GENERATED, 40).nonzero()
    # The legend has a mark of the same colour in the upper right corner.
    here = rows > height / 2
    assert here.any()
    assert (columns[here] > width / 2).all()


def test_scatter_frame_is_that_of_the_real_points(tmp_path, titles):
    real = normal(200, 2)
    draw(tmp_path, torch.cat([real, torch.full((7, 2), 1e6)]), real)
    assert titles == ["title\npoints outside the frame: 7"]
    draw(tmp_path, real, real)
    assert titles[1] == "title"


def test_scatter_shows_the_density_on_the_side_where_it_is(tmp_path):
    def log_density(places):
        assert places.shape[1] == 2 and places.dtype == torch.float32
        return -(places - torch.tensor([1.5, 0.0])).square().sum(1) / 0.18

    real = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    picture = draw(tmp_path, torch.tensor([[-1.5, 0.0]]), real, log_density)
    band = near(picture, np.array([0x86, 0xA9, 0xD2]), 6)[200:]
    columns = band.nonzero()[1]
    assert len(columns) > 200
    assert columns.min() > picture.shape[1] / 2


def test_scatter_counts_what_is_not_finite_and_draws_the_rest(tmp_path, titles):
    generated = normal(300, 2)
    whole = red_share(draw(tmp_path, generated, normal(200, 2)))
    generated[:100, 0], generated[100:105, 1] = float("nan"), float("inf")
    rest = red_share(draw(tmp_path, generated, normal(200, 2)))
    assert titles[1].endswith("points not finite: 105")
    assert 0 < rest < whole


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("real", [True, False])
def test_scatter_survives_when_nothing_is_finite(tmp_path, titles, dim, real):
    generated = torch.full((10, dim), float("nan"))
    draw(tmp_path, generated, normal(50, dim) if real else None)
    assert titles[0].endswith("points not finite: 10")


@pytest.mark.parametrize("value", [-math.inf, math.nan])
def test_scatter_survives_a_density_that_is_nowhere_finite(tmp_path, value):
    picture = draw(tmp_path, normal(50, 2), None, lambda places: places[:, 0] * 0 + value)
    assert red_share(picture) > 0


def test_scatter_of_one_dimension_is_a_histogram(tmp_path, titles):
    picture = draw(tmp_path, torch.cat([normal(500, 1), torch.tensor([[99.0]])]), normal(500, 1))
    assert titles == ["title\npoints outside the frame: 1"]
    assert near(picture, np.array([0xB9, 0xCD, 0xE6]), 6).mean() > 0.05


def test_scatter_of_high_dimensions_draws_the_first_two(tmp_path):
    generated, real = normal(300, 5), normal(300, 5, seed=1)
    high = draw(tmp_path, generated, real, log_density=lambda places: 1 / 0)
    low = draw(tmp_path, generated[:, :2], real[:, :2])
    np.testing.assert_array_equal(high, low)


def test_scatter_title_is_taken_literally(tmp_path, titles):
    draw(tmp_path, normal(5, 2), title=r"loss $\nonsense{")
    assert titles == [r"loss $\nonsense{"]


@pytest.mark.parametrize("generated, real", [((5,), (5, 2)), ((5, 2), (5,)), ((5, 2), (5, 3))])
def test_scatter_of_wrong_shapes_is_an_error(tmp_path, generated, real):
    with pytest.raises(InputError):
        draw(tmp_path, torch.zeros(generated), torch.zeros(real))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "file", sorted(Path(points.__file__).parent.glob("*.py")), ids=lambda f: f.name
)
def test_matplotlib_is_not_imported_until_something_is_drawn(monkeypatch, file):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert runpy.run_path(str(file))["__doc__"]  # an import of matplotlib would have raised


def test_drawing_leaves_no_global_figures(tmp_path):
    draw(tmp_path, normal(5, 2))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
