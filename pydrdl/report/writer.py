"""A report's files; their folder appears, or is replaced, only when whole.

report.html needs no other file and no network; report.md is the same with strips
as text, figures in figures/; tables/ has each table for a paper or a program; and
report.json holds every number.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from pydrdl.errors import InputError
from pydrdl.files import exists, files_in, is_folder, sync
from pydrdl.folders import WholeFolder
from pydrdl.report.content import Block, Figure, Item, Picture, Report, Strips
from pydrdl.report.drawing import on_page
from pydrdl.strict_json import parse
from pydrdl.table import (
    Table,
    cell,
    is_numeric,
    markdown_text,
    to_csv,
    to_latex,
    to_markdown,
)

SCHEMA = "drdl.report/1"
HTML, MARKDOWN, JSON = "report.html", "report.md", "report.json"
TABLES, FIGURES = "tables", "figures"
# What lies in a report's folder; older ones have a report.tex.
NAMES = {HTML, MARKDOWN, JSON, TABLES, FIGURES, "report.tex"}
FORMATS: Mapping[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}
TEMPLATES = Path(__file__).parent / "templates"


def write_report(report: Report, output: Path, *, overwrite: bool = False) -> list[str]:
    """Writes all of a report's files; returns their names in the folder.

    Raises:
        InputError: the folder exists, holds something else than a report, or
            cannot be written.
    """
    folder = check_output(output, overwrite=overwrite)
    try:
        folder.begin()
        with folder.writing():
            names = _write_files(report, folder.partial)
        folder.finish()
    finally:
        folder.discard()
    return names


def check_output(output: Path, *, overwrite: bool) -> WholeFolder:
    """Refuses an output that may not be written, before any work.

    Raises:
        InputError: it exists, or is no report, or has no folder to lie in.
    """
    if not is_folder(output.absolute().parent):
        raise InputError("no such folder", output.parent, "make it, or name another")
    folder = WholeFolder(
        output, "the report", "a report", NAMES.__contains__, overwrite=overwrite
    )
    # What somebody keeps there must not be lost.
    empty = is_folder(output) and not files_in(output, "*")
    if overwrite and exists(output) and not empty and not _is_report(output):
        what = "the output exists and is no report"
        raise InputError(what, output, "name another folder, or delete this one")
    folder.refuse_existing()
    return folder


def _is_report(folder: Path) -> bool:
    try:
        content = parse((folder / JSON).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def _write_files(report: Report, folder: Path) -> list[str]:
    texts = {HTML: html(report), MARKDOWN: markdown(report), JSON: to_json(report)}
    files = {name: text.encode() for name, text in texts.items()}
    for table in report.tables():
        for ending, written in FORMATS.items():
            files[f"{TABLES}/{table.key}.{ending}"] = written(table).encode()
    for figure in report.figures():
        files[f"{FIGURES}/{figure.key}.svg"] = figure.svg.encode()
        files[f"{FIGURES}/{figure.key}.pdf"] = figure.pdf
    for picture in report.pictures():
        files[f"{FIGURES}/{picture.key}.jpg"] = picture.jpeg
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        sync(path)
    return list(files)


def html(report: Report) -> str:
    """Renders the template; whatever is not a drawing is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

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
        return Markup(on_page(figure))

    def breakable(text: str) -> Markup:
        # Paths are long words: lines may break behind a slash.
        return Markup(escape(text).replace("/", "/<wbr>"))

    def jpeg(item: Item | Picture) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(item.jpeg).decode()

    environment.filters |= {"breakable": breakable, "drawing": drawing, "jpeg": jpeg}
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    kinds = {"kind": _kind, "cell": cell, "is_numeric": is_numeric}
    template = environment.get_template("report.html.j2", globals=kinds)
    return template.render(report=report, style=style)


def _kind(block: Block) -> str:
    return type(block).__name__.lower()


def markdown(report: Report) -> str:
    """The report, its figures as files in figures/."""
    parts = [f"# {markdown_text(report.title)}"]
    parts += [markdown_text(report.date)] if report.date else []
    for section in report.sections:
        parts.append(f"## {markdown_text(section.title)}")
        parts += [_markdown_block(block) for block in section.blocks]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _markdown_block(block: Block) -> str:
    if isinstance(block, Table):
        if not block.folded:
            return f"**{markdown_text(block.title)}**\n\n{to_markdown(block)}"
        # Markdown is read again behind an empty line.
        summary = f"<summary>{escape(block.title)}</summary>"
        return f"<details>\n{summary}\n\n{to_markdown(block)}\n</details>"
    if isinstance(block, Figure | Picture):
        ending = "svg" if isinstance(block, Figure) else "jpg"
        drawing = f"![{markdown_text(block.alt)}]({FIGURES}/{block.key}.{ending})"
        return f"{drawing}\n\n{markdown_text(block.caption)}"
    if isinstance(block, Strips):  # the pictures are in the HTML
        lines = [f"**{markdown_text(block.title)}**", ""]
        for strip in block.strips:
            found = " ".join(map(_found, strip.found))
            lines.append(f"- {markdown_text(strip.summary)}; {markdown_text(found)}")
        return "\n".join(lines)
    if block.kind == "command":
        return "".join(f"    {line}\n" for line in block.text.splitlines())
    text = markdown_text(block.text)
    return f"**Note:** {text}" if block.kind == "warning" else text


def _found(item: Item) -> str:
    distance = "" if item.distance is None else f" ({item.distance:#.3g})"
    return f"{item.mark}{item.vehicle}{distance}"


def to_json(report: Report) -> str:
    """All numbers of the report; thumbnails and drawings are left out."""
    sections = [
        {
            "key": section.key,
            "title": section.title,
            "blocks": [_block_json(block) for block in section.blocks],
        }
        for section in report.sections
    ]
    head = {"schema": SCHEMA, "title": report.title, "date": report.date}
    content = {**head, "sections": sections}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _block_json(block: Block) -> dict[str, Any]:
    content = {"type": _kind(block), **asdict(block)}
    if isinstance(block, Figure):
        del content["svg"], content["pdf"]
    if isinstance(block, Picture):
        del content["jpeg"]
    if isinstance(block, Strips):
        for strip in content["strips"]:
            for item in (strip["probe"], strip["match"], *strip["found"]):
                del item["jpeg"]
    return content
