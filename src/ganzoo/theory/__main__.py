"""Analyse a game or draw a figure: ``python -m ganzoo.theory game=dirac loss=wasserstein``."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ganzoo.composition.theory import check_used, command_of, names_of, run
from ganzoo.composition.theory_sweep import SUMMARY, save_refusal
from ganzoo.errors import InputError


def theory(config: DictConfig) -> None:
    """Draw what a config describes, and say what there is to see.

    Args:
        config: A composed config, see ``conf/theory/config.yaml``.

    Raises:
        InputError: if a setting is out of range, has no meaning in what is drawn, or the folder
            cannot be written.
    """
    from ganzoo.composition.compose import build

    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    check_used(config, overrides, hydra.runtime.choices)
    config.names = names_of(config, overrides, hydra.runtime.choices)
    folder = Path(hydra.runtime.output_dir)
    swept = hydra.mode == RunMode.MULTIRUN
    try:
        figure = build(config.figure)
        path = figure.save(folder / f"{config.name}.png", command=command_of(overrides))
        if not swept:
            figure.print()
        print(f"figure      {path}")
        if swept:
            figure.save_summary(folder / SUMMARY, overrides)
    except InputError as error:  # a row of the sweep's table; the others go on
        if swept:
            save_refusal(folder / SUMMARY, overrides, error)
        raise


def main() -> None:
    """Entry point of the command line."""
    run(theory)


if __name__ == "__main__":
    main()
