"""Pictures of samples for people to look at."""

from ganzoo.pictures.colored import CategoricalColoring, ContinuousColoring, draw_colored
from ganzoo.pictures.files import save_gif, save_png
from ganzoo.pictures.paths import draw_pairs, draw_paths
from ganzoo.pictures.plane import RealDistribution
from ganzoo.pictures.points import scatter
from ganzoo.pictures.sheets import LabelledGrid, sheet
from ganzoo.pictures.tiles import enlarge, image_grid, to_uint8

__all__ = [
    "CategoricalColoring",
    "ContinuousColoring",
    "LabelledGrid",
    "RealDistribution",
    "draw_colored",
    "draw_pairs",
    "draw_paths",
    "enlarge",
    "image_grid",
    "save_gif",
    "save_png",
    "scatter",
    "sheet",
    "to_uint8",
]
