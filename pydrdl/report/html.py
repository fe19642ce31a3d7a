"""The report as one HTML file that needs no other and no network."""

import base64
from pathlib import Path

from pydrdl.report.cells import cell, is_numeric
from pydrdl.report.content import Block, Figure, Item, Report, Strip, Strips, Table
from pydrdl.report.drawing import on_page
from pydrdl.report.strips import item_alt, mark, relation, summary

TEMPLATES = Path(__file__).parent / "templates"


def html(report: Report) -> str:
    """Renders the template; whatever is not a drawing is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def drawing(figure: Figure) -> Markup:
        # Made by matplotlib, which escapes the names in it.
        return Markup(on_page(figure.svg, figure.key, figure.alt))

    def breakable(text: str) -> Markup:
        # Paths are long words: lines may break behind a slash.
        return Markup(str(escape(text)).replace("/", "/<wbr>"))

    filters = {"breakable": breakable, "drawing": drawing, "jpeg": _data_uri}
    environment.filters |= filters
    environment.globals |= {
        "cell": cell,
        "is_numeric": is_numeric,
        "item_alt": item_alt,
        "kind": _kind,
        "mark": mark,
        "outside": _outside,
        "relation": relation,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "summary": summary,
    }
    return environment.get_template("report.html.j2").render(report=report)


def _kind(block: Block) -> str:
    names = {Table: "table", Figure: "figure", Strips: "strips"}
    return names.get(type(block), "text")


def _data_uri(item: Item) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(item.jpeg).decode()


def _outside(strip: Strip) -> bool:
    """Whether the match is not among those shown."""
    return all(item.image != strip.match.image for item in strip.found)
