"""What a model remembers of how it was made."""

from typing import Any

from ganzoo.errors import InputError

Configuration = dict[str, Any]
"""Names of model and data set, shape, classes and settings of the data, and the model's resolved
config: plain values."""


def check_same_model(
    configuration: Configuration | None, state: dict[str, Any], checkpoint: dict[str, Any]
) -> None:
    """Refuse to go on from the checkpoint of another model.

    Args:
        configuration: How the model was made, where that is known.
        state: The model's state dict.
        checkpoint: What a run saved.

    Raises:
        InputError: if the checkpoint was not written by ganzoo, is of another model or data set,
            its weights have other names or shapes, or it has frozen other layers.
    """
    if "ganzoo" not in checkpoint:
        raise InputError("the checkpoint was not written by ganzoo")
    theirs, mine = _title(checkpoint["ganzoo"]["configuration"]), _title(configuration)
    if None not in (theirs, mine) and theirs != mine:
        raise InputError(f"the checkpoint is of {theirs}, this run is {mine}")
    _check_frozen(checkpoint["ganzoo"]["configuration"], configuration)
    saved, wanted = _shapes(checkpoint["state_dict"]), _shapes(state)
    different = sorted(set(saved.items()) ^ set(wanted.items()))
    if different:
        raise InputError(
            f"the checkpoint's networks are not this run's (first difference: {different[0][0]}): "
            "give the settings it was trained with"
        )


def _check_frozen(theirs: Configuration | None, mine: Configuration | None) -> None:
    """Refuse another number of frozen layers: the optimizer's state would be of other weights."""
    name = "freeze_discriminator_layers"
    if theirs and mine:
        counts = [one["model"].get(name, 0) for one in (theirs, mine)]
        if counts[0] != counts[1]:
            raise InputError(f"the checkpoint was trained with {name}={counts[0]}: set it so")


def _title(configuration: Configuration | None) -> str | None:
    return (
        f"{configuration['name']} on {configuration['dataset']['name']}" if configuration else None
    )


def _shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}
