"""A plug-in model zoo of generative adversarial networks for PyTorch Lightning.

``create_model`` makes a model from the same configs as the command line, ready for a
``lightning.Trainer``; ``load`` reads one back from a checkpoint, and ``transfer`` gives a new one
the weights of a checkpoint to start from. ``python -m ganzoo`` lists the commands, ``python -m
ganzoo.zoo`` what there is.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.checkpoints.transferring import transfer
    from ganzoo.composition.create import create_model
    from ganzoo.composition.loading import load

__version__ = "0.1.0"
__all__ = ["__version__", "create_model", "load", "transfer"]


def __getattr__(name: str) -> object:
    # Imported when asked for: the command line answers --help without importing torch.
    if name == "create_model":
        from ganzoo.composition.create import create_model

        return create_model
    if name == "load":
        from ganzoo.composition.loading import load

        return load
    if name == "transfer":
        from ganzoo.checkpoints.transferring import transfer

        return transfer
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    hidden = {"TYPE_CHECKING"}
    return sorted({*globals(), *__all__} - hidden)
