"""Loggers that work where there is no account, no network and no extra package."""

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_info

from ganzoo.errors import InputError

CONNECTION_SECONDS = 3.0


def tensorboard_logger(*, save_dir: str) -> TensorBoardLogger:
    """TensorBoard's event files in a folder.

    Raises:
        InputError: if the package tensorboard is not installed.
    """
    try:
        import tensorboard  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise InputError(
            "logger=tensorboard needs a package: pip install 'lightning-ganzoo[tensorboard]'"
        ) from error
    return TensorBoardLogger(save_dir=save_dir, name="", version="")


def wandb_logger(
    *, save_dir: str, project: str, name: str, group: str | None, tags: list[str]
) -> WandbLogger:
    """Weights & Biases, offline where it cannot be reached.

    Without an API key or a network the run is kept on disk, in one line it says so and how to
    send it later; it never asks for a key.

    Args:
        save_dir: Where wandb keeps its files.
        project: wandb's project.
        name: The run's name.
        group: Runs of one sweep share a group; None for a run of its own.
        tags: The run's tags.
    """
    reason = _why_offline()
    if reason:
        rank_zero_info(
            f"wandb: {reason}, so this run is logged offline in {save_dir}/wandb "
            "(wandb sync sends it later)"
        )
    Path(save_dir).mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {"group": group, "tags": tags}
    return WandbLogger(
        project=project, name=name, save_dir=save_dir, offline=bool(reason), **settings
    )


def _why_offline() -> str | None:
    import wandb

    settings = wandb.Settings()
    if settings.mode in {"offline", "disabled"}:
        return f"WANDB_MODE is {settings.mode}"
    if not wandb.api.api_key:
        return "there is no API key"
    address = urlparse(settings.base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), CONNECTION_SECONDS).close()
    except OSError:
        return f"{address.hostname} cannot be reached"
    return None
