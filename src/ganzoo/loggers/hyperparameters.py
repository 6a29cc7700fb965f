"""TensorBoard's table of hyperparameters, filled with what a run measured."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

CHOICES = "choices"
"""The hyperparameter that holds the choice of each config group, which come first."""
RESULTS = "metrics/"
"""How the names begin of values that tell one run from another; of others the last one counts."""


class HyperparameterTableLogger(TensorBoardLogger):
    """Fills the row of a run in the table of hyperparameters with what was measured.

    Lightning writes it before training, when nothing is measured, with -1 for a result. Here it is
    written when the first result is logged, or when the run ends: TensorBoard then shows the last
    value of each. Arguments are those of Lightning's logger.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._hyperparameters: dict[str, Any] = {}
        self._names: list[str] = []
        self._written = False

    @rank_zero_only
    def log_hyperparams(
        self,
        params: dict[str, Any] | Namespace,
        metrics: dict[str, Any] | None = None,
        step: int | None = None,
    ) -> None:
        """Keep hyperparameters for the table, and write them to ``hparams.yaml``."""
        super().log_hyperparams(params, metrics, step)
        self._hyperparameters |= params if isinstance(params, dict) else vars(params)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write values, and the table's row with the first result."""
        super().log_metrics(metrics, step)
        self._names += [name for name in metrics if name not in self._names]
        if any(name.startswith(RESULTS) for name in metrics):
            self._write_row()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the table's row, if there was no result."""
        self._write_row()
        super().finalize(status)

    def _write_row(self) -> None:
        if self._written or not (self._hyperparameters and self._names):
            return
        from torch.utils.tensorboard.summary import hparams

        self._written = True
        names = sorted(self._names, key=lambda name: not name.startswith(RESULTS))
        # The numbers themselves are those of the scalars of these names.
        row = hparams(flattened(self._hyperparameters), dict.fromkeys(names, 0.0))  # type: ignore[no-untyped-call]
        for summary in row:
            self.experiment._get_file_writer().add_summary(summary)


def flattened(parameters: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Hyperparameters as columns: choices under their groups' names, then all settings.

    Args:
        parameters: Nested dictionaries; what lies deeper is named ``optimizer/generator/lr``.
    """
    rest = {name: value for name, value in parameters.items() if name != CHOICES}
    return {**parameters.get(CHOICES, {}), **dict(_leaves(rest, ""))}


def _leaves(node: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in node.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{prefix}{name}/")
        else:
            plain = isinstance(value, bool | int | float | str)
            found.append((f"{prefix}{name}", value if plain else str(value)))
    return found
