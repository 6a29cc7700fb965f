"""Whose weights a file holds."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ganzoo.errors import InputError
from ganzoo.foreign_weights import r3gan, stylegan2, translation
from ganzoo.foreign_weights.networks import Imported, Network, Weights, networks_of
from ganzoo.foreign_weights.reading import read


class Source(NamedTuple):
    """Authors whose networks are here.

    Attributes:
        name: What they are called.
        has: Whether weights are of one of their networks.
        imported: The model of their networks.
    """

    name: str
    has: Callable[[Weights], bool]
    imported: Callable[[Sequence[Network]], Imported]


SOURCES = (
    Source("StyleGAN2-ADA", stylegan2.is_stylegan2, stylegan2.imported),
    Source("R3GAN", r3gan.is_r3gan, r3gan.imported),
    Source("CycleGAN and pix2pix", translation.is_translation, translation.imported),
)
WITHOUT_NETWORK = {
    r"synthesis\.(input\.(freqs|weight)|L0_.*)": "StyleGAN3, whose networks are not here yet",
    r"blocks\.0\.0\.conv1\.u0": "BigGAN-PyTorch, whose networks are not here yet",
    r"block\d\.c1\.weight(_orig)?": "mimicry, whose residual networks are not network=resnet: they "
    "enlarge maps bilinearly, and their ReLU changes what the skip is given",
    r"convs\.0\.conv\.modulation\.weight": "rosinality's StyleGAN2, whose names are unknown here",
}
"""A pattern of a name among the weights, and whose they are."""


def read_imported(paths: Sequence[Path]) -> Imported:
    """Read files of weights, and find what model of ours they are of.

    Args:
        paths: Of the files, all of one model.

    Raises:
        InputError: if a file cannot be read or holds anything that weights do not need, is of
            unknown authors, or its weights are not those of such networks.
    """
    files = [(path, _networks(path)) for path in paths]
    source = _source(*files[0])
    networks = []
    for path, found in files:
        mine = [network for network in found if source.has(network.weights)]
        if not mine:
            raise InputError(f"{path} has no weights of {source.name}, and {paths[0]} has")
        networks += mine
    with _naming(", ".join(map(str, paths))):
        return source.imported(networks)


def _networks(path: Path) -> list[Network]:
    content = read(path)
    with _naming(str(path)):
        return networks_of(content, path.stem)


@contextmanager
def _naming(files: str) -> Iterator[None]:
    """Let errors say of which files they are."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{files} {error}") from error
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        # The names are right, and the shapes make no sense.
        raise InputError(f"{files} has weights of shapes that fit no such network") from error


def _source(path: Path, networks: Sequence[Network]) -> Source:
    """Whose networks a file has.

    Raises:
        InputError: if that is unknown, or there is no such network here.
    """
    names = {name for network in networks for name in network.weights}
    for pattern, owner in WITHOUT_NETWORK.items():
        if any(re.fullmatch(pattern, name) for name in names):
            raise InputError(f"{path} is of {owner}: {_known()}")
    for source in SOURCES:
        if any(source.has(network.weights) for network in networks):
            return source
    raise InputError(f"{path} holds no weights of a known kind: {_known()}")


def _known() -> str:
    return "known are " + ", ".join(source.name for source in SOURCES)
