"""JSON from outside: parsed strictly, then compared with a form that is declared.

Python's own parser lets NaN and a name that is given twice pass, makes infinity of
1e400, and fails in its own ways on deep nesting and on numbers of many digits.
"""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Never, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pydrdl.errors import InputError, shortened
from pydrdl.files import read_bytes

MOST_DIGITS = 40  # of a whole number; 2^128 has 39
ROUNDING = 1e-9  # by which a mean may leave its range


def _rate(value: float) -> float:
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise ValueError("expected a rate from 0 to 1")
    return value


def _ascending(ids: list[int]) -> list[int]:
    if any(a >= b for a, b in pairwise(ids)):
        raise ValueError("expected ids that ascend")
    return ids


# What numbers may be.
Rate = Annotated[float, AfterValidator(_rate)]
Spread = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Ascending = Annotated[list[Count], AfterValidator(_ascending)]


class Form(BaseModel):
    """Fields with their types; a subclass adds what must hold between them.

    A number is no text and no truth value, and finite; other fields are ignored.
    """

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


Declared = TypeVar("Declared", bound=Form)


def parse(data: bytes | str) -> Any:
    """Parses JSON; ValueError, in plain words, where it is none."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ValueError(f"not UTF-8: byte {byte:#04x} at {error.start:,}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def declared(
    kind: type[Declared], content: object, schema: str | None = None
) -> Declared:
    """What parse() gave as a form; its field "schema" must say the schema given.

    Raises:
        ValueError: it is not of the form; names the first place that is not.
    """
    if schema is not None:
        stated = content.get("schema") if isinstance(content, dict) else None
        if stated != schema:
            shown = shortened(repr(stated), 80)
            raise ValueError(f"schema {shown}; expected {schema!r}")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ValueError(_told(error)) from error


def read_declared(
    kind: type[Declared], path: Path, what: str, again: str, schema: str | None = None
) -> Declared:
    """Reads a JSON file of a form, whose schema, if it has one, is the one given.

    what, such as "the labels", and again, what to do otherwise, are for messages.

    Raises:
        InputError: it cannot be read, is no JSON or not of the form, see declared().
    """
    data = read_bytes(path, what, again)
    try:
        return declared(kind, parse(data), schema)
    except ValueError as error:
        raise InputError(f"cannot read {what}: {error}", path, again) from error


def _told(error: ValidationError) -> str:
    """The first fault in one line, and how many there are."""
    first, *others = error.errors(include_url=False, include_context=False)
    parts = (f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"])
    place = "".join(parts).removeprefix(".")
    wrong = first["msg"].removeprefix("Value error, ")
    wrong = wrong.replace("Input should be", "expected", 1)
    if first["type"] == "missing":
        text = f"{place} is missing"
    elif first["type"] == "model_type":
        text = f"{place}; expected an object" if place else "expected an object"
    elif isinstance(first["input"], dict | list | Form):
        text = f"{place}: {wrong}" if place else wrong
    else:
        text = f"{place} is {shortened(repr(first['input']), 80)}; {wrong}"
    return text + (f" (and {len(others):,} more faults)" if others else "")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shortened(repr(twice), 80)} is given twice")
    return found


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text, 80)} is too large a number")
    return value


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)
