"""Build Lightning's Trainer from ``conf/trainer``: each argument works, or a line says why not."""

import logging
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from omegaconf import DictConfig, OmegaConf

from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.arguments import check_argument_kinds, check_values
from ganzoo.composition.compose import build, callbacks_of, resolved
from ganzoo.composition.folder import is_first_process
from ganzoo.configs import config_directory
from ganzoo.errors import InputError
from ganzoo.strategies.player_parallel import NAME, check_strategy_name

Settings = dict[str, Any]

log = logging.getLogger("ganzoo")

_BARE: Settings = {
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "log_every_n_steps": 0,
    "num_sanity_val_steps": 0,
}
"""What ``barebones`` switches off, beside callbacks and loggers."""
_QUIET: Settings = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def build_trainer(config: DictConfig, *, validates: bool) -> Trainer:
    """Build the Trainer of a run, with its callbacks and loggers.

    Args:
        config: The run's composed config.
        validates: Whether its data has a validation set.

    Raises:
        InputError: if an argument has a wrong value, or means nothing in this run.
    """
    settings = _lightnings_own() | resolved(config.trainer)
    make = build({"_target_": settings.pop("_target_"), "_partial_": True})
    if settings["accumulate_grad_batches"] is None:  # is read as no other
        settings["accumulate_grad_batches"] = 1
    check_argument_kinds(settings)
    check_values(settings, validates=validates)
    if settings["barebones"]:
        settings |= _BARE
        _say_what_is_left_out()
    settings["strategy"] = _strategy(settings)
    # Once without loggers, which may begin a run of their own as soon as they are told anything.
    _constructed(settings | _QUIET | {"plugins": None, "profiler": None, "detect_anomaly": False})
    return _constructed(settings | _objects(config, settings), make)


def _lightnings_own() -> Settings:
    """What the Trainer does with arguments that a config leaves out."""
    arguments = signature(Trainer.__init__).parameters.values()
    return {one.name: one.default for one in arguments if one.default is not one.empty}


def _objects(config: DictConfig, settings: Settings) -> Settings:
    bare, dry = settings["barebones"], settings["fast_dev_run"]
    callbacks = [] if bare else [build(node) for node in callbacks_of(config)]
    loggers = [] if bare or dry else [build(node) for node in config.logger.values()]
    if settings["enable_autolog_hparams"]:
        for logger in loggers:
            logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))
    plugins = [build(node) for node in settings["plugins"] or []]
    return {
        "callbacks": _enabled(callbacks, config, settings),
        "logger": loggers or False,
        "plugins": [*plugins, AtomicCheckpointIO()],
        "profiler": _profiler(settings["profiler"], Path(config.run_dir)),
    }


def _enabled(callbacks: list[Callback], config: DictConfig, settings: Settings) -> list[Callback]:
    """Those that are not switched off, and a progress bar unless that is."""
    off = tuple(kind for name, kind in _SWITCHES.items() if settings[name] is False)
    left = [callback for callback in callbacks if not isinstance(callback, off)]
    if ProgressBar not in off and not any(isinstance(c, ProgressBar) for c in left):
        left.append(_default_progress(config))
    return left


_SWITCHES = {"enable_checkpointing": Checkpoint, "enable_progress_bar": ProgressBar}


def _default_progress(config: DictConfig) -> Callback:
    # Lightning's own counts epochs, of which a run in steps has one without an end.
    file = OmegaConf.load(config_directory() / "callbacks" / "progress.yaml")
    known = OmegaConf.create({"objective": config.objective})
    callback: Callback = build(OmegaConf.merge(known, file).progress)
    return callback


def _profiler(given: Any, folder: Path) -> Any:
    """The profiler of that name, whose report is written to the run's folder."""
    if not isinstance(given, str):
        return build(given) if isinstance(given, dict) else given
    from lightning.pytorch import profilers

    kinds = {
        "simple": profilers.SimpleProfiler,
        "advanced": profilers.AdvancedProfiler,
        "pytorch": profilers.PyTorchProfiler,
    }
    return kinds[given](dirpath=folder, filename=f"profile-{given}")


def _strategy(settings: Settings) -> Any:
    """The game's own strategy where there is more than one device and no other is asked for."""
    wanted = settings["strategy"]
    if isinstance(wanted, dict):
        return build(wanted)
    if wanted != "auto":
        check_strategy_name(wanted)
        return wanted
    names = ("accelerator", "devices", "num_nodes")
    probe = _constructed(_QUIET | {name: settings[name] for name in names})
    return NAME if probe.num_devices * probe.num_nodes > 1 else "auto"


def _constructed(arguments: Settings, make: Callable[..., Trainer] = Trainer) -> Trainer:
    known = signature(Trainer.__init__).parameters
    try:
        return make(**{name: value for name, value in arguments.items() if name in known})
    except InputError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{_culprit(arguments, error)}: {reason}") from error


def _culprit(arguments: Settings, error: Exception) -> str:
    """The argument that fails alone as all of them together do."""
    plain = (int, float, str, list, dict)
    for name, value in arguments.items():
        if isinstance(value, plain) and name not in _QUIET:
            try:
                Trainer(**(_QUIET | {name: value}))
            except Exception as other:
                if type(other) is type(error) and str(other) == str(error):
                    return f"trainer.{name}={value}"
    return "trainer"


def _say_what_is_left_out() -> None:
    if is_first_process():
        log.info("trainer.barebones=true: without callbacks, loggers, checkpoints and progress")
