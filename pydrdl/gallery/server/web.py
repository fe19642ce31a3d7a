"""What the API and the pages share: parameters, errors, and a photograph's way."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from pydrdl.arrays import Float32, Pixels
from pydrdl.errors import InputError
from pydrdl.gallery.photographs import seconds
from pydrdl.gallery.query import MOST, Box
from pydrdl.gallery.rows import Wanted
from pydrdl.gallery.server.line import Line
from pydrdl.gallery.server.service import Asked, Service
from pydrdl.gallery.server.uploads import UPLOAD, box_given

Result = TypeVar("Result")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
MOST_FIELDS = 200
MOST_ID = 10**18
FILTERS = (
    "count", "rerank", "camera", "model", "not_camera", "not_vehicle", "since", "until",
)  # fmt: skip


class MissingError(Exception):
    """What was asked for is not there."""


class KindError(Exception):
    """A body that is no form; its argument is the kind that it says to be."""


def of_a_form(request: Request) -> None:
    """Raises KindError for a body that is no form, where one is expected."""
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip()
    sent = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    if request.method == "POST" and (kind or sent) and kind.lower() not in FORMS:
        raise KindError(kind or "of no kind")


def of_a_known_address(request: Request) -> None:
    """Raises InputError for a field in the address that its route does not know."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    for name in request.query_params:
        if name not in known:
            advice = f"known in the address are {', '.join(sorted(known)) or 'none'}"
            if request.method == "POST":
                advice = "send it as a field of the form"
            raise InputError(f"unknown field {name[:80]!r}", "the address", advice)


@dataclass(frozen=True)
class House:
    """All that a request may need."""

    service: Service
    line: Line


@dataclass(frozen=True)
class Given:
    """A photograph that was sent, computed."""

    data: bytes
    pixels: Pixels
    box: Box | None
    vector: Float32


async def here(work: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
    """Runs work that takes long on a thread."""
    return await run_in_threadpool(work, *arguments, **options)


async def computed(
    request: Request, house: House, upload: object, box_text: str
) -> Given:
    """Decodes a photograph and takes it through the net, when its turn comes.

    Raises:
        InputError: no photograph, or one that is refused.
        FullError: too many wait.
        GoneError: who asked has gone.
    """
    if not isinstance(upload, UploadFile):
        if upload:  # a text in place of a file
            advice = "send it as a file: curl -F photo=@car.jpg"
            raise InputError("the field photo is no file", UPLOAD, advice)
        raise InputError("no photograph was sent", UPLOAD, "choose or paste one")
    data, box = await upload.read(), box_given(box_text)
    pixels, inputs = await here(house.service.decode, data, box)
    vector = await house.line.run(
        lambda: house.service.vector(inputs), request.is_disconnected
    )
    return Given(data, pixels, box, vector)


def asked_of(fields: Iterable[tuple[str, object]], *known: str) -> Asked:
    """How a search is to be made, from a form's or an address's fields.

    Empty fields are as if they were not there.

    Args:
        fields: names and values; a name may come several times.
        known: names that others look at.

    Raises:
        InputError: a field that is not known, or a value that is not of its kind.
    """
    given = several(fields, *FILTERS, *known)
    count = _number(given, "count", 1, MOST)
    try:
        wanted = Wanted(
            cameras=_numbers(given, "camera"),
            models=_numbers(given, "model"),
            not_cameras=_numbers(given, "not_camera"),
            not_vehicles=_numbers(given, "not_vehicle"),
            since=moment(given, "since"),
            until=moment(given, "until"),
        )
    except ValueError as error:
        raise InputError(str(error), "since, until", "exchange the two") from error
    return Asked(
        count=Asked.count if count is None else count,
        reranked=flag(given, "rerank"),
        wanted=wanted,
    )


def several(
    fields: Iterable[tuple[str, object]], *known: str
) -> dict[str, list[object]]:
    """Fields by name, empty ones left out; InputError where one is not known."""
    found: dict[str, list[object]] = {}
    for name, value in fields:
        if name not in known:
            advice = f"known are {', '.join(known)}"
            raise InputError(f"unknown field {name[:80]!r}", "the request", advice)
        if value != "":
            found.setdefault(name, []).append(value)
    return found


def single(given: Mapping[str, list[object]], name: str) -> object:
    """A field's text or file; "" where it is not given.

    Raises:
        InputError: it is given twice.
    """
    values = given.get(name, [])
    if len(values) > 1:
        raise InputError(f"{name} is given {len(values)} times", name, "give it once")
    return values[0] if values else ""


def one(given: Mapping[str, list[object]], name: str) -> str:
    """A field's text; "" where it is not given.

    Raises:
        InputError: it is given twice, or is no text.
    """
    value = single(given, name)
    if not isinstance(value, str):
        raise InputError(f"{name} is a file", name, "give text")
    return value


def said_of(service: Service, query: str, row: str, *, same: bool) -> None:
    """Keeps a verdict; MissingError where the query or the row is not there."""
    if not service.say(query, row, same=same):
        raise MissingError


def flag(given: Mapping[str, list[object]], name: str) -> bool:
    """A field that says yes or no; no where it is not given."""
    text = one(given, name)
    if text not in ("", "0", "1", "false", "true", "on"):
        raise InputError(f"{name} is {text[:80]!r}", name, "give true or false")
    return text in ("1", "true", "on")


def moment(given: Mapping[str, list[object]], name: str) -> float | None:
    """A field that is a time; None where it is not given."""
    text = one(given, name)
    if not text:
        return None
    try:
        return seconds(text)
    except (ValueError, OverflowError) as error:
        raise InputError(str(error), name, "correct it") from error


def number(given: Mapping[str, list[object]], name: str) -> int:
    """A field that is an id; -1 where it is not given."""
    found = _number(given, name, 0, MOST_ID)
    return -1 if found is None else found


def _number(
    given: Mapping[str, list[object]], name: str, least: int, most: int
) -> int | None:
    text = one(given, name)
    return int(_whole(text, name, least, most)) if text else None


def _numbers(given: Mapping[str, list[object]], name: str) -> tuple[int, ...]:
    values = given.get(name, [])
    if len(values) > MOST_FIELDS:
        raise InputError(f"{name} is given {len(values)} times", name, "give fewer")
    return tuple(_whole(value, name, 0, MOST_ID) for value in values)


def _whole(value: object, name: str, least: int, most: int) -> int:
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or not least <= int(text) <= most:
        raise InputError(
            f"{name} is {text[:80]!r}; expected a whole number from {least:,} to "
            f"{most:,}",
            name,
            "correct it",
        )
    return int(text)
