"""The user's own pictures of two domains."""

from functools import partial
from pathlib import Path
from typing import Any

from ganzoo.data.checks import ImageSize, check_channels
from ganzoo.data.crops import RandomCrops
from ganzoo.data.domains import UnpairedDomains
from ganzoo.data.image_folder import ImageFolder
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError

Root = str | Path | None


@defaults_from("dataset/unpaired_folders")
class UnpairedFolders(UnpairedDomains):
    """Pictures of two domains in a folder each, as CycleGAN takes them (arXiv 1703.10593).

    Which files are pictures: see :class:`~ganzoo.data.image_folder.ImageFolder`. Training sees a
    random part of each picture, see :class:`~ganzoo.data.crops.RandomCrops`. Departure from the
    authors' code: the largest centred part of the wanted proportions is resized, where theirs
    changes proportions.

    Args:
        root_a: Folder of the pictures of domain a, and of folders of more of them.
        root_b: Folder of those of domain b.
        held_out_root_a: A folder as ``root_a`` of pictures that training never sees, or None.
        held_out_root_b: A folder as ``root_b`` of those, or None; both or neither.
        channels_a: Channels of a, 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        channels_b: Those of b.
        image_size: Height and width in pixels of both, one number or two.
        scale_before_crop: How many times larger the pictures are of which training sees a random
            part; 1 for all of them.

    Raises:
        InputError: if an argument is of the wrong kind, or a held-out folder is inside the one
            for training or the other way round.
    """

    def __init__(
        self,
        *,
        root_a: Root = FROM_CONFIG,
        root_b: Root = FROM_CONFIG,
        held_out_root_a: Root = FROM_CONFIG,
        held_out_root_b: Root = FROM_CONFIG,
        channels_a: int = FROM_CONFIG,
        channels_b: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
        scale_before_crop: float = FROM_CONFIG,
    ) -> None:
        check_channels(channels_a, "channels_a")
        check_channels(channels_b, "channels_b")
        if (held_out_root_a is None) != (held_out_root_b is None):
            raise InputError(
                "held-out pictures are of both domains or of none: set dataset.held_out_root_a "
                "and dataset.held_out_root_b"
            )

        domains = {
            "a": partial(_Domain, "a", root_a, held_out_root_a, channels_a),
            "b": partial(_Domain, "b", root_b, held_out_root_b, channels_b),
        }
        options: dict[str, Any] = {"image_size": image_size, "scale": scale_before_crop}
        super().__init__(
            **{name: RandomCrops(source=folder, **options) for name, folder in domains.items()}
        )


class _Domain(ImageFolder):
    """The pictures of one domain, whose folders have settings of their own."""

    def __init__(
        self, name: str, root: Root, held_out_root: Root, channels: int, image_size: ImageSize
    ) -> None:
        self._setting = f"dataset.root_{name}"
        self._held_out_setting = f"dataset.held_out_root_{name}"
        super().__init__(
            root=root,
            held_out_root=held_out_root,
            channels=channels,
            image_size=image_size,
            num_classes=None,
        )
