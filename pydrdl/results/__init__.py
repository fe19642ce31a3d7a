"""Results: a type for each protocol, made by evaluation, in files, beside the paper.

A file of tools/eval_*.py --json holds results of one protocol. A file of another
version, or a number that can be no result, is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic

from pydrdl import __version__, paper
from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.results.result import (
    LEVELS,
    CrossCamera,
    R,
    Reidentification,
    Result,
    Retrieval,
    Verification,
)
from pydrdl.strict_json import Form, declared, parse

WHAT = "the results"
AGAIN = "evaluate again with --json, or name another file"


class ResultFile(Form, Generic[R]):
    """A file of results."""

    pydrdl: str
    results: list[R]


SCHEMAS: dict[str, tuple[type[Result], type[ResultFile[Any]]]] = {
    Reidentification.SCHEMA: (Reidentification, ResultFile[Reidentification]),
    Retrieval.SCHEMA: (Retrieval, ResultFile[Retrieval]),
    Verification.SCHEMA: (Verification, ResultFile[Verification]),
    CrossCamera.SCHEMA: (CrossCamera, ResultFile[CrossCamera]),
}


def to_json(results: Sequence[Result]) -> dict[str, Any]:
    """The content of a file: all of results of one protocol."""
    kind = type(results[0])
    content: dict[str, Any] = {
        "schema": kind.SCHEMA,
        "pydrdl": __version__,
        "protocol": kind.PROTOCOL,
        "results": [result.row_json() for result in results],
    }
    if kind is Verification:
        table = {
            method: accuracies and dict(zip(LEVELS, accuracies, strict=True))
            for method, accuracies in paper.TABLE_3.items()
        }
        content["paper"] = {"table_3": table}
    return content


def from_json(kind: type[R], content: object, file: Path | None = None) -> list[R]:
    """The results, of one kind or of any (Result), that a version up to this one wrote.

    Raises:
        ValueError: it is none of the known kinds or not of this one, lacks
            something, or has what can be no result.
    """
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or schema not in SCHEMAS:
        raise ValueError(f"schema {schema!r}; expected one of {', '.join(SCHEMAS)}")
    found, form = SCHEMAS[schema]
    if not issubclass(found, kind):
        raise ValueError(f"not of schema {kind.SCHEMA!r}")
    held = declared(form, content)
    about = {"pydrdl": held.pydrdl, "file": file}
    return [result.model_copy(update=about) for result in held.results]


def read_results(kind: type[R], path: Path) -> list[R]:
    """Reads a result file of one kind, or of any where that is Result.

    Raises:
        InputError: it cannot be read, or what from_json refuses.
    """
    data = read_bytes(path, WHAT, AGAIN)
    try:
        return from_json(kind, parse(data), path)
    except ValueError as error:
        raise InputError(f"cannot read {WHAT}: {error}", path, AGAIN) from error
