"""Find the configs, compose them, and build what they describe."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import InstantiationException, MissingConfigException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

import ganzoo.composition.choices  # noqa: F401 - the configs use its resolvers
from ganzoo.composition.left_out import with_left_out
from ganzoo.composition.overrides import hydra_overrides, name_of
from ganzoo.configs import BASE, config_directory, register_resolvers, without_groups
from ganzoo.errors import InputError

_OTHERS = {"hydra", "projection", "theory"}
"""Folders of configs that are chosen from otherwise."""


def packed_shape(shape: Sequence[int], packing: int) -> ListConfig:
    """The shape of ``packing`` samples that are concatenated along their first axis."""
    samples = max(1, int(packing))  # the model says what is wrong with other numbers
    return OmegaConf.create([shape[0] * samples, *shape[1:]])


def shape_with_code(shape: Sequence[int], latent_dim: int) -> ListConfig:
    """The shape of samples with a code as further features, or as constant maps."""
    return OmegaConf.create([shape[0] + latent_dim, *shape[1:]])


def vector_shape(size: int) -> ListConfig:
    """The shape of codes, or of points."""
    return OmegaConf.create([size])


def image_shape(channels: int, image_size: int | ListConfig) -> ListConfig:
    """The shape of pictures whose size is one number, or height and width."""
    if isinstance(image_size, ListConfig):
        return OmegaConf.create([channels, *image_size])
    return OmegaConf.create([channels, image_size, image_size])


def unet_downsamplings(most: int, shape: Sequence[int]) -> int:
    """How often pictures of a shape can be halved, from 2 to the most that is wanted."""
    return _as_many(most, 2, lambda count: not any(side % 2**count for side in shape[1:]))


def patchgan_downsamplings(most: int, shape: Sequence[int]) -> int:
    """How often pictures of a shape can be halved and leave patches, from 1 to the most."""
    return _as_many(most, 1, lambda count: min(shape[1:], default=0) >= 3 * 2**count)


def _as_many(most: int, least: int, fits: Callable[[int], bool]) -> int:
    """The largest number that fits; the least where none does, of which the network says why."""
    return next((count for count in range(most, least, -1) if fits(count)), least)


def one_more(count: int | None) -> int | None:
    """The number after this one; None where there is none."""
    return None if count is None else count + 1


def features_named(features: DictConfig) -> str:
    """What values of pictures have behind their name: the first features, where they say so.

    They do where there are several, or the features are pixels; see the evaluator.
    """
    names = list(features or {})
    told = len(names) > 1 or any(_is_raw(features[name]) for name in names)
    return f"_{names[0]}" if told else ""


def _is_raw(node: Any) -> bool:
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    with contextlib.suppress(Exception):  # whoever builds it says what is wrong with it
        return bool(target and get_object(target).raw)
    return False


def half(number: int | None) -> int:
    """Half of a number of steps; 0 where it is not known."""
    return (number or 0) // 2


register_resolvers()
for resolver in (half, packed_shape, shape_with_code, vector_shape, image_shape, one_more,
                 features_named, unet_downsamplings, patchgan_downsamplings):  # fmt: skip
    OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)


def compose_config(
    overrides: Sequence[str],
    config_name: str = "config",
    directory: Path | None = None,
    *,
    with_hydra: bool = False,
) -> DictConfig:
    """Compose a config as the command line would.

    Args:
        overrides: Overrides in Hydra's grammar, such as ``"model=wgan_gp"``.
        config_name: The primary config.
        directory: Where it is; None for the folder of training.
        with_hydra: Whether Hydra's own settings are in it, the record of choices among them.

    Raises:
        InputError: if an override cannot be read, or nothing is chosen where something must be.
    """
    folder = directory or config_directory()
    words = hydra_overrides(overrides, [folder, config_directory()])
    words = with_left_out(words) if folder == config_directory() else words
    inside = GlobalHydra.instance().is_initialized()  # of a command, whose folders these are
    with contextlib.nullcontext() if inside else _hydra_in(folder):
        config = compose(config_name, overrides=words, return_hydra_config=True)
        check_found(config.hydra)
    if not with_hydra:
        with open_dict(config):
            del config["hydra"]
    return config


def _hydra_in(folder: Path) -> AbstractContextManager[None]:
    return initialize_config_dir(version_base="1.3", config_dir=str(folder))


def check_found(hydra: Any) -> None:
    """Refuse choices that Hydra has not found and passes over, as those marked optional.

    A choice that follows that of the outer group may lack a file: the outer one's says it all.

    Args:
        hydra: Hydra's own node of a composed config, with its record of what was chosen.

    Raises:
        MissingConfigException: what Hydra raises for a choice that is not optional.
    """
    loader, choices = GlobalHydra.instance().config_loader(), hydra.runtime.choices
    searched = list(hydra.overrides.hydra)  # folders of the user's own
    for key, choice in choices.items():
        group = str(key).partition("@")[0]
        if choice is None or choice == choices.get(group.rpartition("/")[0]):
            continue
        options = loader.get_group_options(
            group, config_name=hydra.job.config_name, overrides=searched
        )
        if choice not in options:
            raise MissingConfigException(f"no {group}/{choice}", f"{group}/{choice}", options)


@cache
def composed_once(
    overrides: tuple[str, ...],
    config_name: str = "config",
    directory: Path | None = None,
    *,
    with_hydra: bool = False,
) -> DictConfig:
    """The same as :func:`compose_config`, for those who only look at it."""
    return compose_config(overrides, config_name, directory, with_hydra=with_hydra)


def group_choices(group: str) -> list[str]:
    """The names that a config group offers."""
    return sorted(path.stem for path in (config_directory() / group).glob("*.yaml"))


def groups() -> list[str]:
    """The names of the config groups that are in no other one."""
    return sorted(path.name for path in config_directory().iterdir() if path.is_dir())


def all_groups() -> list[str]:
    """The paths of all config groups of training, as ``optimizer`` and ``optimizer/ema``."""
    folders = (path for path in config_directory().rglob("*") if path.is_dir())
    names = (path.relative_to(config_directory()).as_posix() for path in folders)
    return sorted(name for name in names if name.split("/")[0] not in _OTHERS
                  and BASE not in name.split("/"))  # fmt: skip


def places_of(group: str) -> list[str]:
    """Where a group is chosen in a usual run, as dotted names."""
    if "/" not in group:
        return [group]
    choices = composed_once((), with_hydra=True).hydra.runtime.choices
    found = [name_of(str(key)) for key in choices if str(key).partition("@")[0] == group]
    return sorted(found) or [name_of(group)]


def is_group(name: str) -> bool:
    """Whether this is the path of a config group."""
    return bool(name) and (config_directory() / name).is_dir()


def callbacks_of(config: DictConfig) -> list[Any]:
    """The configs of a run's callbacks, without what they have in common."""
    return [*without_groups("callbacks", _root_=config).values()]


def resolved(node: DictConfig) -> dict[str, Any]:
    """A plain dictionary of a config with every interpolation replaced by its value."""
    plain = OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    return plain  # type: ignore[return-value]


def build(node: DictConfig | dict[str, Any], **objects: Any) -> Any:
    """Instantiate what a config describes, with plain lists and dictionaries inside.

    Args:
        node: A config with ``_target_``.
        objects: Objects that take the place of settings of the same name.

    Raises:
        InputError: what a constructor says of wrong input.
    """
    try:
        return instantiate(node, _convert_="all", **objects)
    except InstantiationException as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, InputError):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from None
