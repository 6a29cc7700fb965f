import math

from ganzoo.composition.report import best_and_last

HISTORY = [
    {"step": 10, "metrics/fid@8": 5.0, "metrics/recall@8": 0.5, "metrics/other@8": 1.0},
    {"step": 20, "metrics/fid@8": 3.25, "metrics/recall@8": 0.75, "metrics/other@8": 2.0},
    {"step": 30, "metrics/fid@8": math.nan, "metrics/recall@8": 0.25, "metrics/other@8": 3.0},
]


def test_the_best_is_where_it_was_and_the_last_is_the_last():
    lines = best_and_last(HISTORY, {"metrics/fid@8": "minimize", "metrics/recall@8": "maximize"})
    assert [line.split() for line in lines] == [
        ["best", "at", "step", "last"],
        ["metrics/fid@8", "3.25", "20", "nan"],
        ["metrics/other@8", "3"],
        ["metrics/recall@8", "0.75", "20", "0.25"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_a_run_without_measurements_has_no_table():
    assert best_and_last([], {}) == []
