"""An answer as JSON: what `drdl search --json` writes and the API sends."""

from typing import Annotated

from pydantic import WithJsonSchema

from pydrdl.gallery.folder import Description
from pydrdl.gallery.photographs import shown_time
from pydrdl.gallery.query import Answer, Box, Match
from pydrdl.gallery.rows import GalleryRow
from pydrdl.strict_json import Count, Form, Rate, Spread

ANSWER_SCHEMA = "drdl.answer/1"
FOUR = {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4}


class RowForm(Form):
    """A row; what is not known is null."""

    id: str
    path: str
    vehicle_id: int | None
    model_id: int | None
    model: str | None  # its name, or its number where it has none
    camera_id: int | None
    time: float | None  # seconds since 1970 (UTC)
    taken: str | None  # the same to be read
    # left, top, right, bottom; told as a list, which more programs read than a tuple.
    box: Annotated[Box, WithJsonSchema(FOUR)] | None


class MatchForm(RowForm):
    """A row that was found."""

    rank: Count  # from 1
    distance: Spread  # squared Euclidean
    probability: Rate | None  # that it shows the vehicle; null: not calibrated
    score: float


class ModelForm(Form):
    """The vehicle model of most of the first rows found."""

    model_id: int
    model: str
    rows: Count
    of: Count


class AnswerForm(Form):
    """What was found, best first."""

    matches: list[MatchForm]
    searched: Count  # rows that were wanted
    rows: Count  # in the gallery
    model: ModelForm | None
    reranked: bool
    likely: bool | None  # whether a match is more probable than not; null: unknown
    hint: str  # what filters ask for that no row has; "" where there is nothing to say


def row_form(row: GalleryRow, said: Description) -> RowForm:
    """A row as JSON."""
    image = row.image
    return RowForm(
        id=row.id,
        path=image.path,
        vehicle_id=_known(image.vehicle_id),
        model_id=_known(image.model_id),
        model=None if image.model_id < 0 else model_name(image.model_id, said),
        camera_id=_known(image.camera_id),
        time=row.time,
        taken=None if row.time is None else shown_time(row.time),
        box=image.box,
    )


def answer_form(answer: Answer, said: Description) -> AnswerForm:
    """An answer as JSON."""
    matches = [_match(k, m, said) for k, m in enumerate(answer.matches, 1)]
    model = None
    if answer.model is not None:
        number, many, of = answer.model
        name = model_name(number, said)
        model = ModelForm(model_id=number, model=name, rows=many, of=of)
    odds = [m.probability for m in answer.matches if m.probability is not None]
    return AnswerForm(
        matches=matches,
        searched=answer.searched,
        rows=answer.rows,
        model=model,
        reranked=answer.reranked,
        likely=max(odds) > 0.5 if odds else None,
        hint=answer.hint,
    )


def model_name(model_id: int, said: Description) -> str:
    """A vehicle model's name, or its number."""
    return said.model_names.get(str(model_id), str(model_id))


def _match(rank: int, match: Match, said: Description) -> MatchForm:
    row = row_form(match.row, said).model_dump()
    return MatchForm(
        **row,
        rank=rank,
        distance=match.distance,
        probability=match.probability,
        score=match.score,
    )


def _known(number: int) -> int | None:
    return None if number < 0 else number
