"""From the weights of others to a model of ours, and to its checkpoint."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.utils.data import DataLoader

from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.checkpoints.trust import LONGEST_NAME
from ganzoo.composition.create import create_model
from ganzoo.composition.quiet import quieten
from ganzoo.errors import InputError
from ganzoo.foreign_weights.networks import Imported
from ganzoo.game.module import AdversarialModule

IMAGE_SIZE = "dataset.image_size"
USUAL_SIZE = 256
"""Of networks that take pictures of any, as their authors train them."""


def build_imported(
    imported: Imported, dataset: str | None = None, image_size: int | None = None
) -> tuple[AdversarialModule, list[str]]:
    """Compose the model and give its networks the weights.

    Args:
        imported: What it is made of.
        dataset: Name of a config of pictures; None for that of pictures of one's own.
        image_size: Of networks that take any; None for 256.

    Returns:
        The model, and the names of its networks that there are no weights for.

    Raises:
        InputError: if weights are missing, or of other shapes than those of the model.
    """
    settings = dict(imported.settings)
    if image_size not in (None, settings.get(IMAGE_SIZE, image_size)):
        raise InputError(f"these networks are of pictures of {settings[IMAGE_SIZE]} pixels: leave "
                         "image_size= out")  # fmt: skip
    settings.setdefault(IMAGE_SIZE, image_size or USUAL_SIZE)
    words = [f"{name}={_written(value)}" for name, value in settings.items()]
    with torch.device("meta"):  # shapes of any size cost nothing until it is known that they fit
        _check(imported, _model(imported, dataset, words))
    model = _model(imported, dataset, words)
    for place, state in imported.states.items():
        model.get_submodule(place).load_state_dict(dict(state))
    networks = [name for name, child in model.named_children() if _has_weights(child)]
    given = {place.split(".")[0] for place in imported.states}
    return model, [name for name in networks if name not in given]


def save_untrained(model: AdversarialModule, path: Path) -> None:
    """Write the checkpoint of a run that has not made a step.

    Raises:
        InputError: if it cannot be written.
    """
    quieten()
    trainer = Trainer(
        max_steps=0,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[AtomicCheckpointIO()],
    )
    trainer.fit(model, DataLoader(torch.zeros(1, 1)))  # type: ignore[arg-type]
    try:
        trainer.save_checkpoint(path, weights_only=False)
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror}") from error


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _model(imported: Imported, dataset: str | None, words: list[str]) -> AdversarialModule:
    """The model that settings describe, with weights of its own.

    Raises:
        InputError: if there is none.
    """
    try:
        return create_model(imported.model, dataset=dataset or imported.dataset, overrides=words)
    except InputError:
        raise
    except Exception as error:  # numbers out of a stranger's file can make anything fail
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"there is no network as the weights describe it: {reason}") from error


def _check(imported: Imported, model: AdversarialModule) -> None:
    """Compare the names and shapes of all weights with those of a model.

    Raises:
        InputError: naming the first that is missing, or of another shape.
    """
    for place, state in imported.states.items():
        wanted = model.get_submodule(place).state_dict()
        for name in (*wanted, *state):
            if name not in state:
                raise InputError(f"the weights of the {place} lack {name}")
            if name not in wanted:
                raise InputError(
                    f"the weights of the {place} have {name[:LONGEST_NAME]}, which ours has not"
                )
            if state[name].shape != wanted[name].shape:
                raise InputError(
                    f"the weights of the {place} have {name} of the shape "
                    f"{list(state[name].shape)}, and the network of {list(wanted[name].shape)}"
                )


def _written(value: Any) -> str:
    """A value as Hydra reads it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return str(value)
