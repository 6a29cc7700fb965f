"""Pictures as points of a generator's style or latent space."""

from ganzoo.projection.distance import PictureDistance
from ganzoo.projection.found import Projection, read_projection
from ganzoo.projection.frames import Frames
from ganzoo.projection.search import Search
from ganzoo.projection.spaces import Space, search_space

__all__ = [
    "Frames",
    "PictureDistance",
    "Projection",
    "Search",
    "Space",
    "read_projection",
    "search_space",
]
