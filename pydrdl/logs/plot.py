"""Training curves: losses, distances, shares and the learning rate of logs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pydrdl.atomic import whole_file
from pydrdl.errors import InputError
from pydrdl.logs.reader import Phase, Row, TrainingLog
from pydrdl.logs.table import series
from pydrdl.system_errors import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

Axis = Literal["iterations", "seconds"]
Float64 = NDArray[np.float64]
FORMATS = ("png", "svg", "pdf")
PHASES: tuple[Phase, ...] = ("train", "test")


@dataclass(frozen=True)
class Panel:
    """One of the stacked plots.

    Attributes:
        title: what its y axis shows.
        holds: whether a top belongs to it, given the top and whether it is a
            loss. The first panel that holds a top shows it.
    """

    title: str
    holds: Callable[[str, bool], bool]


PANELS = (
    Panel("loss", lambda top, is_loss: is_loss),
    Panel("squared distance", lambda top, is_loss: top.endswith(("_d_pos", "_d_neg"))),
    Panel(
        "share",
        lambda top, is_loss: (
            top.endswith("_active")
            or any(word in top for word in ("accuracy", "top-1", "top-5"))
        ),
    ),
    Panel("other outputs", lambda top, is_loss: True),
)


def draw(
    logs: Mapping[str, TrainingLog], *, x: Axis = "iterations", smooth: int = 1
) -> "Figure":
    """Draws the curves of logs above each other, over one x axis.

    Training is a line, or thin under its mean over `smooth` rows; test nets are
    dashed, with dots. A triangle at the top marks a value that is not finite, a
    dotted line where training was resumed.

    Args:
        logs: by the name to show.
        x: iterations, or seconds of training, each run after the one before.
        smooth: rows of a running mean, itself at the middle; 1 for none.

    Raises:
        InputError: seconds are wanted, and a log has no times.
    """
    # Without pyplot: no global state, no display.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    # A panel's tops, and None for the panel of learning rates at the end.
    shown: list[tuple[Panel | None, list[str]]] = [
        (panel, tops) for panel, tops in _sorted_into_panels(logs).items() if tops
    ]
    shown.append((None, []))
    heights = [1 if panel is None else 2 for panel, _ in shown]
    figure = Figure(figsize=(9, 0.6 + 1.15 * sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(shown), 1, sharex=True, squeeze=False, height_ratios=heights
    )
    for axis, (panel, tops) in zip(axes[:, 0], shown, strict=True):
        for name, log in logs.items():
            prefix = f"{name}: " if len(logs) > 1 else ""
            if panel is None:
                rates = [r for r in log.of("train") if r.learning_rate is not None]
                values = np.array([r.learning_rate for r in rates], np.float64)
                axis.step(_place(log, rates, x, name), values, where="post", label=name)
            for top in tops:
                _draw_top(axis, log, top, prefix, x, name, smooth)
            _mark_resumes(axis, log, x, name)
        axis.set_ylabel("learning rate" if panel is None else panel.title)
        axis.grid(alpha=0.3)
        if panel is not None or len(logs) > 1:
            _legend(axis)
    if x == "iterations":
        axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1, 0].set_xlabel("iteration" if x == "iterations" else "seconds of training")
    if len(logs) == 1:
        axes[0, 0].set_title(next(iter(logs)))
    return figure


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
    with writing("the picture", path), whole_file(path) as part:
        figure.savefig(part, format=kind, dpi=dpi)


def running_mean(values: Float64, window: int) -> Float64:
    """The mean over a window around each value; the same length.

    What is not finite is left out. At the ends the window is cut, not padded; of
    an even one the larger half lies before.
    """
    finite = np.isfinite(values)
    kernel = np.ones(window)
    total = np.convolve(np.where(finite, values, 0.0), kernel)
    count = np.convolve(finite.astype(np.float64), kernel)
    middle = slice((window - 1) // 2, (window - 1) // 2 + len(values))
    with np.errstate(invalid="ignore"):
        return np.asarray(total[middle] / count[middle])


def elapsed(log: TrainingLog, rows: Sequence[Row], where: object) -> Float64:
    """Seconds of training until each row: runs follow each other without gaps.

    Raises:
        InputError: a row has no time.
    """
    starts, total = [], 0.0
    for run in range(len(log.runs)):
        starts.append(total)
        total += max((r.seconds or 0.0 for r in log.rows if r.run == run), default=0.0)
    if any(row.seconds is None for row in rows):
        raise InputError(
            "lines have no time", where, "keep glog's prefix, or plot over iterations"
        )
    return np.array([starts[r.run] + (r.seconds or 0.0) for r in rows], np.float64)


def _sorted_into_panels(logs: Mapping[str, TrainingLog]) -> dict[Panel, list[str]]:
    """The tops of each panel, each once; the total loss where a log has no top."""
    tops: dict[Panel, list[str]] = {panel: [] for panel in PANELS}
    for log in logs.values():
        for top in dict.fromkeys(log.tops("train") + log.tops("test")) or ["Loss"]:
            is_loss = top in log.loss_weights or top == "Loss"
            panel = next(panel for panel in PANELS if panel.holds(top, is_loss))
            if top not in tops[panel]:
                tops[panel].append(top)
    return tops


def _place(log: TrainingLog, rows: Sequence[Row], x: Axis, where: object) -> Float64:
    if x == "seconds":
        return elapsed(log, rows, where)
    return np.array([row.iteration for row in rows], np.float64)


def _draw_top(
    axis: "Axes",
    log: TrainingLog,
    top: str,
    prefix: str,
    x: Axis,
    where: object,
    smooth: int,
) -> None:
    """One net output of one log: a line for each run, in one colour."""
    colour = None
    for phase in PHASES:
        for run in range(len(log.runs)):
            rows = [r for r in log.of(phase, run) if top == "Loss" or top in r.values]
            if not rows:
                continue
            places, values = _place(log, rows, x, where), series(rows, top)
            style = "-" if phase == "train" else "--"
            if phase == "train" and smooth > 1:
                (thin,) = axis.plot(places, values, lw=0.6, alpha=0.35, color=colour)
                colour, values = thin.get_color(), running_mean(values, smooth)
            (line,) = axis.plot(
                places,
                np.where(np.isfinite(values), values, np.nan),
                style,
                color=colour,
                lw=1.4,
                marker="o" if phase == "test" else None,
                ms=3,
                # One entry for all of them: their colours are those of training.
                label=prefix + top if phase == "train" else "dashed: test nets",
            )
            colour = line.get_color()
            bad = places[~np.isfinite(series(rows, top))]
            if bad.size:
                _mark_bad(axis, bad, colour, f"{prefix}{top} NaN or infinite")


def _mark_bad(axis: "Axes", places: Float64, colour: "ColorType", label: str) -> None:
    """Triangles at the top of the panel, whatever its scale."""
    axis.plot(
        places,
        np.ones_like(places),
        "v",
        color=colour,
        transform=axis.get_xaxis_transform(),
        clip_on=False,
        label=label,
    )


def _mark_resumes(axis: "Axes", log: TrainingLog, x: Axis, where: object) -> None:
    for run in range(1, len(log.runs)):
        rows = log.of("train", run)[:1]
        if rows:
            axis.axvline(_place(log, rows, x, where)[0], ls=":", lw=1, color="grey")


def _legend(axis: "Axes") -> None:
    """Each name once, beside the panel, where it hides nothing."""
    handles, names = axis.get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))
    axis.legend(
        once.values(),
        once.keys(),
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize="x-small",
        frameon=False,
    )
