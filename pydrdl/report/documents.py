"""The report as Markdown and as LaTeX."""

from html import escape

from pydrdl.report.content import (
    Block,
    Figure,
    Item,
    Report,
    Section,
    Strips,
    Table,
    Text,
)
from pydrdl.report.strips import mark, summary
from pydrdl.report.tables import latex_text, markdown_text, to_latex, to_markdown

FIGURES = "figures"
_PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{amssymb}
\usepackage{booktabs}
\usepackage{float}
\usepackage{graphicx}
\usepackage[margin=2cm]{geometry}
"""


def markdown(report: Report) -> str:
    """The report, its figures as files in figures/."""
    parts = [f"# {markdown_text(report.title)}"]
    if report.date:
        parts.append(markdown_text(report.date))
    for section in report.sections:
        parts.append(f"## {markdown_text(section.title)}")
        parts += [_markdown_block(block) for block in section.blocks]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _markdown_block(block: Block) -> str:
    if isinstance(block, Table):
        return _markdown_table(block)
    if isinstance(block, Figure):
        alt = markdown_text(block.alt)
        path = f"{FIGURES}/{block.key}.svg"
        return f"![{alt}]({path})\n\n{markdown_text(block.caption)}"
    if isinstance(block, Strips):
        return _markdown_strips(block)
    if block.kind == "command":
        return "".join(f"    {line}\n" for line in block.text.splitlines())
    text = markdown_text(block.text)
    return f"**Note:** {text}" if block.kind == "warning" else text


def _markdown_table(block: Table) -> str:
    if not block.folded:
        return f"**{markdown_text(block.title)}**\n\n{to_markdown(block)}"
    # Markdown is read again behind an empty line.
    return (
        f"<details>\n<summary>{escape(block.title)}</summary>\n\n"
        f"{to_markdown(block)}\n</details>"
    )


def _markdown_strips(block: Strips) -> str:
    """What was found, by vehicle: the pictures are in the HTML."""
    lines = [f"**{markdown_text(block.title)}**", ""]
    for strip in block.strips:
        found = " ".join(_found(item) for item in strip.found)
        lines.append(f"- {markdown_text(summary(strip))}; {markdown_text(found)}")
    return "\n".join(lines)


def _found(item: Item) -> str:
    distance = "" if item.distance is None else f" ({item.distance:#.3g})"
    return f"{mark(item)}{item.vehicle}{distance}"


def latex(report: Report) -> str:
    """A document of the report's tables and figures; figures are PDF files."""
    parts = [_PREAMBLE.strip(), rf"\title{{{latex_text(report.title)}}}"]
    parts.append(rf"\date{{{latex_text(report.date)}}}")
    parts.append("\\begin{document}\n\\maketitle")
    for section in report.sections:
        parts += _latex_section(section)
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def _latex_section(section: Section) -> list[str]:
    parts = [rf"\section{{{latex_text(section.title)}}}"]
    for block in section.blocks:
        if isinstance(block, Table) and block.folded:
            continue
        if isinstance(block, Table):
            parts.append(_float("table", block.title, _shrunk(to_latex(block))))
        elif isinstance(block, Figure):
            path = f"{FIGURES}/{block.key}.pdf"
            body = rf"\includegraphics[width=\linewidth]{{{path}}}" + "\n"
            parts.append(_float("figure", block.caption, body))
        elif isinstance(block, Strips):
            parts.append(_latex_strips(block))
        else:
            parts.append(_latex_paragraph(block))
    return parts


def _latex_paragraph(block: Text) -> str:
    text = latex_text(block.text)
    if block.kind == "command":
        return rf"\begin{{raggedright}}\texttt{{{text}}}\par\end{{raggedright}}"
    return rf"\textbf{{Note:}} {text}" if block.kind == "warning" else text


def _float(kind: str, caption: str, body: str) -> str:
    # H: exactly here, so that none runs from its section.
    return (
        f"\\begin{{{kind}}}[H]\n\\centering\n\\caption{{{latex_text(caption)}}}\n"
        f"{body}\\end{{{kind}}}"
    )


def _shrunk(tabular: str) -> str:
    """Wide tables are made as wide as the text; narrow ones stay."""
    return (
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"{tabular}}}\n"
    )


def _latex_strips(block: Strips) -> str:
    items = "\n".join(rf"\item {latex_text(summary(s))}" for s in block.strips)
    title = latex_text(block.title)
    return f"\\paragraph{{{title}}}\n\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
