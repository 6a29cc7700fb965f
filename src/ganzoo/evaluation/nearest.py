"""Pictures beside those that lie nearest to them."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.metrics.inputs import SampleSet
from ganzoo.pictures import image_grid
from ganzoo.pictures.tiles import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUND = 208 / 127.5 - 1  # the grey of image_grid: a cell that looks empty
_CAPTION = 28
_DPI = 100


def draw_nearest(
    queries: SampleSet,
    others: SampleSet,
    *,
    count: int,
    neighbors: int,
    captions: tuple[str, str],
    path: Path,
) -> Path:
    """Draw a few images, each with its nearest ones on the right, the nearest first, as PNG.

    Args:
        queries: Images of which ``count`` are drawn, evenly from first to last.
        others: Images among which the nearest are looked for, by Euclidean distance of features.
        count: Rows; fewer if there are fewer images.
        neighbors: Nearest images in a row; fewer if there are fewer.
        captions: What stands above the first and above the other columns.
        path: Where to.
    """
    chosen = _evenly(len(queries.samples), count)
    nearest = find_neighbors(queries.features[chosen], others.features, neighbors)
    rows = []
    for index, found in zip(chosen, nearest, strict=True):
        image = queries.samples[index : index + 1]
        rows += [image, torch.full_like(image, _GROUND), others.samples[found]]
    columns = nearest.shape[1] + 2
    grid = image_grid(torch.cat(rows), columns)
    left, right = captions
    figure = _figure(grid)
    _write(figure, left, 0.0)
    _write(figure, right, 2 / columns)
    figure.savefig(path, format="png")
    return path


def find_neighbors(queries: Tensor, others: Tensor, neighbors: int) -> Tensor:
    """Indices ``[Q, k]`` of the nearest of ``others`` ``[N, F]`` to ``queries`` ``[Q, F]``."""
    distances = torch.cdist(queries, others, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.topk(min(neighbors, len(others)), dim=1, largest=False).indices


def _evenly(total: int, count: int) -> list[int]:
    """Indices from first to last, so that stored classes all have a chance to be seen."""
    count = min(count, total)
    return [index * total // count for index in range(count)]


def _figure(grid: Picture) -> "Figure":
    # Without pyplot there is no global list of figures to leak into, and no display to need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = grid.shape[:2]
    figure = Figure(figsize=(width / _DPI, (height + _CAPTION) / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.figimage(grid, 0, 0)
    return figure


def _write(figure: "Figure", text: str, x: float) -> None:
    pixels = figure.get_figheight() * _DPI
    y = 1 - _CAPTION / 2 / pixels
    place = x + 4 / (figure.get_figwidth() * _DPI)
    figure.text(place, y, text, fontsize=9, color="#222222", va="center", parse_math=False)
