"""Values over training."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.evaluation.result import EvaluationResult, SeedValues, SourceResult
from ganzoo.evaluation.tables import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = ("#4a6fa5", "#d1495b", "#66a182", "#edae49", "#8d6a9f", "#3d405b")
_WORDS = {"minimize": "smaller is better", "maximize": "larger is better"}
_ACROSS = 3


def draw_curve(result: EvaluationResult, path: Path) -> Path:
    """Draw each value over generator updates, in a panel of its own, as PNG.

    Each folder of checkpoints makes one line. A band shows the mean with one standard deviation
    over the seeds; with one seed, a bootstrap's interval.

    Args:
        result: Values of several checkpoints.
        path: Where to.
    """
    # Without pyplot there is no global list of figures to leak into, and no display to need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = result.names
    across = min(_ACROSS, len(names))
    down = math.ceil(len(names) / across)
    figure = Figure(figsize=(3.6 * across, 2.7 * down), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    lines = _lines(result.sources)
    for place, name in enumerate(names):
        axes = figure.add_subplot(down, across, place + 1)
        for number, (label, sources) in enumerate(lines.items()):
            _draw(axes, sources, name, label, _COLORS[number % len(_COLORS)])
        _finish(axes, name, _WORDS.get(result.directions.get(name, "")), legend=len(lines) > 1)
    figure.savefig(path, format="png")
    return path


def _lines(sources: Sequence[SourceResult]) -> dict[str, list[SourceResult]]:
    """The results of each folder, which are in the order of their steps, under a short name."""
    lines = defaultdict(list)
    for source in sources:
        lines[str(Path(source.name).parent)].append(source)
    return dict(zip(shorten(list(lines)), lines.values(), strict=True))


def _draw(axes: "Axes", sources: Sequence[SourceResult], name: str, label: str, color: str) -> None:
    sources = [source for source in sources if name in source.values]
    if not sources:
        return
    steps = [source.step or 0 for source in sources]
    values = [source.values[name] for source in sources]
    style: dict[str, Any] = {"color": color, "linewidth": 1.4, "markersize": 3.5}
    axes.plot(steps, [value.mean for value in values], marker="o", label=label, **style)
    bands = [_band(value) for value in values]
    if all(bands):
        low, high = zip(*(band for band in bands if band), strict=True)
        axes.fill_between(steps, low, high, color=color, alpha=0.2, linewidth=0)
        axes.vlines(steps, low, high, color=color, alpha=0.4, linewidth=1)  # a point has no band


def _band(value: SeedValues) -> tuple[float, float] | None:
    if value.deviation is not None:
        return value.mean - value.deviation, value.mean + value.deviation
    return value.intervals[0] if value.intervals else None


def _finish(axes: "Axes", name: str, words: str | None, *, legend: bool) -> None:
    axes.set_title(name, fontsize=10, color="#222222", parse_math=False)
    axes.set_xlabel("generator updates", fontsize=8)
    axes.set_ylabel(words or "", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#444444", labelsize=8)
    if legend:
        axes.legend(fontsize=7, frameon=False)
