"""Training curves: losses, distances, shares and the learning rate of logs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pydrdl.logs.curves import draw_top, is_drawn, label
from pydrdl.logs.panels import Panel, Top, sorted_into_panels
from pydrdl.logs.reader import TrainingLog
from pydrdl.logs.view import Axis, View

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
