"""What the arguments of Lightning's Trainer may be, and what a run here has instead of some."""

from collections.abc import Iterable
from datetime import timedelta
from inspect import signature
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry

from ganzoo.composition.trainer_words import DURATION, check_words
from ganzoo.errors import InputError, check_whole, nearest
from ganzoo.strategies.arguments import check_arguments
from ganzoo.strategies.player_parallel import NAME

Settings = dict[str, Any]

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    list: "a list",
    dict: "a dictionary",
    NoneType: "null",
}
_MEASURING = "training measures by callbacks, not on a validation set: set "
_SETTINGS_INSTEAD = {
    "logger": "choose loggers with logger=csv, tensorboard, wandb or none",
    "callbacks": "choose callbacks with callbacks=[default,...], or +callbacks.NAME._target_=...",
    "model_registry": "it uploads Lightning's own checkpoints: upload checkpoints/best.ckpt after",
    "limit_test_batches": "this command trains: samples=... of python -m ganzoo.evaluate measures",
    "limit_predict_batches": "this command trains: python -m ganzoo.sample draws samples",
}
_OF_VALIDATION = {
    "limit_val_batches": f"{_MEASURING}metrics.evaluator.samples",
    "val_check_interval": f"{_MEASURING}callbacks.evaluation.every_n_steps",
    "check_val_every_n_epoch": f"{_MEASURING}callbacks.evaluation.every_n_steps",
    "num_sanity_val_steps": "each metric is tried before training as it is: leave it out",
}


def check_argument_kinds(settings: Settings) -> None:
    """Refuse values of another kind than Lightning's signature says.

    Raises:
        InputError: naming the argument and what it may be.
    """
    known = {name for name in signature(Trainer.__init__).parameters if name != "self"}
    hints = get_type_hints(Trainer.__init__)
    for name, value in settings.items():
        if name not in known:
            near = nearest(name, known)
            advice = near if near.startswith("did") else "docs/trainer.md lists its arguments"
            raise InputError(f"Lightning's Trainer has no {name}: {advice}")
        if isinstance(value, dict) and "_target_" in value:
            continue
        kinds = list(_kinds(hints[name]))
        if not any(_is_of(value, kind) for kind in kinds):
            raise InputError(_wrong_kind(name, value, kinds))


def check_values(settings: Settings, *, validates: bool) -> None:
    """Refuse what Lightning does not check, and what would be silently not done.

    Args:
        settings: The arguments, of the right kinds.
        validates: Whether the run has a validation set.

    Raises:
        InputError: naming the argument and what to write instead.
    """
    _check_meaning(settings, validates)
    check_arguments(**{name: settings[name] for name in signature(check_arguments).parameters})
    check_words(settings)
    for name in ("min_steps", "min_epochs"):
        check_whole(0, **{name: settings[name] or 0})
    _check_names(settings)
    _check_epochs(settings)


def _check_meaning(settings: Settings, validates: bool) -> None:
    instead = _SETTINGS_INSTEAD if validates else _SETTINGS_INSTEAD | _OF_VALIDATION
    for name, advice in instead.items():
        value = settings.get(name)
        asked = value is not None and value != signature(Trainer.__init__).parameters[name].default
        if asked and not (_is_of(value, float) and value == 0):  # no validation, as there is none
            raise InputError(f"trainer.{name}={value} would do nothing here: {advice}")


def _check_names(settings: Settings) -> None:
    accelerator, strategy = settings["accelerator"], settings["strategy"]
    accelerators = {"auto", "gpu", *AcceleratorRegistry.available_accelerators()}
    if isinstance(accelerator, str) and accelerator not in accelerators:
        raise InputError(f"trainer.accelerator={accelerator}: {nearest(accelerator, accelerators)}")
    if isinstance(strategy, str) and strategy != "auto" and strategy not in StrategyRegistry:
        raise InputError(f"trainer.strategy={strategy}: choose from auto, {NAME}")
    for plugin in settings["plugins"] or []:
        if not isinstance(plugin, dict):
            raise InputError(f"trainer.plugins: write [{{_target_: ...}}] instead of {plugin!r}")


def _check_epochs(settings: Settings) -> None:
    endless = (settings["max_epochs"] or 0) < 0 and not settings["fast_dev_run"]
    if endless and settings["min_epochs"]:
        raise InputError(
            f"trainer.min_epochs={settings['min_epochs']}: a run in steps has one endless epoch, "
            "set trainer.min_steps, or trainer.max_epochs too"
        )
    share = settings["limit_train_batches"]
    if share == 0:
        raise InputError("trainer.limit_train_batches=0 leaves nothing to train on")
    if endless and isinstance(share, float) and 0 < share < 1:
        raise InputError(
            f"trainer.limit_train_batches={share} is a part of an epoch, and a run in steps has "
            "one endless epoch: write a number of batches, or set trainer.max_epochs too"
        )


def _kinds(hint: Any) -> Iterable[Any]:
    """The members of a type hint that is a union, however deep."""
    if get_origin(hint) in (Union, UnionType):
        for member in get_args(hint):
            yield from _kinds(member)
    else:
        yield hint


def _is_of(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(value == word and type(value) is type(word) for word in get_args(kind))
    plain = get_origin(kind) or kind
    if isinstance(value, bool):
        return plain is bool
    return isinstance(value, (int, float) if plain is float else plain)


def _wrong_kind(name: str, value: Any, kinds: list[Any]) -> str:
    if timedelta in kinds:
        return f"trainer.{name}={value}: write {DURATION}"
    words = [str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if words and isinstance(value, str | int) and bool not in kinds:
        return f"trainer.{name}={value}: {nearest(str(value), set(words))}"
    plain = [_WORDS[kind] for kind in (get_origin(k) or k for k in kinds) if kind in _WORDS]
    *others, last = dict.fromkeys([*words, *plain])
    may_be = f"{', '.join(others)} or {last}" if others else last
    return f"trainer.{name} must be {may_be}, not {value!r}"
