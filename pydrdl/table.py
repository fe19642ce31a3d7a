"""A table of any numbers, said once: on a terminal, in Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table as RichTable

HASH_DIGITS = 16  # of a SHA-256, to compare by eye; CSV and JSON hold all
MINUS = "\u2212"
NUMERIC = ("count", "rate", "change", "number")
Value = str | int | float | None  # None: not known, or does not apply
Cells = Mapping[str, Value]  # of a row, by the columns' keys
# How a value is shown:
#   text    as it is
#   hash    its first digits
#   count   a whole number with commas
#   rate    a fraction of one, .381
#   change  a difference of rates with its sign, +.012
#   number  four significant digits
Kind = Literal["text", "hash", "count", "rate", "change", "number"]


@dataclass(frozen=True)
class Column:
    """A column: the key of its values, its head, and how they are shown."""

    key: str
    title: str
    kind: Kind = "text"
    spread: str = ""  # key of what stands behind ± with them


@dataclass(frozen=True)
class Group:
    """Rows that belong together, under a heading of their own if it has one."""

    heading: str
    rows: Sequence[Cells]


@dataclass(frozen=True)
class Table:
    """A table."""

    key: str  # its name among files
    title: str  # what it shows
    columns: Sequence[Column]  # the first names the rows
    groups: Sequence[Group]  # its rows
    folded: bool = False  # whether it is detail, shown when asked for


def rate(value: float, digits: int = 3) -> str:
    """A fraction of one without its leading zero, as the paper's tables have it."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def short(sha256: str) -> str:
    """Enough of a hash to compare by eye."""
    return sha256[:HASH_DIGITS]


def change(value: float) -> str:
    """A difference of rates with its sign."""
    return (MINUS if round(value, 3) < 0 else "+") + rate(abs(value))


def plural(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def is_numeric(column: Column) -> bool:
    """Whether the column is set to the right."""
    return column.kind in NUMERIC


def cell(column: Column, row: Cells) -> str:
    """The text of one cell; empty where there is no value."""
    value = row.get(column.key)
    if value is None:
        return ""
    spread = row.get(column.spread) if column.spread else None
    text = _shown(column.kind, value)
    return text if spread is None else f"{text} ± {rate(float(spread))}"


def _shown(kind: Kind, value: str | int | float) -> str:
    if kind == "hash":
        return short(str(value))
    if kind == "text" or isinstance(value, str):
        return str(value)
    if kind == "count":
        return f"{int(value):,}"
    if kind == "number":
        return f"{value:.4g}"
    return rate(value) if kind == "rate" else change(value)


def to_rich(table: Table) -> "RichTable":
    """The table for a terminal: narrow enough for the 80 columns of logs and pipes."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    first, *others = table.columns
    shown.add_column(first.title, overflow="fold")
    for column in others:
        shown.add_column(column.title, justify="right", no_wrap=True)
    for group in table.groups:
        if group.heading:
            shown.add_section()
            # Short, so that it does not widen its column.
            shown.add_row(Text(group.heading.removeprefix("the ")))
        for row in group.rows:
            cells = (cell(column, row).replace(" ± ", "±") for column in table.columns)
            shown.add_row(*map(Text, cells))
    return shown


def to_csv(table: Table) -> str:
    """All digits; a spread has a column of its own behind its mean."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    grouped = any(group.heading for group in table.groups)
    keys = [key for c in table.columns for key in (c.key, c.spread) if key]
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
        for row in group.rows:
            lines.append([markdown_text(cell(c, row)) for c in table.columns])
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
    heads = _latex_row([c.title for c in table.columns])
    lines = [rf"\begin{{tabular}}{{{ends}}}", r"\toprule", heads]
    for group in table.groups:
        lines.append(r"\midrule")
        if group.heading:
            heading = rf"\emph{{{latex_text(group.heading)}}}"
            lines.append(rf"\multicolumn{{{len(ends)}}}{{l}}{{{heading}}} \\")
        for row in group.rows:
            lines.append(_latex_row([cell(c, row) for c in table.columns]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


_COMMANDS = {
    **{"\\": "backslash", "^": "asciicircum", "~": "asciitilde", "`": "asciigrave"},
    **{"<": "less", ">": "greater", "|": "bar", '"': "quotedbl", "'": "quotesingle"},
}
_LATEX = {
    **{sign: rf"\text{name}{{}}" for sign, name in _COMMANDS.items()},
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
    **{MINUS: "$-$", "±": r"$\pm$", "✓": r"$\checkmark$", "✗": r"$\times$", "\n": " "},
}


def latex_text(text: str) -> str:
    """Text that LaTeX leaves as it is."""
    escaped = "".join(_LATEX.get(sign, sign) for sign in text)
    return escaped.replace("--", "-{}-")  # it would become a dash


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"
