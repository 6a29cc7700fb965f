"""Run an entry point: Hydra's command line with errors that a person can read."""

import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.compose import config_directory
from ganzoo.composition.explain import explain
from ganzoo.composition.folder import choose_folder

FULL_ERROR = "HYDRA_FULL_ERROR"


Explain = Callable[[Exception, Sequence[str]], str | None]
"""From an error and the command line's overrides to a line for a person, None for a defect."""


def run(
    task: Callable[[DictConfig], Any],
    config_name: str,
    *,
    directory: Path | None = None,
    explain: Explain = explain,
) -> None:
    """Compose the command line's config and give it to the task.

    Wrong input ends the process with code 1 and one line on standard error; with
    ``HYDRA_FULL_ERROR=1`` in the environment, with the whole stack trace.

    Args:
        task: What to do with the config.
        config_name: Name of the config at the top.
        directory: Where its groups are; None for those of training.
        explain: Finds the line.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a user's own package, as with python -m
    trace_wanted = os.environ.get(FULL_ERROR, "0") not in {"", "0"}
    os.environ[FULL_ERROR] = "1"  # so that Hydra raises instead of printing
    OmegaConf.register_new_resolver("run_folder", choose_folder, replace=True, use_cache=True)
    guarded = _Guarded(task)
    try:
        path = str(directory or config_directory())
        decorate = hydra.main(version_base="1.3", config_path=path, config_name=config_name)
        decorate(guarded)()
        if guarded.error is not None:
            raise guarded.error
    except Exception as error:
        line = None if trace_wanted else explain(error, sys.argv[1:])
        if line is None:
            raise
        print(f"ganzoo: {_rank()}{line}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        os.environ[FULL_ERROR] = "1" if trace_wanted else "0"


def _rank() -> str:
    rank = os.environ.get("LOCAL_RANK", "0")
    return "" if rank == "0" else f"rank {rank}: "


class _Guarded:
    """A task whose error is kept: Hydra would announce it in words of its own.

    In a sweep the other runs go on, and the first error ends the command.
    """

    def __init__(self, task: Callable[[DictConfig], Any]) -> None:
        self._task = task
        self.error: Exception | None = None

    def __call__(self, config: DictConfig) -> Any:
        try:
            return self._task(config)
        except Exception as error:
            self.error = self.error or error
            return math.nan  # to a sweeper, a run that failed
