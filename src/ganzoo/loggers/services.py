"""Loggers that work where there is no account, no network and no extra package."""

import logging
import netrc
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.loggers.hyperparameters import HyperparameterTableLogger

CONNECTION_SECONDS = 3.0
DEFAULT_ADDRESS = "https://api.wandb.ai"  # where wandb itself sends runs by default

log = logging.getLogger("ganzoo")


def tensorboard_logger(*, save_dir: str) -> TensorBoardLogger:
    """TensorBoard's event files in a folder, with hyperparameters beside what was measured.

    Raises:
        InputError: if the package tensorboard is not installed.
    """
    try:
        import tensorboard  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise InputError(
            "logger=tensorboard needs a package: pip install 'lightning-ganzoo[tensorboard]'"
        ) from error
    return HyperparameterTableLogger(
        save_dir=save_dir, name="", version="", default_hp_metric=False
    )


@defaults_from("logger/wandb")
def wandb_logger(
    *,
    save_dir: str,
    project: str = FROM_CONFIG,
    name: str,
    group: str | None = FROM_CONFIG,
    tags: list[str] = FROM_CONFIG,
) -> WandbLogger:
    """Weights & Biases, offline where it cannot be reached.

    Without an API key or a network the run is kept on disk, in one line it says so and how to
    send it later; it never asks for a key. A run that goes on in its folder goes on as the same
    run of wandb.

    Args:
        save_dir: Where wandb keeps its files.
        project: wandb's project.
        name: The run's name.
        group: Runs of one sweep or experiment share a group; None for none.
        tags: The run's tags.
    """
    import wandb

    reason = _why_offline()
    if reason:
        log.warning(
            "wandb: %s, so this run is logged offline in %s/wandb (wandb sync sends it later)",
            reason,
            save_dir,
        )
    Path(save_dir).mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {"group": group, "tags": tags}
    if reason:
        settings |= {"mode": "offline", "settings": wandb.Settings(silent=True)}
    identity = _identity_of_latest(Path(save_dir))
    return WandbLogger(project=project, name=name, save_dir=save_dir, id=identity, **settings)


def _identity_of_latest(folder: Path) -> str | None:
    latest = folder / "wandb" / "latest-run"  # wandb's own link to run-<date>-<id>
    return latest.resolve().name.rpartition("-")[2] if latest.exists() else None


def _why_offline() -> str | None:
    if os.environ.get("WANDB_MODE", "online") != "online":
        return f"WANDB_MODE is {os.environ['WANDB_MODE']}"
    address = urlparse(os.environ.get("WANDB_BASE_URL", DEFAULT_ADDRESS))
    host = address.hostname or ""
    if not os.environ.get("WANDB_API_KEY") and not _in_netrc(host):
        return "there is no API key"
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), CONNECTION_SECONDS).close()
    except OSError:
        return f"{host} cannot be reached"
    return None


def _in_netrc(host: str) -> bool:
    named = os.environ.get("NETRC")
    places = [Path(named)] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]
    for path in places:
        try:
            if netrc.netrc(path).authenticators(host):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False
