"""How far an evaluation is."""

import io
import logging
import sys

import torch
from ganzoo.evaluation.progress import Counted, Samples
from ganzoo.metrics.populations import StoredSamples

from ganzoo.evaluation import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def make(count, counting):
    population = Counted(StoredSamples(torch.arange(count)[:, None].float(), None), counting)
    assert len(population) == count
    return torch.cat([population.part(start, start + 2) for start in range(0, count, 2)])


def test_a_log_file_has_a_line_every_few_seconds(monkeypatch, caplog):
    monkeypatch.setattr(progress.time, "monotonic", iter(range(0, 100, 4)).__next__)
    with caplog.at_level(logging.INFO), Samples(12) as counting:
        assert make(12, counting)[:, 0].tolist() == list(range(12))
    assert [one.getMessage() for one in caplog.records] == ["6 of 12 samples", "12 of 12 samples"]


def test_a_terminal_has_a_bar_and_lines_above_it(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    handler = logging.StreamHandler(terminal)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with Samples(8) as counting:
        make(4, counting)
        logging.getLogger("ganzoo").warning("fid is left out")
    assert handler.stream is terminal
    shown = terminal.getvalue()
    assert "4/8" in shown and "\x1b[2Kfid is left out" in shown
