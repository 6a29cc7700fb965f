"""What is shown of work that takes long."""

import io
import logging
import sys
import time

import pytest

from ganzoo.metrics import progress
from ganzoo.metrics.progress import with_progress


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where a test lets it."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "_told", set())
    return now


def work(clock, seconds, count=100, name="training"):
    for item in with_progress(range(count), count=count, work=name):
        clock[0] += seconds * (20 if item == 0 else 1)


def lines(caplog):
    return [record.getMessage() for record in caplog.records]


def test_a_line_tells_how_long_it_will_take_before_much_of_it_is_done(clock, caplog):
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        for item in with_progress(range(100), count=100, work="training"):
            clock[0] += 20.0 if item == 0 else 1.0
            if item == 2:
                assert lines(caplog) == ["training: about 2 min"]
    assert len(lines(caplog)) == 1


def test_short_work_is_not_told_of_and_the_same_work_once(clock, caplog):
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        work(clock, 0.04)
        assert lines(caplog) == []
        work(clock, 0.7)
        work(clock, 0.7)
        assert lines(caplog) == ["training: about 69 s"]
        work(clock, 0.7, name="reading")
    assert lines(caplog)[1:] == ["reading: about 69 s"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_it_is_a_bar_and_no_second_one_beside_another(monkeypatch, caplog):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    terminal = sys.stderr
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        for _ in with_progress(range(3), count=3, work="reading pictures"):
            assert "reading pictures" in terminal.getvalue()
            assert list(with_progress("ab", count=2, work="inside")) == ["a", "b"]
    assert "3/3" in terminal.getvalue() and "inside" not in terminal.getvalue()
    assert sys.stderr is terminal


def test_work_that_is_given_up_leaves_no_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    terminal = sys.stderr
    with pytest.raises(ValueError, match="broken"):
        for _ in with_progress(range(3), count=3, work="reading"):
            raise ValueError("broken")
    assert sys.stderr is terminal
