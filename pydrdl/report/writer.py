"""Writes a report's files; the folder appears, or is replaced, only when whole.

Work happens in `.<output>.part/`. A report that is replaced lies in
`.<output>.old/` until the new one stands; what a killed run left of the two is
put right by the next.
"""

import shutil
from pathlib import Path

from pydrdl.errors import InputError, writing
from pydrdl.files import exists, files_in, is_folder, sync
from pydrdl.report.content import Report
from pydrdl.report.documents import FIGURES, latex, markdown
from pydrdl.report.html import html
from pydrdl.report.tables import SCHEMA, to_csv, to_json
from pydrdl.strict_json import parse

HTML, JSON = "report.html", "report.json"
TABLES = "tables"


def write_report(report: Report, output: Path, *, overwrite: bool = False) -> list[str]:
    """Writes report.html, .md, .tex and .json, tables/*.csv and figures/.

    Args:
        report: what to write.
        output: the folder to make.
        overwrite: replace a report that stands there.

    Returns:
        The files' names in the folder.

    Raises:
        InputError: the folder exists, holds something else than a report, or
            cannot be written.
    """
    check_output(output, overwrite=overwrite)
    output = output.absolute()  # "." has no name of its own
    part = output.with_name(f".{output.name}.part")
    old = output.with_name(f".{output.name}.old")
    try:
        with writing("the report", output):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            names = _write_files(report, part)
            if output.exists():
                shutil.rmtree(old, ignore_errors=True)
                output.rename(old)
            part.rename(output)
    finally:
        if old.exists() and not output.exists():
            old.rename(output)
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return names


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuses an output that may not be written, before any work.

    Raises:
        InputError: it exists, or is no report, or has no folder to lie in.
    """
    if not is_folder(output.absolute().parent):
        raise InputError("no such folder", output.parent, "make it, or name another")
    if not exists(output):
        return
    if not overwrite:
        raise InputError(
            "the output exists", output, "name another folder, or pass --overwrite"
        )
    # What somebody keeps there must not be lost.
    if not _is_report(output) and (not is_folder(output) or files_in(output, "*")):
        raise InputError(
            "the output exists and is no report",
            output,
            "name another folder, or delete this one",
        )


def _is_report(folder: Path) -> bool:
    try:
        content = parse((folder / JSON).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def _write_files(report: Report, folder: Path) -> list[str]:
    files: dict[str, bytes] = {
        HTML: html(report).encode(),
        "report.md": markdown(report).encode(),
        "report.tex": latex(report).encode(),
        JSON: to_json(report).encode(),
    }
    for table in report.tables():
        files[f"{TABLES}/{table.key}.csv"] = to_csv(table).encode()
    for figure in report.figures():
        files[f"{FIGURES}/{figure.key}.svg"] = figure.svg.encode()
        files[f"{FIGURES}/{figure.key}.pdf"] = figure.pdf
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        sync(path)
    return list(files)
