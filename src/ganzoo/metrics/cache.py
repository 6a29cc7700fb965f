"""Features of real data, kept on disk from one run to the next."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError

log = logging.getLogger("ganzoo")


@defaults_from("metrics/evaluator/default")
class FeatureCache:
    """Files of features, each under a key of the very samples and of what made the features.

    The key is a hash of the samples themselves, as they go into the extractor, and of the
    extractor's fingerprint. So it depends on data set, split, size, transform, count and network,
    and on the files having changed, without any of these having to be named.

    Args:
        folder: Where the files are; ``~`` is the user's home.
    """

    def __init__(self, *, folder: str | Path = FROM_CONFIG) -> None:
        self.folder = Path(folder).expanduser()

    @staticmethod
    def key(samples: Tensor, fingerprint: str) -> str:
        """The name of the features of samples ``[N, ...]`` by an extractor of this fingerprint."""
        digest = hashlib.sha256(f"{fingerprint} {samples.dtype} {list(samples.shape)}".encode())
        digest.update(samples.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def read(self, key: str) -> Tensor | None:
        """Return the features ``[N, F]``, or None where there are none that can be read."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return torch.from_numpy(stored["features"])
        except Exception as error:
            log.warning("%s is damaged (%s): it is made again", path, type(error).__name__)
            return None

    def write(self, key: str, features: Tensor) -> None:
        """Keep features ``[N, F]``; a reader sees all of them or none.

        Raises:
            InputError: if the folder cannot be written.
        """
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, features=features.cpu().numpy())
            Path(aside).replace(path)
        except OSError as error:
            raise InputError(
                f"cannot write to {path.parent} ({error.strerror}): set cache_dir to a folder "
                "that can be written"
            ) from error

    def _path(self, key: str) -> Path:
        return self.folder / "features" / f"{key}.npz"
