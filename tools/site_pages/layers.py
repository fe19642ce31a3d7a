"""The layers' formulas and parameters, out of their headers and of drdl.proto.

A page has `<!-- layer: NAME -->` where those of the layer in NAME_layer.hpp belong, and
`<!-- message: NAME -->` for a message of drdl.proto. Formulas become MathML, which
browsers draw by themselves.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

HEADERS = "caffe_layers/include/caffe/layers"
PROTO = "caffe_layers/proto/caffe/proto/drdl.proto"
_MARK = re.compile(r"<!-- (layer|message): (\w+) -->")
_FORMULA = re.compile(r"@f\$(.*?)@f\$", re.DOTALL)


def filled_in(markdown: str, root: Path) -> tuple[str, list[str]]:
    """A page with its marks replaced, and the formulas that with_formulas() puts in."""
    formulas: list[str] = []

    def mark(match: re.Match[str]) -> str:
        formulas.append(" ".join(match[1].split()))
        return f"FORMULA{len(formulas) - 1}X"

    def text(match: re.Match[str]) -> str:
        made = (_of_header if match[1] == "layer" else _of_message)(root, match[2])
        return _FORMULA.sub(mark, made)

    return _MARK.sub(text, markdown), formulas


def with_formulas(html: str, formulas: list[str]) -> str:
    """HTML whose marks are MathML."""
    return re.sub(
        r"FORMULA(\d+)X", lambda match: convert(formulas[int(match[1])]), html
    )


def _of_header(root: Path, name: str) -> str:
    """The comment of a layer's class, from Doxygen's marks to Markdown's."""
    path = root / HEADERS / f"{name}_layer.hpp"
    found = re.search(r"/\*\*\n(.*?)\*/\ntemplate", path.read_text("utf-8"), re.DOTALL)
    if found is None:
        raise PluginError(f"{path} has no comment before its class")
    text = found[1].replace("[set][", "\\[set\\][")  # no link
    lines = [re.sub(r"^ \* ?", "", line) for line in text.splitlines()]
    return "\n".join(_markdown(_rows_joined(lines)))


def _rows_joined(lines: list[str]) -> Iterator[str]:
    """Lines of a comment, a row of a table on one."""
    row = ""
    for line in lines:
        row = f"{row} {line.strip()}" if row else line
        if not row.startswith("|") or row.endswith("|"):
            yield row
            row = ""


def _markdown(lines: Iterator[str]) -> Iterator[str]:
    """Doxygen's lines as Markdown's: parts get names, lists an empty line before."""
    listed = False
    for line in lines:
        found = re.match(r"(?:@param )?(bottom|top|tops:)\b(?!s)", line)
        if found and (line.startswith("@param") or line == "tops:"):
            of = found[1].removesuffix(":").rstrip("s").capitalize()
            yield f"\n**{of}:** " + line[found.end() :].strip()
            listed = False
            continue
        line = line.removeprefix("@brief ")
        item = re.match(r" *(-#|-) ", line)
        if item and not listed:
            yield ""
        listed = bool(item) or (listed and line.startswith(" "))
        if item:
            bullet = "1. " if item[1] == "-#" else "- "
            yield bullet.ljust(4) + line[item.end() :]
        else:
            yield "    " + line.strip() if listed else line.strip()


def _of_message(root: Path, name: str) -> str:
    """A message's fields as a table, and its choices below."""
    text = (root / PROTO).read_text("utf-8")
    found = re.search(rf"^message {name} {{\n(.*?)^}}", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise PluginError(f"{PROTO} has no message {name}")
    rows, choices, comment, enum = [], [], "", ""
    for line in map(str.strip, found[1].splitlines()):
        if line.startswith("//"):
            comment += line[2:]
        elif begun := re.match(r"enum (\w+)", line):
            enum, comment = begun[1], ""
        elif line == "}":
            enum = ""
        elif enum and (choice := re.match(r"(\w+) =", line)):
            choices.append(f"| {enum} | `{choice[1]}` | {comment.strip()} |")
            comment = ""
        elif field := re.match(
            r"(\w+) (\w+) (\w+) = \d+(?: \[default = (.*)\])?", line
        ):
            default = f"`{field[4]}`" if field[4] else ""
            rows.append(
                f"| `{field[3]}` | {field[2]} | {default} | {comment.strip()} |"
            )
            comment = ""
    table = "| field | type | default | |\n| --- | --- | --- | --- |\n" + "\n".join(
        rows
    )
    if choices:
        table += "\n\n| | choice | |\n| --- | --- | --- |\n" + "\n".join(choices)
    return table + "\n"
