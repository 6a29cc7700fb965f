"""Whether a run will measure its objective, known before it starts."""

from collections.abc import Collection, Iterable
from typing import Any

from omegaconf import DictConfig

from ganzoo.errors import InputError, nearest

DIRECTIONS = ("minimize", "maximize")
ANY = "any"  # kind of value, where a callback may log what it likes


def check_direction(direction: Any) -> None:
    """Refuse what is no direction.

    Raises:
        InputError: saying which there are.
    """
    if direction not in DIRECTIONS:
        known = " or ".join(DIRECTIONS)
        raise InputError(f"direction must be {known}, not {direction!r}")


def check_measured(config: DictConfig) -> None:
    """Build a run's model and callbacks, and refuse an objective that they do not measure.

    Of ``metrics/...`` the whole name is known. What a player (``generator/loss``), the monitor or
    another callback logs is known when a run has logged it; here only its kind is looked at.

    Args:
        config: A composed config of one run, with Hydra's own part.

    Raises:
        InputError: naming what is measured, or what is wrong with the model or a callback.
    """
    from ganzoo.callbacks.evaluation import Evaluation
    from ganzoo.composition.compose import build, callbacks_of
    from ganzoo.composition.create import build_model

    choices = config.hydra.runtime.choices
    model = build_model(config, choices["model"], choices["dataset"])
    callbacks = [build(node) for node in callbacks_of(config)]
    measured = {
        name
        for callback in callbacks
        if isinstance(callback, Evaluation)
        for name in callback.directions()
    }
    kinds = {player.name for player in model.players} | _kinds(callbacks)
    objective = str(config.objective)
    kind = objective.partition("/")[0]
    if objective not in measured and (kind == "metrics" or not kinds & {kind, ANY}):
        raise InputError(
            f"the objective {objective} is not measured: {_known(objective, measured)}"
        )


def _kinds(callbacks: Iterable[Any]) -> set[str]:
    from ganzoo.callbacks.measurements import PeriodicMeasurement
    from ganzoo.callbacks.monitor import Monitor

    found = {"monitor" for callback in callbacks if isinstance(callback, Monitor)}
    unknown = [
        callback
        for callback in callbacks
        if isinstance(callback, PeriodicMeasurement)
        or not type(callback).__module__.startswith("ganzoo.")
    ]
    return found | {ANY} if unknown else found


def _known(objective: str, measured: Collection[str]) -> str:
    if measured:
        return nearest(objective, measured)
    return "choose metrics=..., or a value of training such as objective=generator/loss"
