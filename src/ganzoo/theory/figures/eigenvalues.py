"""The update's eigenvalues against the unit circle."""

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DOT, _FLOW, _CIRCLE = "#d1495b", "#2f6690", "#666666"
# Eigenvalues nearer to the circle than this cannot be told from it without a closer look.
_NEAR = 0.08


def draw_eigenvalues(axes: "Axes", update: Tensor, flow: Tensor, learning_rate: float) -> None:
    """Draw eigenvalues in the complex plane, with a closer look where they are near the circle.

    Args:
        axes: where to.
        update: of the update, complex ``[S]``.
        flow: of the flow, complex ``[N]``: drawn where the exact flow takes them in the time of
            one step, ``exp(lr x)``.
        learning_rate: lr, that time.
    """
    values, exact = update.numpy(), np.exp(learning_rate * flow.numpy())
    _draw(axes, values, exact)
    reach = 1.1 * max(1.0, float(np.abs(values).max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set(xlabel="real part", ylabel="imaginary part")
    axes.legend(loc="upper left", fontsize=8.5, framealpha=0.9, edgecolor="#dddddd")
    largest = values[np.abs(values).argmax()]
    if abs(abs(largest) - 1) < _NEAR and reach < 2:
        _look_closer(axes, values, exact, largest)


def _draw(axes: "Axes", values: np.ndarray, exact: np.ndarray) -> None:
    turn = np.linspace(0, 2 * np.pi, 2001)
    axes.plot(np.cos(turn), np.sin(turn), color=_CIRCLE, linewidth=1.2, label="unit circle")
    style: dict[str, Any] = {"linestyle": "", "zorder": 4}
    axes.plot(
        exact.real, exact.imag, "s", mfc="none", color=_FLOW, ms=7, label="exact flow", **style
    )
    axes.plot(values.real, values.imag, "o", color=_DOT, ms=5, label="update", **style)


def _look_closer(axes: "Axes", values: np.ndarray, exact: np.ndarray, largest: complex) -> None:
    inset = axes.inset_axes((0.3, 0.17, 0.42, 0.42))
    _draw(inset, values, exact)
    place = complex(largest.real, abs(largest.imag))
    every = np.concatenate([values, exact])
    apart = max(abs(abs(value) - 1) for value in every[np.abs(every - place) < 4 * _NEAR])
    side = max(2.5 * float(apart), 0.004)
    inset.set(
        xlim=(place.real - side, place.real + side), ylim=(place.imag - side, place.imag + side)
    )
    inset.tick_params(labelsize=7, color="#888888", labelcolor="#444444")
    inset.set_title("closer", fontsize=8, color="#444444", pad=2)
    inset.set_xticks([place.real], [f"{place.real:.4f}"])
    inset.set_yticks([place.imag], [f"{place.imag:.4f}"])
    axes.indicate_inset_zoom(inset, edgecolor="#888888")
