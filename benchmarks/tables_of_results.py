"""The tables of what tools/reproduce.py wrote, in Markdown."""

from collections.abc import Callable
from typing import Any

from documents import paragraph

from pydrdl.errors import InputError
from pydrdl.reproduce import tables

Content = dict[str, Any]


def conditions(content: Content) -> str:
    """Data, nets and trainings that all tables of the file are of."""
    return paragraph(tables.conditions(content))


def table(name: str) -> Callable[[Content], str]:
    """Makes one of a file's tables, ours above the paper's.

    Args:
        name: the table's, as in the paper or as reproduce.py calls it.
    """

    def make(content: Content) -> str:
        return tables.markdown(named(content, name))

    return make


def named(content: Content, name: str) -> tables.PaperTable:
    """The file's table of that name.

    Raises:
        InputError: there is none.
    """
    found = {table.name: table for table in tables.from_json(content)}
    if name not in found:
        raise InputError(
            f"no {name}; there are {', '.join(found)}",
            "the results",
            "write them again with tools/reproduce.py --json",
        )
    return found[name]
