"""Build a model from the same configs as the command line, for people who work in Python."""

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.choices import chosen, referenced_names
from ganzoo.composition.compose import build, compose_config, resolved
from ganzoo.composition.explain import explain
from ganzoo.composition.left_out import check_players, with_left_out
from ganzoo.composition.overrides import hydra_overrides
from ganzoo.composition.settings import check_choices
from ganzoo.configs import config_directory
from ganzoo.errors import InputError
from ganzoo.game.module import AdversarialModule


def create_model(
    model: str, *, dataset: str, overrides: Sequence[str] = (), **objects: Any
) -> AdversarialModule:
    """Compose a model for a data set, ready to be fitted by a ``lightning.Trainer``.

    Args:
        model: Name of a config in ``conf/model``.
        dataset: Name of a config in ``conf/dataset``: its shape, classes and network family.
            Any dataloader whose batches have that shape can then be used.
        overrides: Overrides in Hydra's grammar, such as ``"model.discriminator_steps=3"``.
        objects: Objects of your own in place of what the config describes, under the names of
            the model's arguments: ``generator=``, ``discriminator=``, ``loss=``,
            ``penalties={"name": penalty}`` and so on.

    Raises:
        InputError: if a name or a setting is unknown, or a value is out of range.
    """
    command = [f"model={model}", f"dataset={dataset}", *overrides]
    try:
        config = compose_config(command, with_hydra=True)
        understood = with_left_out(hydra_overrides(command, [config_directory()]))
        check_choices(config, understood, model)
        check_players(config, understood)
        built = build_model(config, model, dataset, **objects)
    except Exception as error:
        line = explain(error, command)
        if line is None or isinstance(error, InputError):
            raise
        raise InputError(line) from error
    built.save_hyperparameters(_hyperparameters(config, overrides))
    return built


def _hyperparameters(config: DictConfig, overrides: Sequence[str]) -> dict[str, str]:
    """What a Trainer's loggers show of a model: the choices it is made of, and what was set."""
    groups = chosen(config, config.hydra.runtime.choices)
    used = referenced_names(config, "model", not_beyond="dataset") | {"dataset"}
    pairs = (override.lstrip("+").partition("=") for override in overrides if "=" in override)
    settings = {name: value for name, _, value in pairs if name not in groups}
    parts = {name: choice for name, choice in groups.items() if name.split(".")[0] in used}
    return parts | settings


def build_model(config: DictConfig, model: str, dataset: str, **objects: Any) -> AdversarialModule:
    """Build the model of a composed config and let it remember how it was made.

    Args:
        config: A composed config.
        model: The choice of the model group.
        dataset: The choice of the data set group.
        objects: Objects in place of what the config describes.
    """
    settings = resolved(config.model)
    built: AdversarialModule = build(settings, **objects)
    given = {
        name: value if _is_data(value) else {"object": type(value).__qualname__}
        for name, value in objects.items()
    }
    built.configuration = {
        "name": model,
        "dataset": {
            "name": dataset,
            "shape": list(config.dataset.shape),
            "num_classes": config.dataset.num_classes,
            "settings": plain_settings(config.dataset),
        },
        "model": settings | given,
    }
    return built


def _is_data(value: Any) -> bool:
    """Whether a checkpoint can hold a value as it is, so that loading need not ask for it."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_data(each) for key, each in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def plain_settings(config: DictConfig) -> dict[str, Any]:
    """What is written directly in a config, under dotted names, lists as they are.

    What follows from other settings is left out; what comes from the environment is taken as it
    is now.
    """
    return dict(_written(config, OmegaConf.to_container(config, resolve=False), ""))


def _written(node: DictConfig, raw: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        text = str(value)
        if isinstance(value, dict):
            yield from _written(node[key], value, f"{prefix}{key}.")
        elif "${" not in text and value != "???":
            yield f"{prefix}{key}", value
        elif "${oc.env:" in text and "${" not in text.replace("${oc.env:", ""):
            yield f"{prefix}{key}", node[key]
