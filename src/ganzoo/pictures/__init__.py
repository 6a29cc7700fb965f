"""Pictures of samples for people to look at."""

from ganzoo.pictures.files import save_gif, save_png
from ganzoo.pictures.points import scatter
from ganzoo.pictures.tiles import enlarge, image_grid, to_uint8

__all__ = ["enlarge", "image_grid", "save_gif", "save_png", "scatter", "to_uint8"]
