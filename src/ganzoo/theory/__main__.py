"""Analyse a game or draw a figure: ``python -m ganzoo.theory game=dirac loss=wasserstein``."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ganzoo.composition.folder import remove_empty_folders
from ganzoo.composition.overrides import overrides_of_this_run
from ganzoo.composition.settings import check_kinds
from ganzoo.composition.theory import (
    check_used,
    command_of,
    names_of,
    run_theory,
    theory_directory,
)
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
    hydra = HydraConfig.get()
    overrides = overrides_of_this_run()
    folder = Path(hydra.runtime.output_dir)
    swept = hydra.mode == RunMode.MULTIRUN
    try:
        check_used(config, overrides, hydra.runtime.choices)
        check_kinds(config, overrides, directory=theory_directory())
        config.names = names_of(config, overrides, hydra.runtime.choices)
        _draw(config, folder, overrides, swept=swept)
    except Exception as error:
        if isinstance(error, InputError) and swept:  # a row of the table; the others go on
            save_refusal(folder / SUMMARY, overrides, error)
        remove_empty_folders(folder)
        raise


def _draw(config: DictConfig, folder: Path, overrides: list[str], *, swept: bool) -> None:
    from ganzoo.composition.compose import build

    figure = build(config.figure)
    path = figure.save(folder / f"{config.name}.png", command=command_of(overrides))
    if not swept:
        figure.print()
    print(f"figure      {path}")
    if swept:
        figure.save_summary(folder / SUMMARY, overrides)


def main() -> None:
    """Entry point of the command line."""
    run_theory(theory)


if __name__ == "__main__":
    main()
