"""The documents' figures of what tools/reproduce.py wrote, as SVG."""

import io
import re
from typing import Any

from tables_of_results import named

from pydrdl.report.drawing import GRID, SERIES, STYLES, style
from pydrdl.reproduce.setting import STRUCTURES
from pydrdl.reproduce.tables import Cell

Content = dict[str, Any]
WIDTH, HEIGHT = 8.0, 3.4  # inches


def growth(content: Content) -> str:
    """Rank 1 of each method over vehicles trained on, and over iterations.

    Left after the last iteration, right with the most vehicles; bars are the
    intervals over trainings. One file's figure is the same, byte for byte.
    """
    from matplotlib.figure import Figure

    table = named(content, "Growth")
    rows: dict[str, dict[int, tuple[Cell, ...]]] = {}
    for title, cells in table.rows.items():
        found = re.fullmatch(r"(.*), ([\d,]+) vehicles", title)
        assert found is not None, title
        vehicles = int(found[2].replace(",", ""))
        rows.setdefault(found[1], {})[vehicles] = cells
    marks = [*map(int, table.columns)]
    with style():
        figure = Figure((WIDTH, HEIGHT), layout="constrained", facecolor="white")
        left, right = figure.subplots(1, 2, sharey=True)
        for method, colour, line in zip(STRUCTURES, SERIES, STYLES, strict=False):
            of = rows[method]
            most = of[max(of)]
            for axes, across, cells in (
                (left, sorted(of), [of[n][-1] for n in sorted(of)]),
                (right, marks, [*most]),
            ):
                axes.errorbar(
                    across,
                    [cell.mean for cell in cells],
                    [cell.interval or 0 for cell in cells],
                    color=colour,
                    linestyle=line,
                    marker="o",
                    markersize=4,
                    capsize=3,
                    label=method,
                )
        sizes = sorted(next(iter(rows.values())))
        left.set_xscale("log", base=2)
        left.set_xticks(sizes, [f"{n:,}" for n in sizes])
        left.minorticks_off()
        left.set_xlabel(f"vehicles trained on ({marks[-1]:,} iterations)")
        left.set_ylabel("match rate at rank 1")
        right.set_xticks(marks, [f"{n:,}" for n in marks])
        right.set_xlabel(f"iterations ({sizes[-1]:,} vehicles)")
        for axes in (left, right):
            axes.grid(color=GRID)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return svg.getvalue()
