"""How far a trajectory is from the fixed point, step by step."""

from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.theory.report import Report
from ganzoo.theory.trajectories import ROUNDING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SEEN, _PREDICTED = "#d1495b", "#1f1f1f"


def draw_distance(axes: "Axes", report: Report) -> None:
    """Draw the distance over steps on a logarithmic scale, with the predicted rate as a line.

    The line goes through the trajectory's geometric mean where the rate is measured, in the
    second half of its steps, since it says how the distance changes and not how large it is.
    Steps at which the distance is rounding are left out.
    """
    distances = report.distances.numpy()
    last = np.flatnonzero(distances > ROUNDING * distances.max()).max()
    distances = distances[: last + 1]
    steps, kept = np.arange(len(distances)), distances > 0
    axes.semilogy(steps[kept], distances[kept], color=_SEEN, lw=1.4, label="trajectory")
    if not isnan(report.predicted) and report.predicted > 0 and kept.sum() > 2:
        half = steps[kept][len(steps[kept]) // 2 :]
        level = np.log(distances[half]).mean() - np.log(report.predicted) * half.mean()
        line = np.exp(level + np.log(report.predicted) * steps)
        within = (line > distances[kept].min() / 3) & (line < 3 * distances.max())
        label = f"predicted: {report.predicted:.4f} a step"
        axes.semilogy(steps[within], line[within], "--", color=_PREDICTED, lw=1.3, label=label)
    # Whole powers of ten, two at least, so that what is flat looks flat.
    low, high = np.log10([distances[kept].min(), distances.max()])
    air = 1 if np.ceil(high) - np.floor(low) < 2 else 0
    axes.set_ylim(10 ** (np.floor(low) - air), 10 ** (np.ceil(high) + air))
    axes.set(xlabel="step", ylabel="distance from the fixed point")
    axes.legend(loc="best", fontsize=8.5, framealpha=0.9, edgecolor="#dddddd")
