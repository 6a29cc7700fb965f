"""Find the configs, compose them, and build what they describe."""

from collections.abc import Iterable, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from ganzoo.configs import config_directory as config_directory  # entry points ask here
from ganzoo.errors import InputError


def packed(shape: Sequence[int], packing: int) -> ListConfig:
    """The shape of ``packing`` samples that are concatenated along their first axis."""
    samples = max(1, int(packing))  # the presentation says what is wrong with other numbers
    return OmegaConf.create([shape[0] * samples, *shape[1:]])


def paired(shape: Sequence[int], latent_dim: int) -> ListConfig:
    """The shape of samples with a code as further features, or as constant maps."""
    return OmegaConf.create([shape[0] + latent_dim, *shape[1:]])


def vector(size: int) -> ListConfig:
    """The shape of codes, or of points."""
    return OmegaConf.create([size])


def one_more(count: int | None) -> int | None:
    """The number after this one; None where there is none."""
    return None if count is None else count + 1


for resolver in (packed, paired, vector, one_more):
    OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)


def compose_config(overrides: Sequence[str], config_name: str = "config") -> DictConfig:
    """Compose a config as the command line would.

    Args:
        overrides: Overrides in Hydra's grammar, such as ``"model=wgan_gp"``.
        config_name: The primary config.
    """
    with initialize_config_dir(version_base="1.3", config_dir=str(config_directory())):
        return compose(config_name, overrides=list(overrides))


def group_choices(group: str) -> list[str]:
    """The names that a config group offers."""
    return sorted(path.stem for path in (config_directory() / group).glob("*.yaml"))


def groups() -> list[str]:
    """The names of the config groups."""
    return sorted(path.name for path in config_directory().iterdir() if path.is_dir())


def setting_names(overrides: Iterable[str] = ()) -> list[str]:
    """The names of all groups and the dotted names of all settings, to suggest what was meant.

    Args:
        overrides: The user's overrides; those that choose from a group are applied.
    """
    defaults = OmegaConf.load(config_directory() / "config.yaml").defaults
    known = {key for entry in defaults if isinstance(entry, DictConfig) for key in map(str, entry)}
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    chosen = [o.input_line for o in parsed if o.get_key_element() in known and o.input_line]
    return sorted(known | set(_dotted(compose_config(chosen))))


def _dotted(node: Any, prefix: str = "") -> Iterable[str]:
    if not isinstance(node, DictConfig):
        return
    for key in map(str, node):
        name = f"{prefix}{key}"
        yield name
        if not OmegaConf.is_interpolation(node, key) and not OmegaConf.is_missing(node, key):
            yield from _dotted(node[key], f"{name}.")


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
