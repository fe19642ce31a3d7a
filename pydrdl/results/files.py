"""Result files as tools/eval_*.py --json wrote them, compared with their form.

What a report and the paper's tables take is declared here; the rest is for other
readers. A file of another version, or a number that can be no result, is refused.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.results import cmc, cross_camera, retrieval, verification
from pydrdl.strict_json import (
    ROUNDING,
    Count,
    Form,
    Positive,
    Rate,
    Spread,
    declared,
    parse,
)

WHAT = "the results"
AGAIN = "evaluate again with --json, or name another file"
Curve = Annotated[list[Rate], Field(min_length=1)]


class Drawn(Form):
    """Which split, where one was drawn or read."""

    name: str
    seed: Count | None
    sha256: str


class ComparedBy(Form):
    """Which verifier compared features, where one did."""

    kind: str


class Row(Form):
    """What all rows tell: whose they are."""

    name: str
    features: dict[str, str]
    split: Drawn | None = None
    verifier: ComparedBy | None = None


class Curves(Form):
    """A match rate for each rank, over repeats."""

    mean: Curve
    std: list[Spread] | None
    per_repeat: Annotated[list[Curve], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lengths = {len(self.mean), *map(len, self.per_repeat)}
        lengths |= set() if self.std is None else {len(self.std)}
        if len(lengths) > 1:
            raise ValueError(f"curves of {sorted(lengths)} ranks")
        for curve in (self.mean, *self.per_repeat):
            for rank, (rate, following) in enumerate(pairwise(curve), 1):
                if following < rate - ROUNDING:
                    raise ValueError(f"fewer matches at rank {rank + 1} than before")
        return self


class OverRepeats(Form):
    """A rate for each repeat."""

    mean: Rate
    std: Spread | None
    per_repeat: Curve


class Ties(Form):
    """What ties do to a row."""

    probes: Rate


class CmcRow(Row):
    """Re-identification (Sec. 5.3)."""

    gallery: Positive
    probes: Positive
    vehicles_without_probe: Count
    cmc: Curves
    ties: Ties


class MapRow(Row):
    """Retrieval (Sec. 5.2); files of before `relevance` was written lack it."""

    vehicles: Positive
    gallery: Positive
    probes: Positive
    vehicles_without_probe: Count
    repeats: Positive
    map: OverRepeats
    map_trapezoid: OverRepeats
    relevance: Literal["", "vehicle", "model"] = ""


class Folds(Form):
    """Accuracy over folds."""

    mean: Rate
    std: Spread


class Optimal(Form):
    """Accuracy by the threshold of the judged pairs."""

    accuracy: Rate


class PairsRow(Form):
    """One list of pairs."""

    name: str
    rule: str
    sha256: str
    same: Positive
    different: Positive
    accuracy: Rate | None
    folds: Folds
    test_optimal: Optimal
    auc: Rate
    eer: Rate


class VerificationRow(Row):
    """Verification (Sec. 5.1)."""

    pairs: Annotated[list[PairsRow], Field(min_length=1)]


class CrossCameraRow(Row):
    """VeRi-776's and VERI-Wild's protocols; rank 5 is always there."""

    image_to: Literal["image", "track"]
    sides_sha256: str = ""
    queries: Positive
    gallery: Positive
    map: Rate
    map_trapezoid: Rate
    cmc: Annotated[list[Rate], Field(min_length=5)]


class ResultFile(Form):
    """What all files tell."""

    pydrdl: str
    results: Sequence[Row]


class CmcFile(ResultFile):
    """Of eval_cmc.py."""

    results: list[CmcRow]


class MapFile(ResultFile):
    """Of eval_map.py."""

    results: list[MapRow]


class VerificationFile(ResultFile):
    """Of eval_verification.py."""

    results: list[VerificationRow]


class CrossCameraFile(ResultFile):
    """Of eval_map.py --protocol cross-camera."""

    results: list[CrossCameraRow]


_FORMS: Mapping[str, type[ResultFile]] = {
    cmc.SCHEMA: CmcFile,
    retrieval.SCHEMA: MapFile,
    verification.SCHEMA: VerificationFile,
    cross_camera.SCHEMA: CrossCameraFile,
}
Kind = TypeVar("Kind", bound=ResultFile)


def read_result_file(path: Path) -> ResultFile:
    """Reads a result file of any kind.

    Raises:
        InputError: it cannot be read, is none of the known kinds, lacks something,
            or has what can be no result.
    """
    data = read_bytes(path, WHAT, AGAIN)
    try:
        content = parse(data)
        schema = content.get("schema") if isinstance(content, dict) else None
        form = _FORMS.get(schema) if isinstance(schema, str) else None
        if form is None:
            raise ValueError(f"schema {schema!r}; expected one of {', '.join(_FORMS)}")
        return declared(form, content)
    except ValueError as error:
        raise InputError(f"cannot read {WHAT}: {error}", path, AGAIN) from error


def read_results_of(kind: type[Kind], path: Path) -> Kind:
    """Reads a result file of one kind.

    Raises:
        InputError: as read_result_file; it is of another kind.
    """
    found = read_result_file(path)
    if not isinstance(found, kind):
        wanted = next(schema for schema, form in _FORMS.items() if form is kind)
        raise InputError(f"cannot read {WHAT}: not of schema {wanted!r}", path, AGAIN)
    return found
