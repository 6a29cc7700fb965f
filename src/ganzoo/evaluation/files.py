"""The files that an evaluation leaves."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ganzoo.errors import InputError
from ganzoo.evaluation.curve import draw_curve
from ganzoo.evaluation.nearest import draw_nearest
from ganzoo.evaluation.report import Report
from ganzoo.evaluation.result import EvaluationResult
from ganzoo.evaluation.tables import markdown
from ganzoo.pictures import RealDistribution, scatter

Files = Mapping[str, Callable[[Path], object]]
"""Names, and what writes a file of that name to a path."""


def files_of(result: EvaluationResult, report: Report, *, queries: int, neighbors: int) -> Files:
    """Say which files there are; ``metrics.json`` comes last.

    Args:
        result: The values, and the samples to draw.
        report: Values and protocol.
        queries: Images whose nearest ones are drawn.
        neighbors: How many nearest ones of each.
    """
    pictures = _pictures(result, queries, neighbors)
    if len({source.step for source in result.sources}) > 1:
        pictures["curve.png"] = partial(draw_curve, result)
    return pictures | {
        "metrics.md": lambda path: path.write_text(markdown(result, report), encoding="utf-8"),
        "metrics.json": lambda path: path.write_text(_json(report), encoding="utf-8"),
    }


def write_files(folder: Path, files: Files) -> list[Path]:
    """Write all files aside and move them to a folder, which is made, when all are there.

    Returns:
        The files.

    Raises:
        InputError: if they cannot be written; then none is there.
    """
    try:
        aside = Path(tempfile.mkdtemp(prefix=".evaluation.", dir=_existing(folder)))
        try:
            for name, write in files.items():
                write(aside / name)
            folder.mkdir(parents=True, exist_ok=True)
            return [(aside / name).replace(folder / name) for name in files]
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(folder, error.strerror or str(error)) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, before anything is computed for it.

    Raises:
        InputError: if it cannot.
    """
    parent = _existing(folder)
    if not parent.is_dir():
        raise _cannot_write(folder, f"{parent} is a file")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _cannot_write(folder, f"{parent} is read-only")


def _cannot_write(folder: Path, reason: str) -> InputError:
    return InputError(f"cannot write to {folder}: {reason}, set output to a folder that can be")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _json(report: Report) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _pictures(
    result: EvaluationResult, queries: int, neighbors: int
) -> dict[str, Callable[[Path], object]]:
    features, real = next(iter(result.real.items()))
    generated = result.generated[features]
    if real.samples.ndim == 2:
        title = f"{len(generated.samples)} generated samples"
        points, reference = generated.samples, real.samples
        return {
            "scatter.png": lambda path: scatter(points, RealDistribution(reference), path, title)
        }
    draw = partial(draw_nearest, count=queries, neighbors=neighbors)
    return {
        "nearest_real.png": lambda path: draw(
            generated,
            real,
            captions=("generated", f"nearest real, by metrics.features={features}"),
            path=path,
        ),
        "nearest_generated.png": lambda path: draw(
            real,
            generated,
            captions=("real", f"nearest generated, by metrics.features={features}"),
            path=path,
        ),
    }
