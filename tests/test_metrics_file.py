import csv

import pytest

from ganzoo.loggers.metrics_file import MetricsFile
from ganzoo.saving import ContinueOnSaveError, SaveError, StopOnSaveError


def make(folder):
    return MetricsFile(folder=folder, on_save_error=StopOnSaveError())


def log(logger, steps, name="loss"):
    for step in steps:
        logger.log_metrics({name: step / 7}, step=step)
        logger.save()


def steps(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_rows_have_the_values_and_late_columns_join(tmp_path):
    logger = make(tmp_path)
    log(logger, [1, 2])
    log(logger, [2], name="metrics/fid")
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == [str(1 / 7), str(2 / 7), ""]
    assert rows[2] == {"loss": "", "metrics/fid": str(2 / 7), "step": "2"}
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_a_resumed_run_leaves_the_file_of_one_that_was_never_stopped(tmp_path):
    log(make(tmp_path / "whole"), range(1, 9))
    killed = make(tmp_path / "stopped")
    log(killed, range(1, 7))
    log(killed, [6], name="lost with the kill")
    killed.path.write_text(killed.path.read_text() + "0.9")  # killed in the middle of a line
    resumed = make(tmp_path / "stopped")
    resumed.resume(4)
    log(resumed, range(5, 9))
    whole = (tmp_path / "whole" / "metrics.csv").read_bytes()
    assert (tmp_path / "stopped" / "metrics.csv").read_bytes() == whole


def test_a_fresh_run_in_an_old_folder_begins_at_nothing(tmp_path):
    log(make(tmp_path), [1, 2])
    fresh = make(tmp_path)
    fresh.resume(0)
    log(fresh, [1])
    assert steps(tmp_path) == [1]


def test_what_cannot_be_written_stops_or_waits(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    stops = make(tmp_path / "file")  # a folder that cannot be: a file has its name
    with pytest.raises(SaveError, match="cannot write .*metrics.csv: "):
        log(stops, [1])
    goes_on = MetricsFile(folder=tmp_path / "file", on_save_error=ContinueOnSaveError())
    log(goes_on, [1, 2])
    assert caplog.text.count("cannot write") == 1
    (tmp_path / "file").unlink()
    log(goes_on, [3])
    assert steps(tmp_path / "file") == [1, 2, 3]
