"""The API: JSON for programs, described at /openapi.json."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi import Path as InPath
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from pydrdl.errors import InputError
from pydrdl.gallery import forms
from pydrdl.gallery.query import MOST
from pydrdl.gallery.server.service import LARGEST, SHOWN
from pydrdl.gallery.server.web import (
    FILTERS,
    MOST_FIELDS,
    MOST_ID,
    House,
    MissingError,
    asked_of,
    computed,
    here,
    moment,
    number,
    of_a_form,
    of_a_known_address,
    one,
    said_of,
    several,
    single,
)
from pydrdl.strict_json import Count
from pydrdl.strict_json import Form as Declared

ROW, EITHER = "^[0-9a-f]{16}$", "^([0-9a-f]{16}|[0-9a-f]{32})$"  # ids; or a query's
RowId = Annotated[str, InPath(pattern=ROW, description="A row's id.")]
CACHED = {"cache-control": "private, max-age=3600"}
# A form has no null: what is not known is left out.
Nothing = SkipJsonSchema[None]
Id = Annotated[int, Field(ge=0, le=MOST_ID)]
Number = Annotated[Id | Nothing, Form()]
Numbers = Annotated[
    Annotated[list[Id], Field(max_length=MOST_FIELDS)] | Nothing, Form()
]
QUERY = ("photo", "image", "box")
VERDICT = ("query", "row", "same")
BOX = "left,top,right,bottom of the vehicle, in pixels"


class Refusal(Declared):
    """Why a request was refused, and what to do."""

    error: str
    next: str = ""


class Health(Declared):
    """Whether the server can answer."""

    # ok; degraded: it answers, but what is shown lacks something; failing: it cannot.
    status: Literal["ok", "degraded", "failing"]
    rows: Count
    waiting: Count  # photographs before the net
    writable: bool  # whether images and feedback are taken
    problem: str  # why it is not ok


class Stats(Declared):
    """What the gallery holds, and which net made it."""

    rows: Count
    vehicles: Count
    cameras: dict[str, int]
    models: dict[str, int]
    first: float | None
    last: float | None
    indexed: Count
    net_sha256: str
    weights_sha256: str
    weights: str
    layer: str
    width: Count
    calibration_error: float | None


class Search(forms.AnswerForm):
    """An answer, and the page that shows it."""

    page: str


class AddedRow(forms.RowForm):
    """A row that was added, or was there."""

    new: bool


class Deleted(Declared):
    """What was deleted."""

    id: str


class Said(Declared):
    """A verdict that was kept."""

    query: str
    row: str
    same: bool


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    common = (400, 401, 408, 413, 415, 421, 422)
    return {code: {"model": Refusal} for code in sorted({*common, *codes})}


def api(house: House) -> APIRouter:
    """The API of a service."""
    known = [Depends(of_a_form), Depends(of_a_known_address)]
    router = APIRouter(tags=["API"], dependencies=known)
    service, said = house.service, house.service.gallery.description

    @router.post("/search", responses=_refusals(404, 422, 429))
    async def search(
        request: Request,
        photo: Annotated[
            UploadFile | Nothing, File(description="A photograph.")
        ] = None,
        image: Annotated[str, Form(description="Or a row's id.")] = "",
        box: Annotated[str, Form(description=BOX)] = "",
        count: Annotated[int, Form(ge=1, le=MOST)] = 24,
        rerank: Annotated[bool, Form()] = False,
        camera: Numbers = None,
        model: Numbers = None,
        not_camera: Numbers = None,
        not_vehicle: Numbers = None,
        since: Annotated[str, Form(description="ISO 8601, or seconds")] = "",
        until: Annotated[str, Form(description="ISO 8601, or seconds")] = "",
    ) -> Search:
        """Find the rows that are like a photograph, or like a row."""
        # These say what there is; what came is looked at as the page's forms are.
        del photo, image, box, count, rerank
        del camera, model, not_camera, not_vehicle, since, until
        fields = (await request.form()).multi_items()
        asked = asked_of(fields, *QUERY)
        given = several(fields, *FILTERS, *QUERY)
        upload, image = single(given, "photo"), one(given, "image")
        box = one(given, "box")
        if image and (upload or box):
            what = "a photograph" if upload else "a box, which is of a photograph,"
            advice = "give a photograph, or the id of an image that is there"
            raise InputError(f"{what} and an image are given", "the request", advice)
        if image:
            found = await here(service.row, image)
            if found is None:
                raise MissingError
            vector, without, page = found[1], image, f"/like/{image}"
        else:
            made = await computed(request, house, upload, box)
            kept = await here(
                service.keep, made.data, made.pixels, made.box, made.vector
            )
            vector, without, page = made.vector, "", f"/found/{kept.id}"
        answer = await here(service.search, vector, asked, without)
        content = forms.answer_form(answer, said).model_dump()
        return Search(**content, page=page)

    @router.get(
        "/images/{name}",
        responses={**_refusals(404, 410, 422), 200: {"content": {"image/jpeg": {}}}},
        response_class=Response,
    )
    async def image_of(
        name: RowId,
        side: Annotated[int, Query(ge=16, le=LARGEST)] = SHOWN,
        whole: Annotated[bool, Query(description="Not only the box.")] = False,
    ) -> Response:
        """A row's photograph as JPEG, made anew without metadata."""
        found = await here(service.row, name)
        if found is None:
            raise MissingError
        data = await here(service.thumbnail, found[0], side, whole=whole)
        return Response(data, media_type="image/jpeg", headers=CACHED)

    @router.get(
        "/explanation",
        responses={
            **_refusals(404, 410, 422, 429),
            200: {"content": {"image/png": {}}},
        },
        response_class=Response,
    )
    async def explanation(
        request: Request,
        query: Annotated[str, Query(pattern=EITHER, description="As of feedback.")],
        row: Annotated[str, Query(pattern=ROW)],
    ) -> Response:
        """Which parts make a row near to a query or far from it, as PNG."""
        first, second = [await here(service.shown, name) for name in (query, row)]
        if first is None or second is None:
            raise MissingError
        maps = await house.line.run(
            lambda: service.explain(first, second), request.is_disconnected
        )
        data = await here(service.draw, first, second, maps)
        return Response(data, media_type="image/png", headers=CACHED)

    @router.post(
        "/images",
        status_code=201,
        responses={
            200: {"model": AddedRow, "description": "It was there, and stays as it is"},
            **_refusals(403, 422, 429),
        },
    )
    async def add(
        request: Request,
        response: Response,
        photo: Annotated[UploadFile, File(description="A photograph.")],
        box: Annotated[str, Form(description=BOX)] = "",
        vehicle_id: Number = None,
        model_id: Number = None,
        camera_id: Number = None,
        time: Annotated[str, Form(description="ISO 8601, or seconds")] = "",
    ) -> AddedRow:
        """Add a photograph to the gallery."""
        del photo, box, vehicle_id, model_id, camera_id, time
        form = await request.form()
        names = ("vehicle_id", "model_id", "camera_id")
        given = several(form.multi_items(), "photo", "box", "time", *names)
        taken = moment(given, "time")
        vehicle, model, camera = (number(given, name) for name in names)
        made = await computed(request, house, single(given, "photo"), one(given, "box"))
        row, new = await here(
            service.add,
            made.data,
            made.box,
            made.vector,
            (vehicle, model, camera),
            taken,
        )
        if not new:
            response.status_code = 200
        return AddedRow(**forms.row_form(row, said).model_dump(), new=new)

    @router.delete("/images/{name}", responses=_refusals(403, 404, 422))
    async def delete(name: RowId) -> Deleted:
        """Delete a row; the photograph too, where POST /images brought it."""
        if not await here(service.delete, name):
            raise MissingError
        return Deleted(id=name)

    @router.post("/feedback", status_code=201, responses=_refusals(403, 404, 422))
    async def feedback(
        request: Request,
        query: Annotated[str, Form(pattern=EITHER)],
        row: Annotated[str, Form(pattern=ROW)],
        same: Annotated[bool, Form()],
    ) -> Said:
        """Say whether a row shows the vehicle that was asked for."""
        given = several((await request.form()).multi_items(), *VERDICT)
        for name in VERDICT:
            one(given, name)
        await here(said_of, service, query, row, same=same)
        return Said(query=query, row=row, same=same)

    @router.get(
        "/feedback.csv",
        responses={**_refusals(), 200: {"content": {"text/csv": {}}}},
        response_class=Response,
    )
    async def pairs() -> Response:
        """All that was said, as pairs: first, second, same."""
        return Response(await here(service.pairs), media_type="text/csv")

    @router.get("/health", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """Whether the server can answer, by what is on disk; needs no token."""
        found = await here(service.watch.condition)
        if found.failing:
            response.status_code = 503
        return Health(
            status=(
                "failing" if found.failing else "degraded" if found.lacking else "ok"
            ),
            rows=found.rows,
            waiting=house.line.waiting,
            writable=not service.read_only,
            problem=found.failing or found.lacking,
        )

    @router.get("/stats", responses=_refusals())
    async def stats() -> Stats:
        """What the gallery holds, and which net made it."""
        found = await here(service.summary)
        origin, times = said.origin, found.times or (None, None)
        return Stats(
            rows=found.rows,
            vehicles=found.vehicles,
            cameras={str(k): v for k, v in found.cameras.items()},
            models={str(k): v for k, v in found.models.items()},
            first=times[0],
            last=times[1],
            indexed=found.indexed,
            net_sha256=origin.net_sha256,
            weights_sha256=origin.weights_sha256,
            weights=origin.weights.rpartition("/")[2],
            layer=origin.layer,
            width=said.width,
            calibration_error=said.calibration.error if said.calibration else None,
        )

    return router
