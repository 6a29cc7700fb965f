"""What files and loggers hold of an evaluation: values, and the protocol to report them with."""

import math
from collections.abc import Iterable
from typing import Any

from lightning.pytorch.loggers import Logger

from ganzoo.evaluation.environment import device_name, versions
from ganzoo.evaluation.job import EvaluationJob
from ganzoo.evaluation.result import EvaluationResult, SeedValues, SourceResult
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.evaluator import Evaluator

Report = dict[str, Any]
"""All there is to say, as plain values."""


def make_report(
    job: EvaluationJob, result: EvaluationResult, real: dict[str, Any], seconds: float
) -> Report:
    """Put values and protocol together.

    Args:
        job: What was measured.
        result: What came out.
        real: What there is to say of the real side: plain values.
        seconds: How long all of it took.
    """
    return {
        "sources": [_source_report(source) for source in result.sources],
        "protocol": {
            "counts": {
                name: len(next(iter(sets.values())).samples)
                for name, sets in (("generated", result.generated), ("real", result.real))
            },
            "real": real,
            "seeds": list(job.seeds),
            "left_out": dict(job.evaluator.left_out),
            **_evaluator_report(job.evaluator),
        },
        "versions": versions(),
        "device": device_name(job.device),
        "seconds": seconds,
    }


def log_values(loggers: Iterable[Logger], result: EvaluationResult, report: Report) -> None:
    """Tell loggers the values, under the names that they have in training.

    The step is that of the checkpoint. Of several seeds the mean is logged, and the deviation
    under ``<name>_deviation``.
    """
    for logger in loggers:
        logger.log_hyperparams({"evaluation": report["protocol"]})
        for source in result.sources:
            logger.log_metrics(_logged(source), step=source.step or 0)
        logger.save()
        logger.finalize("success")


def _logged(source: SourceResult) -> dict[str, float]:
    values = {f"metrics/{name}": value.mean for name, value in source.values.items()}
    spread = {f"metrics/{name}_deviation": value.deviation for name, value in source.values.items()}
    return values | {name: value for name, value in spread.items() if value is not None}


def _source_report(source: SourceResult) -> Report:
    values = {name: plain(value) for name, value in source.values.items()}
    return source.protocol | {"values": values, "seconds": source.seconds}


def plain(value: SeedValues) -> Report:
    """One quantity without numbers that JSON has no word for."""
    described: Report = {"mean": _finite(value.mean)}
    if value.deviation is not None:
        described["deviation"] = _finite(value.deviation)
        described["each_seed"] = [_finite(one) for one in value.values]
    if value.intervals:
        described["intervals"] = [[_finite(low), _finite(high)] for low, high in value.intervals]
    return described


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _evaluator_report(evaluator: Evaluator) -> Report:
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
