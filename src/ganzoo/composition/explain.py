"""One line for each kind of wrong input that Hydra, OmegaConf or Lightning notices."""

from collections.abc import Sequence

from hydra.errors import (
    ConfigCompositionException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from ganzoo.composition.compose import group_choices, setting_names
from ganzoo.errors import InputError, nearest

# By name, because importing them would import torch.
_SAY_IT_THEMSELVES = {"MisconfigurationException", "NonFiniteError", "LostProcessError"}
_NO_CLUSTER = (
    "there is no SLURM here (srun was not found): leave out sweep=slurm, or add "
    "hydra/launcher=submitit_local to start the jobs on this machine"
)


def explain(error: BaseException, overrides: Sequence[str]) -> str | None:
    """Say in one line what is wrong with the input and what would be right.

    Args:
        error: What composing or running raised.
        overrides: The command line.

    Returns:
        The line, or None where the error is not the user's: then its stack trace is wanted.
    """
    if isinstance(error, InstantiationException):
        return _explain_instantiation(error, overrides)
    if isinstance(error, MissingConfigException):
        return _explain_choice(error)
    if isinstance(error, OverrideParseException):
        reason = str(error).splitlines()[1]
        return f"cannot read {error.override!r} ({reason}): write setting=value"
    if isinstance(error, ConfigCompositionException):
        return _explain_setting(error, overrides)
    if isinstance(error, MissingMandatoryValue):
        name = str(error.full_key or error.key)
        return f"{name} must be given: add {name}=..."
    if isinstance(error, InputError | OSError | OmegaConfBaseException):
        return _first_line(error)
    if type(error).__name__ in _SAY_IT_THEMSELVES:
        return _first_line(error)
    return _NO_CLUSTER if "srun" in str(error) and isinstance(error, RuntimeError) else None


def _explain_choice(error: MissingConfigException) -> str:
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    if not group:
        return _first_line(error)
    if choice.startswith("submitit"):
        return f"the launcher {choice} is not installed: pip install 'lightning-ganzoo[slurm]'"
    return f"unknown {group} {choice!r}: {nearest(choice, error.options or group_choices(group))}"


def _explain_setting(error: ConfigCompositionException, overrides: Sequence[str]) -> str:
    message = str(error)
    quoted = message.split("'")[1] if "'" in message else ""
    if "Could not override" in message or "does not exist" in message:
        name = quoted.split(" ")[0]
        return f"unknown setting {name!r}: {nearest(name, setting_names(overrides))}"
    return _first_line(error)


def _explain_instantiation(error: InstantiationException, overrides: Sequence[str]) -> str | None:
    cause = error.__cause__
    _, named, key = str(error).rpartition("full_key: ")
    where = key.strip() if named else "model"
    if cause is None:
        return f"{where}: {_first_line(error)}"
    if isinstance(cause, TypeError | ValueError) and not isinstance(cause, InputError):
        return f"{where}: {_first_line(cause)}"
    return explain(cause, overrides)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
