"""One line for each kind of wrong input that Hydra, OmegaConf or Lightning notices."""

import re
from collections.abc import Sequence

from hydra.errors import (
    ConfigCompositionException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
    SearchPathException,
)
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException

from ganzoo.composition.compose import is_group
from ganzoo.composition.overrides import how_to_quote, name_of
from ganzoo.composition.suggestions import suggest_choice, suggest_setting
from ganzoo.composition.targets import explain_target
from ganzoo.errors import InputError

LONGEST_MESSAGE = 280
"""Characters of a line; the rest is left out."""

# By name, because importing them would import torch.
_SAY_IT_THEMSELVES = {"MisconfigurationException", "NonFiniteError", "LostProcessError"}
_SEVERAL = re.compile(r"(?:Ambiguous value for argument|Sweep parameters) '(?P<word>[^']+)'")
_THERE = re.compile(r"Could not append to config\. An item is already at '(?P<name>[^']+)'")
_NO_PART = "Cannot instantiate config of type "
_CALLED = re.compile(r"(?:call to target|partial\()'?(?:\w+\.)*(?P<name>\w+)")
_NOT_TAKEN = re.compile(r"(?P<name>\w+)(?:\.__init__)?\(\) got an unexpected keyword argument "
                        r"'(?P<key>\w+)'")  # fmt: skip
_UNKNOWN = re.compile(r"Could not (?:override|delete)[^']*'(?P<name>[^'\s]+)|'(?P<key>[^']+)'[^']* "
                      r"does not exist")  # fmt: skip
_NO_CLUSTER = (
    "there is no SLURM here (srun was not found): leave out sweep=slurm, or add "
    "hydra/launcher=submitit_local to start the jobs on this machine"
)


def explain(
    error: BaseException, overrides: Sequence[str], config_name: str = "config"
) -> str | None:
    """Say in one line what is wrong with the input and what would be right.

    Args:
        error: What composing or running raised.
        overrides: The command line.
        config_name: The primary config.

    Returns:
        The line, or None where the error is not the user's: then its stack trace is wanted.
    """
    line = _line(error, overrides, config_name)
    if isinstance(error, OSError) or type(error).__name__ in _SAY_IT_THEMSELVES:
        return line  # however long: it ends with the path of a checkpoint
    return (
        line
        if line is None or len(line) <= LONGEST_MESSAGE
        else f"{line[: LONGEST_MESSAGE - 4]} ..."
    )


def _line(error: BaseException, overrides: Sequence[str], config_name: str) -> str | None:
    if isinstance(error, InstantiationException):
        return _explain_instantiation(error, overrides, config_name)
    if isinstance(error, MissingConfigException):
        return _explain_choice(error)
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}: write setting=value"
    if isinstance(error, ConfigCompositionException):
        return _explain_setting(error, overrides, config_name)
    if isinstance(error, MissingMandatoryValue):
        name = str(error.full_key or error.key)
        return f"{name} must be given: add {name}=..."
    if isinstance(error, InterpolationKeyError):
        return f"{error.full_key or error.key}: {first_line(error)}"
    return _line_of_others(error)


def _line_of_others(error: BaseException) -> str | None:
    """What errors say that come neither from composing nor from building."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, RuntimeError) and "srun" in str(error):
        return _NO_CLUSTER
    return first_line(error) if _says_it_itself(error) else None


def _says_it_itself(error: BaseException) -> bool:
    known = InputError | OSError | OmegaConfBaseException | SearchPathException
    return isinstance(error, known) or type(error).__name__ in _SAY_IT_THEMSELVES


def _explain_choice(error: MissingConfigException) -> str:
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    if not group:
        return first_line(error)
    if choice.startswith("submitit"):
        return f"the launcher {choice} is not installed: pip install 'lightning-ganzoo[slurm]'"
    meant = suggest_choice(group, choice, error.options or ())
    return f"unknown {name_of(group)} {choice!r}: {meant}"


def _explain_setting(
    error: ConfigCompositionException, overrides: Sequence[str], config_name: str
) -> str:
    several = _SEVERAL.search(str(error))
    if several:
        return _explain_several(several["word"])
    there = _THERE.search(str(error))
    if there:
        return f"{there['name']} is there already: set it without +"
    unknown = _UNKNOWN.search(str(error))
    if unknown:
        name = name_of(unknown["name"] or unknown["key"])
        return f"unknown setting {name!r}: {suggest_setting(name, overrides, config_name)}"
    return first_line(error)


def _explain_several(word: str) -> str:
    key, _, value = word.partition("=")
    said = f"{name_of(key)}={value} has several values: add -m for a run with each of them"
    if is_group(key.partition("@")[0]):
        return f"{said}, or write '{name_of(key)}=[{value}]' for one with all of them"
    return f"{said}, or write {how_to_quote(key, value)} for text with commas"


def _explain_instantiation(
    error: InstantiationException, overrides: Sequence[str], config_name: str
) -> str | None:
    cause = error.__cause__
    _, named, key = str(error).rpartition("full_key: ")
    called = _CALLED.search(str(error))
    where = key.strip() if named else called["name"] if called else "model"
    target = explain_target(error)
    if target is not None:
        return f"{where}: {target}" if named else target
    if _NO_PART in str(error):
        kind = str(error).partition(_NO_PART)[2].partition(".")[0]
        return f"a part is made of settings with _target_, not of one value of type {kind}"
    if cause is None:
        return f"{where}: {first_line(error)}"
    said = _line(cause, overrides, config_name)
    return said if said is not None else f"{where}: {unexpected(cause)}"


def unexpected(error: BaseException) -> str:
    """What an error says that nobody foresaw, and how to see where it comes from."""
    line = first_line(error)
    unknown = _NOT_TAKEN.search(line)
    if unknown:
        return f"{unknown['name']} has no setting {unknown['key']!r}"
    if "os.PathLike" in line:
        return f"a path that looks like a number is quoted, as in {how_to_quote('setting', '5')}"
    if isinstance(error, TypeError | ValueError):
        return line
    return f"{line} ({type(error).__name__}; HYDRA_FULL_ERROR=1 shows where)"


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
