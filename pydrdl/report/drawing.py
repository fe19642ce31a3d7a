"""How drawings look, and drawings as SVG and PDF.

A drawing is made once, in the colours of light ground. On a page its colours are
turned into CSS variables of the same names, which have other values on dark
ground; INK and SERIES are therefore used for nothing but what they are.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f24", "#69707a", "#d8dce2"
# Told apart also by those who see red and green as one; line styles help.
SERIES = ("#1f5fa8", "#c2410c", "#1a7f4e", "#7b3fa0", "#8a6d00", "#2f6f7e")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
RIGHT, WRONG = SERIES[2], SERIES[1]
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    **{colour: f"--series-{i + 1}" for i, colour in enumerate(SERIES)},
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


def to_svg(figure: "Figure") -> str:
    """A figure as SVG; the same figure gives the same text."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def to_pdf(figure: "Figure") -> bytes:
    """A figure as PDF, likewise."""
    data = io.BytesIO()
    none = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(data, format="pdf", metadata=none)
    return data.getvalue()


def on_page(svg: str, key: str, alt: str) -> str:
    """An SVG to stand in a page: scaled, named, in the page's colours.

    Args:
        svg: as to_svg makes it.
        key: distinct among the page's drawings; its ids begin with it.
        alt: what can be seen.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    # It would hold for the whole page; style.css has it.
    svg = re.sub(r"<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{key}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    head = f'<svg role="img" aria-label="{escape(alt)}"'
    svg = re.sub(r'^<svg\b([^>]*?) width="[^"]*"', r"<svg\1", svg, count=1)
    svg = re.sub(r'^<svg\b([^>]*?) height="[^"]*"', r"<svg\1", svg, count=1)
    return head + svg.removeprefix("<svg")
