"""Train a model: ``python -m ganzoo.train model=wgan_gp dataset=digits``."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ganzoo.composition.entry import run
from ganzoo.composition.explain import explain, unexpected
from ganzoo.composition.folder import RESUME, RunFolder, is_first_process, temporary_folders
from ganzoo.composition.overrides import overrides_of_this_run
from ganzoo.composition.processes import as_single_run
from ganzoo.composition.settings import check_checkpoint, check_settings
from ganzoo.errors import InputError, Interrupted

if TYPE_CHECKING:
    from ganzoo.composition.session import Session


def train(config: DictConfig) -> float | None:
    """Train what a config describes.

    Args:
        config: A composed config, see ``conf/config.yaml``.

    Returns:
        The last value of the objective, for sweepers; None where it was not measured.
    """
    hydra = HydraConfig.get()
    folder = RunFolder(Path(str(config.run_dir)), Path(str(config.latest)))
    overrides = overrides_of_this_run()
    if config.trainer.get("fast_dev_run"):
        return _try(config, folder, overrides)
    if hydra.mode == RunMode.MULTIRUN:
        config.sweep_name = Path(hydra.sweep.dir).name
        return _train_in_sweep(config, folder, overrides)
    try:
        session = _fit(config, folder)
    except Interrupted as stop:
        _stop(folder, overrides, stop)
    except Exception as error:
        if isinstance(error, InputError) or not folder.begun:
            _take_back(folder)
        raise
    _report(session, folder, overrides)
    return session.values().get(config.objective)


def _fit(config: DictConfig, folder: RunFolder) -> "Session":
    check_settings(config, overrides_of_this_run())
    wanted = _path(config.checkpoint)
    if wanted not in (None, RESUME):
        check_checkpoint(Path(wanted))
    source = _path(config.transfer)
    if source is not None:
        if wanted not in (None, RESUME):
            raise InputError(
                "checkpoint= goes on with a run, and transfer= starts a new one: give one of them"
            )
        check_checkpoint(Path(source))
    from ganzoo.composition.session import close, global_flags_kept

    with global_flags_kept():
        try:
            session = _build(config)
            checkpoint = folder.find_checkpoint(wanted)
            session.accept(checkpoint)
            if checkpoint is None:
                session.start_from(source)
            session.announce(folder.path)
            folder.begin(config, checkpoint)
            session.fit(checkpoint)
            return session
        finally:
            close()


def _try(config: DictConfig, folder: RunFolder, overrides: list[str]) -> float | None:
    """Train for a few steps and leave nothing, not even in the cache."""
    in_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    process = as_single_run(overrides, folder.path) if in_sweep else nullcontext()
    try:
        if config.checkpoint:
            raise InputError("trainer.fast_dev_run tries a run from its beginning: no checkpoint")
        with temporary_folders(Path(str(config.cache_dir))) as (run_dir, cache_dir), process:
            config.run_dir, config.cache_dir = str(run_dir), str(cache_dir)
            nowhere = RunFolder(run_dir, folder.latest)
            try:
                session = _fit(config, nowhere)
            except Interrupted as stop:
                _stop(nowhere, overrides, stop)
            _print([*session.profile(), *session.measurements()])
    finally:
        _take_back(folder)
    return session.values().get(config.objective)


def _take_back(folder: RunFolder) -> None:
    """Remove what a run that was none has made, also Hydra's folder where ``run_dir`` is set."""
    made = Path(HydraConfig.get().runtime.output_dir)
    for place in (folder, RunFolder(made, folder.latest)):
        place.remove_if_unused()


def _path(value: object) -> str | None:
    return None if value is None else str(Path(str(value)).expanduser())


def _build(config: DictConfig) -> "Session":
    from ganzoo.composition.session import Session

    try:
        return Session.build(config)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError) as error:  # a value of a setting
        raise InputError(unexpected(error)) from error


def _train_in_sweep(config: DictConfig, folder: RunFolder, overrides: list[str]) -> float | None:
    # A run that fails is a row of the table; the others go on.
    try:
        with as_single_run(overrides, folder.path):
            session = _fit(config, folder)
    except Interrupted as stop:
        _stop(folder, overrides, stop)
    except Exception as error:
        status = explain(error, overrides) or repr(error)
        print(f"ganzoo: {status}", file=sys.stderr)
        _summarise(folder, overrides, status, {}, 0.0)
        raise
    _report(session, folder, overrides)
    return session.values().get(config.objective)


def _stop(folder: RunFolder, overrides: list[str], stop: Interrupted) -> NoReturn:
    # Not 0, so that a scheduler does not take the run for finished; the launched processes end
    # with 0, so that their launcher does not take them for broken.
    if not is_first_process():
        sys.exit(0)
    print(f"ganzoo: {stop}", file=sys.stderr)
    _summarise(folder, overrides, str(stop), {}, 0.0)
    sys.exit(128 + stop.signum)


def _report(session: "Session", folder: RunFolder, overrides: list[str]) -> None:
    values = session.values()
    _summarise(folder, overrides, "finished", values, session.seconds)
    places = session.outcome()
    width = max(map(len, places), default=0)
    where = [f"{name:<{width}}  {place}" for name, place in places.items()]
    _print([*session.profile(), *session.measurements(), *where])


def _print(lines: list[str]) -> None:
    if is_first_process():
        for line in lines:
            print(line)


def _summarise(
    folder: RunFolder,
    overrides: list[str],
    status: str,
    values: dict[str, float],
    seconds: float,
) -> None:
    folder.write_summary(
        {
            "overrides": overrides,
            "status": status,
            "values": values,
            "seconds": seconds,
            "path": str(folder.path),
        }
    )


def main() -> None:
    """Entry point of the command line."""
    run(train, "config")


if __name__ == "__main__":
    main()
