"""Run an entry point: Hydra's command line with errors that a person can read."""

import argparse
import functools
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition import explain as explaining
from ganzoo.composition.compose import check_found, compose_config
from ganzoo.composition.console import ending_quietly, exit_with, print_version
from ganzoo.composition.folder import choose_folder
from ganzoo.composition.helping import ALL_GROUPS_PAGE, help_of
from ganzoo.composition.left_out import with_left_out
from ganzoo.composition.overrides import hydra_overrides, quoted
from ganzoo.composition.printing import printed_compactly
from ganzoo.composition.settings import check_sweep
from ganzoo.configs import config_directory
from ganzoo.errors import InputError

FULL_ERROR = "HYDRA_FULL_ERROR"


Explain = Callable[[Exception, Sequence[str]], str | None]
"""From an error and the command line's overrides to a line for a person, None for a defect."""

Complete = Callable[[Sequence[str]], list[str]]
"""From a command line to one with what it leaves open."""


def run(
    task: Callable[[DictConfig], Any],
    config_name: str,
    *,
    directory: Path | None = None,
    explain: Explain | None = None,
    complete: Complete = list,
) -> None:
    """Compose the command line's config and give it to the task.

    Wrong input ends the process with code 1 and one line on standard error; with
    ``HYDRA_FULL_ERROR=1`` in the environment, with the whole stack trace.

    Args:
        task: What to do with the config.
        config_name: Name of the config at the top.
        directory: Where its groups are; None for those of training.
        explain: Finds the line.
        complete: Adds what the command line leaves open.
    """
    if "--version" in sys.argv[1:]:
        return print_version()
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a user's own package, as with python -m
    trace_wanted = os.environ.get(FULL_ERROR, "0") not in {"", "0"}
    os.environ[FULL_ERROR] = "1"  # so that Hydra raises instead of printing
    explain = explain or functools.partial(explaining.explain, config_name=config_name)
    try:
        with ending_quietly():
            _run(task, config_name, directory or config_directory(), complete)
    except Exception as error:
        line = None if trace_wanted else explain(error, _understood(sys.argv[1:]))
        if line is None:
            raise
        exit_with(f"{_rank()}{line}")
    finally:
        os.environ[FULL_ERROR] = "1" if trace_wanted else "0"


def _run(
    task: Callable[[DictConfig], Any], config_name: str, directory: Path, complete: Complete
) -> None:
    OmegaConf.register_new_resolver("run_folder", choose_folder, replace=True, use_cache=True)
    topic = _help_topic(sys.argv[1:])
    if topic is not None and directory == config_directory():
        print(help_of(config_name, topic))
        return
    sys.argv[1:] = complete(_mended(sys.argv[1:], directory))
    given = _arguments(sys.argv[1:])
    name = given.config_name or config_name
    if given.multirun:
        check_sweep(_understood(sys.argv[1:]), name, _folder_of(name, given, directory))
    elif given.cfg:  # which Hydra shows without the task, and so without its checks
        compose_config(_understood(sys.argv[1:]), name, _folder_of(name, given, directory))
    guarded = _Guarded(task)
    decorate = hydra.main(version_base="1.3", config_path=str(directory), config_name=config_name)
    with printed_compactly() if given.cfg else nullcontext():
        decorate(guarded)()
    if guarded.error is not None:
        raise guarded.error


def _help_topic(words: Sequence[str]) -> str | None:
    """What help is asked for: "" for the first page, None for none.

    Raises:
        InputError: if there is no such page.
    """
    asked = [word.partition("=")[2] for word in words if word.split("=")[0] in ("--help", "-h")]
    if asked and asked[0] not in ("", ALL_GROUPS_PAGE):
        raise InputError(f"--help={asked[0]}: write --help or --help={ALL_GROUPS_PAGE}")
    return asked[0] if asked else None


def _mended(words: Sequence[str], directory: Path) -> list[str]:
    """The command line with its overrides as Hydra reads them, after its options."""
    given = _arguments(words)
    own = [] if given.config_dir is None else [Path(given.config_dir)]
    mended = hydra_overrides(given.overrides, [*own, directory, config_directory()])
    if directory == config_directory():
        mended = with_left_out(mended)
    return [*(word for word in words if word not in given.overrides), *mended]


def _understood(words: Sequence[str]) -> list[str]:
    """The overrides of a command line, and where configs are as one of them: one's own, ours."""
    try:
        given = _arguments(words)
    except InputError:
        return []
    if given.config_dir is None:
        return list(given.overrides)
    folders = (str(Path(given.config_dir).resolve()), str(config_directory()))
    return [f"hydra.searchpath=[{','.join(map(quoted, folders))}]", *given.overrides]


def _folder_of(config_name: str, given: argparse.Namespace, directory: Path) -> Path:
    """Where a primary config is: the user's own folder or the command's."""
    own = Path(given.config_dir or directory).resolve()
    return own if (own / f"{config_name}.yaml").is_file() else directory


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    """What Hydra reads on a command line: its options, and the overrides.

    Raises:
        InputError: if there is no such option, or its value is wrong.
    """
    parser: Any = get_args_parser()
    parser.error = _refuse_usage
    given: argparse.Namespace
    given, rest = parser.parse_known_args(list(words))
    if any(word.startswith("-") for word in rest):
        _refuse_usage(f"unrecognized arguments: {' '.join(rest)}")
    given.overrides += rest  # those after an option that follows others
    return given


def _refuse_usage(message: str) -> NoReturn:
    raise InputError(f"{message.removeprefix('argument ')}; --help lists the options")


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
            check_found(HydraConfig.get())
            return self._task(config)
        except Exception as error:
            self.error = self.error or error
            return math.nan  # to a sweeper, a run that failed
