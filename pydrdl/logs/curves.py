"""One net output of one log, drawn into a panel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pydrdl.logs.panels import Top
from pydrdl.logs.reader import Row
from pydrdl.logs.table import series
from pydrdl.logs.view import Float64, View
from pydrdl.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType, LineStyleType

# Of several test nets; training's where the colours begin anew; and test nets' dots.
NET_STYLES: tuple["LineStyleType", ...] = ("--", ":", "-.")
ROUND_STYLES: tuple["LineStyleType", ...] = ("-", "-.", (0, (5, 1, 1, 1, 1, 1)))
ROUND_DOTS = ("o", "s", "^", "D", "v", "P")


def draw_top(
    axis: "Axes", view: View, top: Top, prefix: str, smooth: int, number: int
) -> None:
    """One net output of one log in one colour: a line for each run and net.

    Args:
        axis: the panel.
        view: the log.
        top: the output.
        prefix: of its names.
        smooth: rows of the running mean in training.
        number: of the curve in its panel, which gives the colour.
    """
    look = _look(
        prefix + ("total loss" if top is None else label(top)),
        number,
    )
    nets = view.nets(top)
    for run in range(len(view.log.runs)):
        if rows := view.rows("train", top, run):
            _draw_training(axis, view, rows, top, smooth, look)
        for net, name in _test_labels(view, top, look.name):
            if rows := view.rows("test", top, run, net):
                places, values = view.places(rows), series(rows, top)
                style = NET_STYLES[nets.index(net) % len(NET_STYLES)]
                axis.plot(places, _finite(values), ls=style, color=look.colour,
                          marker=look.dot, lw=1.4, ms=3, label=name)  # fmt: skip
                _mark_bad(axis, places, values, look)


@dataclass(frozen=True)
class _Look:
    """How a curve is told from others of its panel."""

    name: str
    colour: "ColorType"
    line: "LineStyleType"
    dot: str


def _look(name: str, number: int) -> _Look:
    import matplotlib as mpl

    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    turn, place = divmod(number, len(colours))
    line, dot = (
        ROUND_STYLES[turn % len(ROUND_STYLES)],
        ROUND_DOTS[turn % len(ROUND_DOTS)],
    )
    return _Look(name, colours[place], line, dot)


def _draw_training(
    axis: "Axes", view: View, rows: Sequence[Row], top: Top, smooth: int, look: _Look
) -> None:
    """The rows of one run of training."""
    places, values = view.places(rows), series(rows, top)
    # The total is behind the others: it may be the same as one of them.
    width, alpha, order = (4, 0.4, 1.5) if top is None else (1.4, 1, 2)
    drawn = values
    if smooth > 1 and top is not None:
        axis.plot(places, _finite(values), lw=0.6, alpha=0.35, color=look.colour)
        drawn = running_mean(values, smooth)
    drawn = _finite(drawn)
    alone = _alone(drawn)
    axis.plot(places, drawn, ls=look.line, color=look.colour, label=look.name,
              marker="." if alone else None, markevery=alone or None, lw=width,
              alpha=alpha, zorder=order)  # fmt: skip
    _mark_bad(axis, places, values, look)


def _alone(values: Float64) -> list[int]:
    """Places of values between two that are missing, which are no line."""
    missing = np.isnan(np.concatenate([[np.nan], values, [np.nan]]))
    return np.flatnonzero(missing[:-2] & ~missing[1:-1] & missing[2:]).tolist()


def label(name: str) -> str:
    """A name as it is shown: a long one would leave no room for the curves."""
    name = visible(name)
    return name if len(name) <= 40 else f"{name[:24]}...{name[-13:]}"


def _test_labels(view: View, top: Top, name: str) -> list[tuple[int, str]]:
    """Each test net with its entry in the legend.

    Where training has the same curve, one entry serves all: they have its colour.
    """
    nets = view.nets(top)
    if len(nets) > 1:
        return [(net, f"{name}, test net {net}") for net in nets]
    return [(net, "dashed: test nets" if view.is_trained(top) else name)
            for net in nets]  # fmt: skip


def is_drawn(values: Float64) -> NDArray[np.bool_]:
    """Which values are numbers of Caffe's; larger ones have no place on an axis."""
    return np.abs(values) <= np.finfo(np.float32).max


def _finite(values: Float64) -> Float64:
    return np.where(is_drawn(values), values, np.nan)


def _mark_bad(axis: "Axes", places: Float64, values: Float64, look: _Look) -> None:
    """Triangles at the top of the panel, whatever its scale, where it is not finite."""
    bad = places[~is_drawn(values)]
    if bad.size:
        axis.plot(
            bad,
            np.ones_like(bad),
            "v",
            color=look.colour,
            transform=axis.get_xaxis_transform(),
            clip_on=False,
            label=f"{look.name} NaN or infinite",
        )


def running_mean(values: Float64, window: int) -> Float64:
    """The mean over a window around each value; the same length.

    What is not finite is left out. At the ends the window is cut, not padded; of
    an even one the larger half lies before.
    """
    window = min(window, 2 * len(values))  # which holds all of them anywhere
    finite = np.isfinite(values)
    kernel = np.ones(window)
    total = np.convolve(np.where(finite, values, 0.0), kernel)
    count = np.convolve(finite.astype(np.float64), kernel)
    middle = slice((window - 1) // 2, (window - 1) // 2 + len(values))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(total[middle] / count[middle])
