"""From a checkpoint to a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo.checkpoints.resuming import read_or_previous
from ganzoo.checkpoints.trust import check_configuration
from ganzoo.composition.compose import build
from ganzoo.errors import InputError
from ganzoo.game.module import AdversarialModule


def load(path: str | Path, *, trusted: Sequence[str] = (), **objects: Any) -> AdversarialModule:
    """Rebuild a model from its checkpoint alone, in evaluation mode on the CPU.

    Args:
        path: A checkpoint that a run wrote; where a run's last one is damaged, a warning says so
            and the one before it is used.
        trusted: Modules, besides ganzoo's and torch's own, whose classes the checkpoint may name.
        objects: The objects of your own that the model was created with, again.

    Raises:
        InputError: if the file is missing, damaged, of another version, names something that is
            not trusted, or needs objects that are not given.
    """
    path, checkpoint = read_or_previous(Path(path))
    configuration = checkpoint["ganzoo"]["configuration"]
    if not configuration:
        raise InputError(f"{path} does not say how its model was made: it was not composed")
    settings = {
        name: value for name, value in configuration["model"].items() if not _is_object(value)
    }
    missing = sorted(set(configuration["model"]) - set(settings) - set(objects))
    if missing:
        kinds = ", ".join(f"{name}=<{configuration['model'][name]['object']}>" for name in missing)
        raise InputError(f"{path} was trained with objects of your own: load(path, {kinds})")
    check_configuration(settings, trusted)
    model = _rebuild(settings, objects, path)
    model.configuration = configuration
    _restore(model, checkpoint["state_dict"], path)
    return model.eval()


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"object"}


def _rebuild(
    settings: dict[str, Any], objects: dict[str, Any], path: str | Path
) -> AdversarialModule:
    try:
        model = build(settings, **objects)
    except InputError:
        raise
    except Exception as error:  # a stranger's config can make a constructor raise anything
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise InputError(f"the model that {path} describes cannot be built: {reason}") from error
    if not isinstance(model, AdversarialModule):
        raise InputError(f"the checkpoint's config makes a {type(model).__name__}, not a model")
    return model


def _restore(model: AdversarialModule, state: dict[str, Any], path: str | Path) -> None:
    unfit = InputError(f"the weights in {path} do not fit the model it describes")
    if _shapes(state) != _shapes(model.state_dict()):  # before torch adapts those of old formats
        raise unfit
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise unfit from error


def _shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}
