"""How to make the report again: command, versions, hashes, seeds."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydrdl import __version__
from pydrdl.files import file_sha256
from pydrdl.report.content import Block, Column, Group, Row, Section, Table, Text
from pydrdl.report.results import Origin

MANY_ROWS = 20  # a table with more is folded
PACKAGES = ("numpy", "opencv-python-headless", "h5py", "matplotlib", "jinja2")


@dataclass(frozen=True)
class InputFile:
    """A file that the report was made from."""

    what: str
    path: Path


def provenance_section(
    origins: Sequence[Origin],
    files: Sequence[InputFile],
    *,
    command: str,
    versions: Mapping[str, str],
) -> Section:
    """Command, versions, and hashes of all that went in."""
    blocks: list[Block] = []
    if command:
        blocks.append(Text(command, "command"))
    rows: list[Row] = [{"name": n, "version": v} for n, v in versions.items()]
    made = sorted({origin.pydrdl for origin in origins})
    if made:
        rows.append({"name": "pydrdl, of the results", "version": ", ".join(made)})
    names = (Column("name", "name"), Column("version", "version"))
    blocks.append(Table("versions", "Versions", names, [Group("", rows)]))
    if origins:
        blocks.append(_hashes(origins))
    blocks.append(_files(files))
    return Section("provenance", "How it was made", blocks)


def versions(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of what made the report; a package that is not installed is left out."""
    found = {"pydrdl": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | dict(extra or {})


def _hashes(origins: Sequence[Origin]) -> Table:
    rows: list[Row] = [
        {
            "method": origin.method,
            "data": origin.data,
            "features": origin.of("sha256") or None,
            "split": origin.split.get("sha256"),
            "seed": origin.split.get("seed"),
            "weights": origin.of("weights_sha256") or None,
            "net": origin.of("net_sha256") or None,
        }
        for origin in origins
    ]
    columns = (
        Column("method", "method"),
        Column("data", "data"),
        Column("features", "features", "hash"),
        Column("split", "split", "hash"),
        Column("seed", "seed of the split"),
        Column("weights", "weights", "hash"),
        Column("net", "deploy net", "hash"),
    )
    title = "SHA-256 of features, splits, weights and nets (first digits)"
    return Table(
        "hashes", title, columns, [Group("", rows)], folded=len(rows) > MANY_ROWS
    )


def _files(files: Sequence[InputFile]) -> Table:
    rows: list[Row] = [
        {"what": f.what, "path": str(f.path), "sha256": file_sha256(f.path)}
        for f in files
    ]
    columns = (
        Column("what", "input"),
        Column("path", "file"),
        Column("sha256", "SHA-256", "hash"),
    )
    return Table("files", "Files", columns, [Group("", rows)])
