"""Tables as CSV, Markdown and LaTeX, and the report as JSON."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydrdl.report.cells import cell, is_numeric
from pydrdl.report.content import Block, Figure, Report, Table, Text

SCHEMA = "drdl.report/1"
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&",
    "#": r"\#", "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}", "\u2212": "$-$", "±": r"$\pm$",
    "✓": r"$\checkmark$", "✗": r"$\times$", "\n": " ",
}  # fmt: skip


def to_csv(table: Table) -> str:
    """All digits; a spread has a column of its own behind its mean."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    grouped = any(group.heading for group in table.groups)
    keys = [
        key for c in table.columns for key in (c.key, *([c.spread] if c.spread else []))
    ]
    writer.writerow((["of"] if grouped else []) + keys)
    for group in table.groups:
        for row in group.rows:
            values = ["" if row.get(k) is None else row[k] for k in keys]
            writer.writerow(([group.heading] if grouped else []) + values)
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """A table of GitHub's Markdown; headings of groups are rows of their own."""
    ends = ["---:" if is_numeric(c) else "---" for c in table.columns]
    lines = [[markdown_text(c.title) for c in table.columns], ends]
    for group in table.groups:
        if group.heading:
            heading = f"*{markdown_text(group.heading)}*"
            lines.append([heading, *[""] * (len(table.columns) - 1)])
        lines += [
            [markdown_text(cell(c, row)) for c in table.columns] for row in group.rows
        ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(text: str) -> str:
    """Text that Markdown and the HTML in it leave as it is."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_[]|#~$":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


def to_latex(table: Table) -> str:
    """A tabular with booktabs' rules."""
    ends = "".join("r" if is_numeric(c) else "l" for c in table.columns)
    width = len(table.columns)
    lines = [
        rf"\begin{{tabular}}{{{ends}}}",
        r"\toprule",
        _latex_row([c.title for c in table.columns]),
    ]
    for group in table.groups:
        lines.append(r"\midrule")
        if group.heading:
            heading = latex_text(group.heading)
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{heading}}}}} \\")
        lines += [
            _latex_row([cell(c, row) for c in table.columns]) for row in group.rows
        ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def latex_text(text: str) -> str:
    """Text that LaTeX leaves as it is."""
    escaped = "".join(_LATEX.get(sign, sign) for sign in text)
    return escaped.replace("--", "-{}-")  # it would become a dash


def _latex_row(cells: list[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"


def to_json(report: Report) -> str:
    """All numbers of the report; thumbnails are left out."""
    content = {
        "schema": SCHEMA,
        "title": report.title,
        "date": report.date,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "blocks": [_block_json(block) for block in section.blocks],
            }
            for section in report.sections
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _block_json(block: Block) -> Mapping[str, Any]:
    if isinstance(block, Text):
        return {"type": "text", **asdict(block)}
    if isinstance(block, Table):
        return {"type": "table", **asdict(block)}
    if isinstance(block, Figure):
        names = {"key": block.key, "caption": block.caption, "alt": block.alt}
        return {"type": "figure", **names, "data": block.data}
    strips = asdict(block)
    for strip in strips["strips"]:
        for item in (strip["probe"], strip["match"], *strip["found"]):
            del item["jpeg"]
    return {"type": "strips", **strips}
