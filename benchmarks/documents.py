"""Tables between marks in a document, so that a command can write them anew.

    <!-- table: NAME, from results/one.json -->

    | ... |

    <!-- end -->

Without the "from", nobody has made the table from a file yet: it was typed in.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydrdl.errors import InputError

_BEGIN = "<!-- table: "
_TABLE = re.compile(
    r"<!-- table: (?P<name>[\w.]+)(?:, from (?P<source>[^\n]+?))? -->\n"
    r"\n(?P<text>(?:(?!<!-- table: ).)*?)\n<!-- end -->\n",
    re.DOTALL,
)
# A row of a table with a cell that begins with a number.
_FIGURE = re.compile(r"^ *\|(?:.*\|)? *[.\d].*\|", re.MULTILINE)

_NUMBERS = re.compile(r"([-+±\d.,()/: ]|to|missed)*")


@dataclass(frozen=True)
class Marked:
    """What stands between a pair of marks.

    Attributes:
        name: which table it is.
        text: whole lines.
        source: the files it was made from, as told; empty if it was typed in.
    """

    name: str
    text: str
    source: str = ""

    def __str__(self) -> str:
        source = f", from {self.source}" if self.source else ""
        return f"{_BEGIN}{self.name}{source} -->\n\n{self.text}\n<!-- end -->\n"


def tables(document: str, where: str) -> list[Marked]:
    """What is marked, in its order.

    Args:
        document: its text.
        where: it is, for the error.

    Raises:
        InputError: a mark without its other half, or a name that comes twice.
    """
    found = [_marked(match) for match in _TABLE.finditer(document)]
    names = [table.name for table in found]
    marks = document.count(_BEGIN), document.count("<!-- end -->")
    if marks != (len(found), len(found)) or len(set(names)) != len(names):
        raise InputError(
            f"{marks[0]} marks begin tables, {marks[1]} end them, "
            f"{len(set(names))} tables between",
            where,
            "write <!-- table: NAME -->, an empty line, the table, an empty line, "
            "<!-- end -->, each name once",
        )
    return found


def rewritten(document: str, change: Callable[[Marked], Marked]) -> str:
    """The document with all that is marked changed."""
    return _TABLE.sub(lambda match: str(change(_marked(match))), document)


def without_tables(document: str) -> str:
    """The document with all that is marked taken out, marks and all."""
    return _TABLE.sub("", document)


def figures_outside(document: str) -> list[str]:
    """Rows of tables that hold a number and stand between no marks."""
    return [m[0].strip() for m in _FIGURE.finditer(without_tables(document))]


def as_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; columns of numbers are set to the right."""
    lines = [list(row) for row in rows]
    edges = [
        "---:" if all(_NUMBERS.fullmatch(cell) for cell in column) else "---"
        for column in zip(*lines, strict=True)
    ]
    every = [list(titles), edges, *lines]
    return "".join("| " + " | ".join(line) + " |\n" for line in every)


def paragraph(text: str) -> str:
    """The text in lines of a document's width."""
    lines = textwrap.wrap(text, 80, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _marked(match: re.Match[str]) -> Marked:
    return Marked(match["name"], match["text"], match["source"] or "")
