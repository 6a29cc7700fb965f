"""Measure after training: ``python -m ganzoo.evaluate checkpoint=PATH metrics=[fid,prdc]``."""

import time

from omegaconf import DictConfig

from ganzoo.composition.completion import CONFIG, complete
from ganzoo.composition.entry import run
from ganzoo.composition.evaluation import build_evaluation, describe_real
from ganzoo.composition.overrides import of_this_run
from ganzoo.composition.settings import check_kinds


def evaluate(config: DictConfig) -> None:
    """Measure what a config describes, write the files and print the table.

    Args:
        config: A composed config, see ``conf/evaluate.yaml``.

    Raises:
        InputError: if a setting is wrong, something cannot be read or written, or samples are
            too few or do not fit; then nothing is written.
    """
    from pathlib import Path

    from ganzoo.evaluation.files import check_folder, files_of, write_files
    from ganzoo.evaluation.record import make_record
    from ganzoo.evaluation.tables import table

    started = time.monotonic()
    check_kinds(config, of_this_run(), CONFIG)
    folder, figures = Path(str(config.output)), config.figures
    check_folder(folder)
    evaluation = build_evaluation(config)
    outcome = evaluation.run()
    record = make_record(evaluation, outcome, describe_real(config), started, time.monotonic())
    files = files_of(record, outcome, queries=figures.queries, neighbors=figures.neighbors)
    paths = write_files(folder, files)
    print("\n".join([*table(record), "", *map(str, paths)]))


def main() -> None:
    """Entry point of the command line."""
    run(evaluate, CONFIG, complete=complete)


if __name__ == "__main__":
    main()
