"""What goes together, found by putting it together."""

from dataclasses import dataclass

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.catalogue import Entry
from ganzoo.composition.compose import build, compose_config, group_choices, places_of
from ganzoo.composition.overrides import hydra_overrides
from ganzoo.composition.settings import check_choices
from ganzoo.configs import config_directory
from ganzoo.errors import InputError

DATASET_OF_KIND = {"points": "ring", "images": "digits"}
"""A data set for each kind of data; the second has classes too."""

SMALL = ("network.latent.latent_dim=12",)


@dataclass(frozen=True)
class Compatibility:
    """Whether a choice goes with another.

    Attributes:
        group: The other choice's config group.
        choice: The other choice.
        kind: Of the data: points or images.
        refusal: None where they go together, else the line that says why not.
    """

    group: str
    choice: str
    kind: str
    refusal: str | None


def part_config(group: str, choice: str) -> DictConfig:
    """What a choice of a group adds to a config, not yet resolved."""
    with initialize_config_dir(version_base="1.3", config_dir=str(config_directory())):
        return compose(f"{group}/{choice}")


def with_part(config: DictConfig, group: str, choice: DictConfig) -> DictConfig:
    """A config with another choice of one group."""
    others = {key: config._get_node(key) for key in config if key != group}
    changed = OmegaConf.create(others)
    changed[group] = choice.get(group)
    return changed


def compatibilities_of(entry: Entry) -> list[Compatibility]:
    """How a model goes with all losses and penalties, or any other part with all models."""
    if entry.group == "model":
        pairs = [(group, name) for group in ("loss", "penalty") for name in group_choices(group)]
        bases = {kind: _composed(entry.name, kind) for kind in DATASET_OF_KIND}
        return [
            Compatibility(group, name, kind, _refusal_in(base, entry.name, group, name))
            for group, name in pairs
            for kind, base in bases.items()
        ]
    choice = f"{places_of(entry.path)[0]}={entry.name}"
    return [
        Compatibility("model", model, kind, _refusal_of(model, kind, choice))
        for model in group_choices("model")
        for kind in DATASET_OF_KIND
    ]


def _refusal_in(base: DictConfig, model: str, group: str, name: str) -> str | None:
    if group not in base:
        return f"model={model} has no {group}"
    return _refusal(with_part(base, group, part_config(group, name)))


def _refusal_of(model: str, kind: str, choice: str) -> str | None:
    config = _composed(model, kind, choice)
    try:
        check_choices(config, hydra_overrides([choice], [config_directory()]), model)
    except InputError as error:
        return str(error)
    return _refusal(config)


def _composed(model: str, kind: str, *choice: str) -> DictConfig:
    return compose_config([f"model={model}", f"dataset={DATASET_OF_KIND[kind]}", *SMALL, *choice])


def _refusal(config: DictConfig) -> str | None:
    """What a model says of its settings when it is built, and when it sees its own samples."""
    try:
        model = build(config.model)
        count = 2 * config.get("packing", 1)
        samples = model.sample(count, seed=0)
        labels = torch.zeros(count, dtype=torch.int64)
        model.check_fields({"real": samples, "labels": labels})
    except InputError as error:
        return str(error)
    return None
