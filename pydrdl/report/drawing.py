"""How drawings look, and drawings as SVG and PDF.

A drawing is made once, in the colours of light ground. On a page its colours are
turned into CSS variables of the same names, which have other values on dark
ground; INK and SERIES are therefore used for nothing but what they are.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from pydrdl.report.content import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, MUTED, GRID = "#1b1f24", "#69707a", "#d8dce2"
# Told apart also by those who see red and green as one; line styles help.
SERIES = ("#1f5fa8", "#c2410c", "#1a7f4e", "#7b3fa0", "#8a6d00", "#2f6f7e")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
RIGHT, WRONG = SERIES[2], SERIES[1]
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid"} | {
    colour: f"series-{i}" for i, colour in enumerate(SERIES, 1)
}


@contextmanager
def style() -> Iterator[None]:
    """Within it, figures are made and written in the report's style."""
    import matplotlib as mpl
    from cycler import cycler

    settings: Any = {
        "axes.axisbelow": True,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.prop_cycle": cycler(color=SERIES),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.size": 10,
        "grid.color": GRID,
        "hatch.color": MUTED,
        "legend.frameon": False,
        "text.color": INK,
        # Names of methods are no formulas.
        "text.parse_math": False,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        # Text stays text: to be read aloud, searched and copied.
        "svg.fonttype": "none",
        "svg.hashsalt": "drdl",
        "pdf.fonttype": 42,
    }
    with mpl.rc_context(settings):
        yield


def axes(width: float, height: float) -> "Axes":
    """The axes of a new figure of so many inches; within style()."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained").subplots()


def figure(
    canvas: "Canvas | Any", key: str, caption: str, alt: str, data: Mapping[str, Any]
) -> Figure:
    """A drawing for the report, within style(); the same one gives the same bytes."""
    svg, pdf = io.StringIO(), io.BytesIO()
    none = {"Date": None, "Creator": None}
    canvas.savefig(svg, format="svg", metadata=none)
    none = {"CreationDate": None, "Creator": None, "Producer": None}
    canvas.savefig(pdf, format="pdf", metadata=none)
    return Figure(key, caption, alt, svg.getvalue(), pdf.getvalue(), data)


def on_page(shown: Figure) -> str:
    """Its SVG to stand in a page: scaled, named, in the page's colours."""
    svg = shown.svg[shown.svg.index("<svg") :]
    # Of its style sheet, which would hold for the whole page, style.css has all.
    for left_out in (
        r"<metadata>.*?</metadata>",
        r"<style type=\"text/css\">.*?</style>",
    ):
        svg = re.sub(left_out, "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{shown.key}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{shown.key}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    for size in ("width", "height"):
        svg = re.sub(rf'^<svg\b([^>]*?) {size}="[^"]*"', r"<svg\1", svg, count=1)
    return f'<svg role="img" aria-label="{escape(shown.alt)}"' + svg.removeprefix(
        "<svg"
    )
