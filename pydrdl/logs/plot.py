"""One net output of one log, drawn into a panel."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pydrdl.atomic import whole_file
from pydrdl.errors import InputError, visible, writing
from pydrdl.logs.reader import Row, TrainingLog
from pydrdl.logs.table import (
    Axis,
    Float64,
    Panel,
    Top,
    View,
    series,
    sorted_into_panels,
)

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


# Training curves: losses, distances, shares and the learning rate of logs.


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

ENTRY = 0.185  # inches of one entry of a legend, with what is around it
ENTRIES = 60  # of one legend; a net may have thousands of outputs


def draw(
    logs: Mapping[str, TrainingLog], *, x: Axis = "iterations", smooth: int = 1
) -> "Figure":
    """Draws the curves of logs above each other, over one x axis.

    Training is a line, or thin under its mean over `smooth` rows; the total loss,
    which Caffe has smoothed itself, is a broad pale one; test nets are dashed, with
    dots. A triangle at the top marks a value that is not finite, a dotted line where
    training was resumed.

    Args:
        logs: by the name to show.
        x: iterations, or seconds of training, each run after the one before; rows
            without a time are left out.
        smooth: rows of a running mean, itself at the middle; 1 for none.

    Raises:
        InputError: seconds are wanted, and a log has no times.
    """
    # Without pyplot: no global state, no display.
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels: list[tuple[Panel | None, list[Top]]] = [
        (panel, tops) for panel, tops in sorted_into_panels(logs.values()).items()
    ]
    views = [View(label(name), log, x, name) for name, log in logs.items()]
    panels = [(p, t) for p, t in panels if any(v.has(top) for v in views for top in t)]
    panels.append((None, []))  # of learning rates
    # Names are no formulas.
    with mpl.rc_context({"text.parse_math": False}):
        figure = Figure(layout="constrained")
        grid = figure.add_gridspec(len(panels), 1)
        axes = grid.subplots(sharex=True, squeeze=False)[:, 0]
        heights = [
            max(
                1.15 if panel is None else 2.3,
                ENTRY * _draw_panel(axis, panel, tops, views, smooth),
            )
            for axis, (panel, tops) in zip(axes, panels, strict=True)
        ]
        grid.set_height_ratios(heights)
        figure.set_size_inches(9, 0.6 + sum(heights))
        if x == "iterations":
            axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[-1].set_xlabel("iteration" if x == "iterations" else "seconds of training")
        if len(views) == 1:
            axes[0].set_title(views[0].name)
    return figure


def _draw_panel(
    axis: "Axes",
    panel: Panel | None,
    tops: Sequence[Top],
    views: Sequence[View],
    smooth: int,
) -> int:
    """One panel; None: that of learning rates.

    Returns:
        How many entries its legend has.
    """
    curves = 0
    for view in views:
        prefix = f"{view.name}: " if len(views) > 1 else ""
        if panel is None:
            _draw_rates(axis, view)
        for top in tops:
            if view.has(top):
                draw_top(axis, view, top, prefix, smooth, curves)
                curves += 1
        _mark_resumes(axis, view)
    axis.set_ylabel("learning rate" if panel is None else panel.title)
    axis.grid(alpha=0.3)
    return _legend(axis) if panel is not None or len(views) > 1 else 0


def _draw_rates(axis: "Axes", view: View) -> None:
    rows = [
        row
        for row in view.log.of("train")
        if row.learning_rate is not None and view.placed(row)
    ]
    rates = np.array([row.learning_rate for row in rows], np.float64)
    rates = np.where(is_drawn(rates), rates, np.nan)
    axis.step(view.places(rows), rates, where="post", label=view.name)


def _mark_resumes(axis: "Axes", view: View) -> None:
    for run in range(1, len(view.log.runs)):
        rows = [row for row in view.log.of("train", run) if view.placed(row)]
        if rows:
            axis.axvline(view.places(rows)[0], ls=":", lw=1, color="grey")


def _legend(axis: "Axes") -> int:
    """Each name once, beside the panel, where it hides nothing; how many entries."""
    once: dict[str, Line2D] = {}
    for line in axis.get_lines():
        name = str(line.get_label())
        if not name.startswith("_child"):  # matplotlib's own, of lines without a name
            once.setdefault(name, line)
    names = list(once)
    if len(once) > ENTRIES:
        names[ENTRIES - 1 :] = [f"and {len(once) - ENTRIES + 1} more"]
    legend = axis.legend(
        list(once.values())[: len(names)],
        [str(number) for number in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize="x-small",
        frameon=False,
    )
    # Given here, names that begin with "_" are shown too.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
    return len(names)


# Pictures of curves as files.


if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")


def check_format(path: Path) -> str:
    """The format that a picture's name asks for.

    Raises:
        InputError: it is not offered.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(
            f"no such format; pictures end in .{', .'.join(FORMATS)}",
            path,
            "name it curves.png",
        )
    return kind


def save(figure: "Figure", path: Path, *, dpi: int = 120) -> None:
    """Writes a figure; the file appears, or is replaced, only when whole.

    Raises:
        InputError: a format that is not offered, or no such folder.
    """
    kind = check_format(path)
    with (
        writing("the picture", path),
        whole_file(path) as part,
        warnings.catch_warnings(),
    ):
        # Names may have characters that the font lacks: a box stands there.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(part, format=kind, dpi=dpi)
