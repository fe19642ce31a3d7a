"""Training curves: losses, distances, shares and the learning rate of logs."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pydrdl.arrays import Float64
from pydrdl.errors import InputError, visible, writing
from pydrdl.files import whole_file
from pydrdl.logs.reader import LogRow, Phase, TrainingLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.typing import ColorType, LineStyleType

Axis = Literal["iterations", "seconds"]
Top = str | None  # a net output; None for the smoothed total loss, which is none

FORMATS = ("png", "svg", "pdf")
# The stacked panels, by what their y axes show.
PANELS = ("loss", "squared distance", "share", "other outputs")
RATES = "learning rate"  # the last
ENTRY = 0.185  # inches of one entry of a legend, with what is around it
ENTRIES = 60  # of one legend; a net may have thousands of outputs
# Of several test nets; training's where the colours begin anew; and test nets' dots.
NET_STYLES: tuple["LineStyleType", ...] = ("--", ":", "-.")
ROUND_STYLES: tuple["LineStyleType", ...] = ("-", "-.", (0, (5, 1, 1, 1, 1, 1)))
ROUND_DOTS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class PlottedLog:
    """A log as it is drawn."""

    name: str  # to show
    log: TrainingLog
    x: Axis

    def rows(self, phase: Phase, top: Top, run: int, net: int = 0) -> list[LogRow]:
        """The rows of a run that show a net output, and have a place."""
        rows = self.placed(phase, run)
        return [row for row in rows if row.net == net and _shows(row, top)]

    def placed(self, phase: Phase, run: int | None = None) -> list[LogRow]:
        """The rows that have a place on the x axis."""
        rows = self.log.of(phase, run)
        return [r for r in rows if self.x == "iterations" or r.seconds is not None]

    def places(self, rows: Sequence[LogRow]) -> Float64:
        """Where rows stand on the x axis."""
        if self.x == "seconds":
            return elapsed(self.log, rows)
        return np.array([row.iteration for row in rows], np.float64)

    def showing(self, top: Top) -> list[LogRow]:
        """All rows that show a net output."""
        return [row for row in self.log.rows if _shows(row, top)]


def _shows(row: LogRow, top: Top) -> bool:
    return row.loss is not None if top is None else top in row.values


def elapsed(log: TrainingLog, rows: Sequence[LogRow]) -> Float64:
    """Seconds of training until each row: runs follow each other without gaps."""
    spans = [0.0] * len(log.runs)
    for row in log.rows:
        spans[row.run] = max(spans[row.run], row.seconds or 0.0)
    starts = np.cumsum([0.0, *spans])
    return np.array([starts[r.run] + (r.seconds or 0.0) for r in rows], np.float64)


def series(rows: Sequence[LogRow], top: Top) -> Float64:
    """One net output of each row, NaN where it is not shown: (N,)."""
    values = (row.loss if top is None else row.values.get(top) for row in rows)
    return np.array([np.nan if v is None else v for v in values], np.float64)


def draw(
    logs: Mapping[str, TrainingLog], *, x: Axis = "iterations", smooth: int = 1
) -> "Figure":
    """Draws the curves of logs above each other, over one x axis.

    Training is a line, or thin under its mean over `smooth` rows; the total loss,
    which Caffe has smoothed itself, is a broad pale one; test nets are dashed, with
    dots. A triangle at the top marks a value that is not finite, a dotted line where
    training was resumed. Over seconds, rows without a time are left out.

    Raises:
        InputError: seconds are wanted, and a log has no times.
    """
    # Without pyplot: no global state, no display.
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    plotted = [PlottedLog(_label(name), log, x) for name, log in logs.items()]
    for name, log in logs.items():
        if x == "seconds" and all(row.seconds is None for row in log.rows):
            what = "keep glog's prefix, or plot over iterations"
            raise InputError("lines have no time", name, what)
    panels = _panels(plotted)
    # Names are no formulas.
    with mpl.rc_context({"text.parse_math": False}):
        figure = Figure(layout="constrained")
        grid = figure.add_gridspec(len(panels), 1)
        axes = grid.subplots(sharex=True, squeeze=False)[:, 0]
        heights = []
        for axis, (title, tops) in zip(axes, panels.items(), strict=True):
            legend = ENTRY * _draw_panel(axis, title, tops, plotted, smooth)
            heights.append(max(1.15 if title == RATES else 2.3, legend))
        grid.set_height_ratios(heights)
        figure.set_size_inches(9, 0.6 + sum(heights))
        if x == "iterations":
            axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[-1].set_xlabel("iteration" if x == "iterations" else "seconds of training")
        if len(plotted) == 1:
            axes[0].set_title(plotted[0].name)
    return figure


def _panels(plotted: Sequence[PlottedLog]) -> dict[str, list[Top]]:
    """What each panel shows, each top once; the total loss is the last loss."""
    tops: dict[str, list[Top]] = {title: [] for title in PANELS}
    for log in (one.log for one in plotted):
        for top in [*log.tops("train"), *log.tops("test")]:
            panel = tops[_panel_of(top, is_loss=top in log.loss_weights)]
            if top not in panel:
                panel.append(top)
    if any(one.showing(None) for one in plotted):
        tops[PANELS[0]].append(None)
    return {title: shown for title, shown in tops.items() if shown} | {RATES: []}


def _panel_of(top: str, *, is_loss: bool) -> str:
    if is_loss:
        return "loss"
    if top.endswith(("_d_pos", "_d_neg")):
        return "squared distance"
    shares = ("accuracy", "top-1", "top-5")
    if top.endswith("_active") or any(word in top for word in shares):
        return "share"
    return "other outputs"


def _draw_panel(
    axis: "Axes",
    title: str,
    tops: Sequence[Top],
    plotted: Sequence[PlottedLog],
    smooth: int,
) -> int:
    """One panel; returns how many entries its legend has."""
    curves = 0
    for one in plotted:
        prefix = f"{one.name}: " if len(plotted) > 1 else ""
        if title == RATES:
            rows = [r for r in one.placed("train") if r.learning_rate is not None]
            rates = np.array([row.learning_rate for row in rows], np.float64)
            axis.step(one.places(rows), _finite(rates), where="post", label=one.name)
        for top in tops:
            if one.showing(top):
                name = prefix + ("total loss" if top is None else _label(top))
                _draw_top(axis, one, top, smooth, _look(name, curves))
                curves += 1
        for run in range(1, len(one.log.runs)):
            if rows := one.placed("train", run):  # where training was resumed
                axis.axvline(one.places(rows)[0], ls=":", lw=1, color="grey")
    axis.set_ylabel(title)
    axis.grid(alpha=0.3)
    return _legend(axis) if title != RATES or len(plotted) > 1 else 0


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
    line = ROUND_STYLES[turn % len(ROUND_STYLES)]
    return _Look(name, colours[place], line, ROUND_DOTS[turn % len(ROUND_DOTS)])


def _draw_top(
    axis: "Axes", one: PlottedLog, top: Top, smooth: int, look: _Look
) -> None:
    """One net output of one log in one colour: a line for each run and net."""
    shown = one.showing(top)
    nets = sorted({row.net for row in shown if row.phase == "test"})
    for run in range(len(one.log.runs)):
        if rows := one.rows("train", top, run):
            _draw_training(axis, one.places(rows), series(rows, top), top, smooth, look)
        for place, net in enumerate(nets):
            if rows := one.rows("test", top, run, net):
                # Where training has the same curve, one entry serves all nets:
                # they have its colour.
                name = look.name
                if len(nets) > 1:
                    name += f", test net {net}"
                elif any(row.phase == "train" for row in shown):
                    name = "dashed: test nets"
                places, values = one.places(rows), series(rows, top)
                style = NET_STYLES[place % len(NET_STYLES)]
                axis.plot(places, _finite(values), ls=style, color=look.colour,
                          marker=look.dot, lw=1.4, ms=3, label=name)  # fmt: skip
                _mark_bad(axis, places, values, look)


def _draw_training(
    axis: "Axes", places: Float64, values: Float64, top: Top, smooth: int, look: _Look
) -> None:
    """One run of training."""
    # The total is behind the others: it may be the same as one of them.
    width, alpha, order = (4, 0.4, 1.5) if top is None else (1.4, 1, 2)
    drawn = values
    if smooth > 1 and top is not None:
        axis.plot(places, _finite(values), lw=0.6, alpha=0.35, color=look.colour)
        drawn = running_mean(values, smooth)
    drawn = _finite(drawn)
    # A value between two that are missing is no line.
    missing = np.isnan(np.concatenate([[np.nan], drawn, [np.nan]]))
    alone = np.flatnonzero(missing[:-2] & ~missing[1:-1] & missing[2:]).tolist()
    axis.plot(places, drawn, ls=look.line, color=look.colour, label=look.name,
              marker="." if alone else None, markevery=alone or None, lw=width,
              alpha=alpha, zorder=order)  # fmt: skip
    _mark_bad(axis, places, values, look)


def _mark_bad(axis: "Axes", places: Float64, values: Float64, look: _Look) -> None:
    """Triangles at the top of the panel, whatever its scale, where it is not finite."""
    bad = places[np.isnan(_finite(values))]
    if bad.size:
        axis.plot(bad, np.ones_like(bad), "v", color=look.colour, clip_on=False,
                  transform=axis.get_xaxis_transform(),
                  label=f"{look.name} NaN or infinite")  # fmt: skip


def _finite(values: Float64) -> Float64:
    """NaN for what is no number of Caffe's: larger ones have no place on an axis."""
    return np.where(np.abs(values) <= np.finfo(np.float32).max, values, np.nan)


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


def _label(name: str) -> str:
    """A name as it is shown: a long one would leave no room for the curves."""
    name = visible(name)
    return name if len(name) <= 40 else f"{name[:24]}...{name[-13:]}"


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
    lines, numbers = list(once.values())[: len(names)], map(str, range(len(names)))
    legend = axis.legend(lines, list(numbers), loc="upper left", fontsize="x-small",
                         bbox_to_anchor=(1.0, 1.0), frameon=False)  # fmt: skip
    # Given here, names that begin with "_" are shown too.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
    return len(names)


def check_format(path: Path) -> str:
    """The format that a picture's name asks for; InputError where it is not offered."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        what = f"no such format; pictures end in .{', .'.join(FORMATS)}"
        raise InputError(what, path, "name it curves.png")
    return kind


def save(figure: "Figure", path: Path, *, dpi: int = 120) -> None:
    """Writes a figure; the file appears, or is replaced, only when whole.

    Raises:
        InputError: a format that is not offered, or no such folder.
    """
    kind = check_format(path)
    with (
        writing("the picture", path), whole_file(path) as part,
        warnings.catch_warnings(),
    ):  # fmt: skip
        # Names may have characters that the font lacks: a box stands there.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(part, format=kind, dpi=dpi)
