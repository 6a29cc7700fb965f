"""What is kept of an evaluation: values, and the protocol that they must be reported with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lightning.pytorch.loggers import Logger

from ganzoo.evaluation.environment import device_name, versions
from ganzoo.evaluation.measuring import Evaluation, Measured, Outcome
from ganzoo.evaluation.summary import Value, summarise
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.evaluator import Evaluator


@dataclass(frozen=True)
class Row:
    """The values of one subject.

    Attributes:
        name: A path.
        series: What subjects of one curve share.
        step: Generator updates, or None.
        values: Under the names of the evaluator.
    """

    name: str
    series: str
    step: int | None
    values: dict[str, Value]


@dataclass(frozen=True)
class Record:
    """An evaluation as files hold it.

    Attributes:
        rows: One for each subject, in their order.
        directions: Names of values and whether they are better smaller or larger.
        content: All there is to say, as plain values.
    """

    rows: list[Row]
    directions: dict[str, str]
    content: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Names of all values; a subject may lack some."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))


def make_record(
    evaluation: Evaluation, outcome: Outcome, real: dict[str, Any], started: float, ended: float
) -> Record:
    """Put values and protocol together.

    Args:
        evaluation: What was measured.
        outcome: What came out.
        real: What there is to say of the real side: plain values.
        started: When the command began, in seconds.
        ended: When all was computed.
    """
    rows = [_row(one, evaluation.evaluator) for one in outcome.measured]
    measured = zip(outcome.measured, rows, strict=True)
    content = {
        "subjects": [_entry(one, row) for one, row in measured],
        "protocol": {
            "counts": {
                "generated": _count(outcome.generated),
                "real": _count(outcome.real),
            },
            "real": real,
            "seeds": list(evaluation.seeds),
            "left_out": dict(evaluation.evaluator.left_out),
            **_measures(evaluator=evaluation.evaluator),
        },
        "versions": versions(),
        "device": device_name(evaluation.device),
        "seconds": {"real side": outcome.seconds, "total": ended - started},
    }
    return Record(rows, evaluation.evaluator.directions(), content)


def log_values(loggers: Iterable[Logger], record: Record) -> None:
    """Tell loggers the values, under the names that they have in training.

    The step is that of the checkpoint. Of several seeds the mean is logged, and the deviation
    under ``<name>_deviation``.
    """
    for logger in loggers:
        logger.log_hyperparams({"evaluation": record.content["protocol"]})
        for row in record.rows:
            logger.log_metrics(_logged(row), step=row.step or 0)
        logger.save()
        logger.finalize("success")


def _logged(row: Row) -> dict[str, float]:
    values = {f"metrics/{name}": value.mean for name, value in row.values.items()}
    spread = {f"metrics/{name}_deviation": value.deviation for name, value in row.values.items()}
    return values | {name: value for name, value in spread.items() if value is not None}


def _row(one: Measured, evaluator: Evaluator) -> Row:
    bootstrapped = any(isinstance(metric, Bootstrap) for metric in evaluator.metrics.values())
    values = summarise(one.values, list(evaluator.features), bootstrapped=bootstrapped)
    return Row(one.subject.name, one.subject.series, one.subject.step, values)


def _entry(one: Measured, row: Row) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in row.values.items()}
    return one.protocol | {"values": values, "seconds": one.seconds}


def _plain(value: Value) -> dict[str, Any]:
    """Without numbers that JSON has no word for."""
    plain: dict[str, Any] = {"mean": _finite(value.mean)}
    if value.deviation is not None:
        plain["deviation"] = _finite(value.deviation)
        plain["each_seed"] = [_finite(one) for one in value.each]
    if value.intervals:
        plain["intervals"] = [[_finite(low), _finite(high)] for low, high in value.intervals]
    return plain


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _count(sets: dict[str, Any]) -> int:
    return len(next(iter(sets.values())).samples)


def _measures(*, evaluator: Evaluator) -> dict[str, Any]:
    """The evaluator's protocol, with what a bootstrap is of."""
    protocol = evaluator.protocol()
    for name, metric in evaluator.metrics.items():
        if isinstance(metric, Bootstrap):
            own = {key: protocol["metrics"][name][key] for key in ("resamples", "confidence")}
            inner = {"metric": type(metric.metric).__name__, **metric.metric.protocol()}
            protocol["metrics"][name] = inner | {"bootstrap": own}
    return {
        "metrics": protocol["metrics"],
        "features": protocol["features"],
        "real_seed": protocol["seed"],
        "batch_size": evaluator.batch_size,
    }
