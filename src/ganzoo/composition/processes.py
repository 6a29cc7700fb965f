"""Runs of a sweep on several devices: what Lightning starts the other processes with."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf


@contextmanager
def as_single_run(overrides: list[str], folder: Path) -> Iterator[None]:
    """Let one run of a sweep look like a run of its own.

    Lightning starts the processes of the other devices by repeating this process's command in
    this process's run folder, and leaves what it tells them in the environment. In a sweep that
    would repeat the whole sweep, and the next run would take itself for one of the others.

    Args:
        overrides: The settings of this run.
        folder: Its folder.
    """
    words, environment = list(sys.argv), dict(os.environ)
    config: Any = HydraConfig.instance().cfg
    OmegaConf.set_readonly(config.hydra, False)
    config.hydra.run.dir = str(folder)
    sys.argv[1:] = overrides
    try:
        yield
    finally:
        sys.argv[:] = words
        os.environ.clear()
        os.environ.update(environment)
