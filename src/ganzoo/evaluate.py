"""Measure after training: ``python -m ganzoo.evaluate checkpoint=PATH metrics=[fid,prdc]``."""

import time

from omegaconf import DictConfig

from ganzoo.composition.completion import CONFIG, completed_command
from ganzoo.composition.entry import run
from ganzoo.composition.evaluation import build_evaluation, describe_real
from ganzoo.composition.overrides import overrides_of_this_run
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

    from ganzoo.composition.compose import build
    from ganzoo.evaluation.files import check_folder, files_of, write_files
    from ganzoo.evaluation.record import log_values, make_record
    from ganzoo.evaluation.tables import table

    started = time.monotonic()
    check_kinds(config, overrides_of_this_run(), CONFIG)
    folder, figures = Path(str(config.output)), config.figures
    check_folder(folder)
    evaluation = build_evaluation(config)
    loggers = [build(node) for node in config.logger.values()]
    outcome = evaluation.run()
    real = describe_real(config, evaluation.data)
    record = make_record(evaluation, outcome, real, started, time.monotonic())
    files = files_of(record, outcome, queries=figures.queries, neighbors=figures.neighbors)
    paths = write_files(folder, files)
    log_values(loggers, record)
    print("\n".join([*table(record), "", *map(str, paths)]))


def main() -> None:
    """Entry point of the command line."""
    run(evaluate, CONFIG, complete=completed_command)


if __name__ == "__main__":
    main()
