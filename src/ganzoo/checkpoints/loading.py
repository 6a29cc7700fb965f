"""From a checkpoint to a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo.checkpoints.reading import read
from ganzoo.checkpoints.trust import check_recipe
from ganzoo.errors import InputError
from ganzoo.models.gan import GAN


def load(path: str | Path, *, trusted: Sequence[str] = (), **objects: Any) -> GAN:
    """Rebuild a model from its checkpoint alone, in evaluation mode on the CPU.

    Args:
        path: A checkpoint that a run wrote.
        trusted: Modules, besides ganzoo's and torch's own, whose classes the checkpoint may name.
        objects: The objects of your own that the model was created with, again.

    Raises:
        InputError: if the file is missing, damaged, of another version, names something that is
            not trusted, or needs objects that are not given.
    """
    checkpoint = read(path)
    recipe = checkpoint["ganzoo"]["recipe"]
    if not recipe:
        raise InputError(f"{path} does not say how its model was made: it was not composed")
    settings = {name: value for name, value in recipe["model"].items() if not _is_object(value)}
    missing = sorted(set(recipe["model"]) - set(settings) - set(objects))
    if missing:
        kinds = ", ".join(f"{name}=<{recipe['model'][name]['object']}>" for name in missing)
        raise InputError(f"{path} was trained with objects of your own: load(path, {kinds})")
    check_recipe(settings, trusted)
    model = _rebuild(settings, objects)
    model.recipe = recipe
    _restore(model, checkpoint["state_dict"], path)
    return model.eval()


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"object"}


def _rebuild(settings: dict[str, Any], objects: dict[str, Any]) -> GAN:
    from ganzoo.composition.compose import build

    model = build(settings, **objects)
    if not isinstance(model, GAN):
        raise InputError(f"the checkpoint's config makes a {type(model).__name__}, not a model")
    return model


def _restore(model: GAN, state: dict[str, Any], path: str | Path) -> None:
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"the weights in {path} do not fit the model it describes") from error
