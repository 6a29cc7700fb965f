"""Words that arguments of Lightning's Trainer may be, judged before Lightning is imported."""

import re
from collections.abc import Mapping
from typing import Any

from ganzoo.errors import InputError, nearest

DURATION = '"days:hours:minutes:seconds" as in "00:00:10:00", or {minutes: 10}'
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_DEVICES = "write auto, how many, a list of GPUs such as [0,2], or -1 for all GPUs"
_PROFILERS = ("simple", "advanced", "pytorch")


def check_words(settings: Mapping[str, Any]) -> None:
    """Refuse durations, devices and profilers that are none.

    Args:
        settings: Arguments of the Trainer.

    Raises:
        InputError: naming the argument and what it may be.
    """
    for name in ("max_time", "val_check_interval"):
        _check_duration(name, settings.get(name))
    if _is_number(settings.get("max_time")):
        raise InputError(f"trainer.max_time={settings['max_time']}: write {DURATION}")
    profiler = settings.get("profiler")
    if isinstance(profiler, str) and profiler not in _PROFILERS:
        raise InputError(f"trainer.profiler={profiler}: {nearest(profiler, _PROFILERS)}")
    devices = settings.get("devices", "auto")
    written = devices if isinstance(devices, str) else ",".join(map(str, _listed(devices)))
    if not re.fullmatch(r"auto|-1|\d+(,\s*\d+)*,?", written) or devices in (0, "0"):
        raise InputError(f"trainer.devices={devices}: {_DEVICES}")


def _check_duration(name: str, value: Any) -> None:
    if isinstance(value, str) and not re.fullmatch(r"\d+:\d\d:\d\d:\d\d", value.strip()):
        raise InputError(f"trainer.{name}={value}: write {DURATION}")
    if isinstance(value, dict):
        if not set(value) <= set(_UNITS):
            raise InputError(f"trainer.{name}={value}: the units are {', '.join(_UNITS)}")
        if not all(_is_number(number) for number in value.values()):
            raise InputError(f"trainer.{name}={value}: write {DURATION}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
