"""The user's own pairs of pictures."""

from functools import partial
from itertools import product
from pathlib import Path

from ganzoo.data.checks import ImageSize, check_channels
from ganzoo.data.crops import RandomCrops
from ganzoo.data.domains import PairedDomains
from ganzoo.data.image_folder import check_apart
from ganzoo.data.pair_files import PairFiles, PairLayout, SideBySide, TwoFolders
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError

Root = str | Path | None


@defaults_from("dataset/paired_folders")
class PairedFolders(PairedDomains):
    """Pairs of pictures in two folders, or side by side in one picture each.

    See :class:`~ganzoo.data.pair_files.TwoFolders` and
    :class:`~ganzoo.data.pair_files.SideBySide`, whose pictures are those of pix2pix's data sets
    (Isola et al. 2017, arXiv 1611.07004). Training sees a random part of each pair, the same of
    both, see :class:`~ganzoo.data.crops.RandomCrops`. Departure from the authors' code: the
    largest centred part of the wanted proportions is resized, where theirs changes proportions.

    Args:
        root_a: Folder of the pictures of domain a.
        root_b: Folder of those of domain b, with the same names.
        root_ab: Instead of both, the folder of pictures that hold a pair side by side.
        held_out_root_a: A folder as ``root_a`` of pictures that training never sees, or None.
        held_out_root_b: A folder as ``root_b`` of those.
        held_out_root_ab: Instead of both, a folder as ``root_ab`` of those.
        left: Which domain is on the left of pictures that hold both, ``a`` or ``b``.
        channels_a: Channels of a, 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        channels_b: Those of b.
        image_size: Height and width in pixels of both, one number or two.
        scale_before_crop: How many times larger the pictures are of which training sees a random
            part; 1 for all of them.

    Raises:
        InputError: if an argument is of the wrong kind, there are not two folders or one, or a
            held-out folder is inside one for training or the other way round.
    """

    def __init__(
        self,
        *,
        root_a: Root = FROM_CONFIG,
        root_b: Root = FROM_CONFIG,
        root_ab: Root = FROM_CONFIG,
        held_out_root_a: Root = FROM_CONFIG,
        held_out_root_b: Root = FROM_CONFIG,
        held_out_root_ab: Root = FROM_CONFIG,
        left: str = FROM_CONFIG,
        channels_a: int = FROM_CONFIG,
        channels_b: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
        scale_before_crop: float = FROM_CONFIG,
    ) -> None:
        check_channels(channels_a, "channels_a")
        check_channels(channels_b, "channels_b")
        layout = _layout(root_a, root_b, root_ab, left, "dataset.root")
        roots = (held_out_root_a, held_out_root_b, held_out_root_ab)
        held_out = None
        if any(root is not None for root in roots):
            held_out = _layout(*roots, left, "dataset.held_out_root")
            for root, (setting, other) in product(layout.roots.values(), held_out.roots.items()):
                check_apart(root, other, setting)
        channels = (channels_a, channels_b)
        files = partial(PairFiles, layout=layout, held_out=held_out, channels=channels)
        super().__init__(
            source=RandomCrops(source=files, image_size=image_size, scale=scale_before_crop),
            channels_a=channels_a,
        )


def _layout(a: Root, b: Root, both: Root, left: str, prefix: str) -> PairLayout:
    """How the pictures lie in the folders that are given."""
    if both is None:
        if a is None and b is None:
            raise InputError(
                f"name the folders of both domains: set {prefix}_a and {prefix}_b, or {prefix}_ab "
                "to a folder of pictures that hold a pair side by side"
            )
        return TwoFolders(a, b, prefix)
    if a is not None or b is not None:
        raise InputError(
            f"{prefix}_ab is of pictures that hold both: set {prefix}_a and _b to null"
        )
    return SideBySide(both, left, f"{prefix}_ab")
