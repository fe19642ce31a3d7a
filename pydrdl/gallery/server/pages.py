"""The pages: search, what was found, what the gallery holds, the API's description."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pydrdl import __version__
from pydrdl.arrays import Float32
from pydrdl.errors import InputError
from pydrdl.gallery import forms
from pydrdl.gallery.photographs import shown_time
from pydrdl.gallery.server.kept import is_kept
from pydrdl.gallery.server.web import (
    FILTERS,
    House,
    MissingError,
    asked_of,
    computed,
    here,
    of_a_form,
    one,
    said_of,
    several,
    single,
)

HERE = Path(__file__).parent
WIDTH, LEFT = 900, 90  # of the timeline's drawing
LANE = 34  # its height for each camera
LIKELY = 0.5


class Point(NamedTuple):
    """A sighting on the timeline."""

    x: float
    y: float
    rank: int
    label: str


class Lane(NamedTuple):
    """A camera's line on the timeline."""

    y: int
    camera: str


class Timeline(NamedTuple):
    """Where and when the vehicle that was found was seen."""

    lanes: list[Lane]
    points: list[Point]
    height: int
    first: str
    last: str
    of: str  # which rows are on it


def environment() -> Environment:
    """The templates, which escape whatever they are given."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Pages:
    """Renders the templates, with what all of them show."""

    def __init__(self, house: House) -> None:
        self._templates, self._house = environment(), house

    def render(self, name: str, status: int = 200, **content: Any) -> HTMLResponse:
        """A page of a template."""
        service = self._house.service
        text = self._templates.get_template(name).render(
            version=__version__,
            origin=service.gallery.origin,
            read_only=service.read_only,
            **content,
        )
        return HTMLResponse(text, status)

    async def start(self, error: InputError | None = None) -> HTMLResponse:
        """The page to search from; with an error where a search was refused."""
        summary = await here(self._house.service.summary)
        status = 200 if error is None else 422
        return self.render("search.html", status, summary=summary, error=error)

    def refused(self, status: int, what: str, advice: str) -> HTMLResponse:
        """A page that says why there is nothing else."""
        return self.render("refused.html", status, what=what, advice=advice)

    async def found(
        self, request: Request, query: str, vector: Float32, without: str, shown: str
    ) -> HTMLResponse:
        """What was found.

        Args:
            request: whose address has the filters.
            query: id of the kept query or the row.
            vector: its features.
            without: id of a row that is not to be found.
            shown: address of the query's picture.
        """
        service, said = self._house.service, self._house.service.gallery.description
        fields = request.query_params.multi_items()
        summary = await here(service.summary)
        given = several(fields, *FILTERS, "token")
        try:
            asked, wrong = asked_of(fields, "token"), None
        except InputError as error:
            asked, wrong = asked_of(()), error
        answer = await here(service.search, vector, asked, without)
        form = forms.answer_form(answer, said)
        verdicts = await here(service.feedback.verdicts)
        return self.render(
            "found.html",
            200 if wrong is None else 422,
            answer=form,
            timeline=timeline_of(form.matches),
            verdicts={row: same for (q, row), same in verdicts.items() if q == query},
            query=query,
            shown=shown,
            asked=asked,
            given={name: [str(v) for v in values] for name, values in given.items()},
            summary=summary,
            names={k: forms.model_name(k, said) for k in summary.models},
            wrong=wrong,
            link=lambda **changes: _link(fields, changes),
        )


def pages(house: House, shown: Pages) -> APIRouter:
    """The pages of a service."""
    router = APIRouter(
        include_in_schema=False,
        default_response_class=HTMLResponse,
        dependencies=[Depends(of_a_form)],
    )
    service = house.service

    @router.get("/")
    async def start() -> Response:
        return await shown.start()

    @router.post("/")
    async def search(request: Request) -> Response:
        form = await request.form()
        try:
            given = several(form.multi_items(), "photo", "box")
            made = await computed(
                request, house, single(given, "photo"), one(given, "box")
            )
        except InputError as error:
            return await shown.start(error)
        kept = await here(service.keep, made.data, made.pixels, made.box, made.vector)
        return RedirectResponse(f"/found/{kept.id}", 303)

    @router.get("/found/{name}")
    async def found(request: Request, name: str) -> Response:
        kept = await here(service.queries.get, name)
        if kept is None:
            return shown.refused(
                404, "this search is not kept any more", "search with the photograph"
            )
        return await shown.found(
            request, name, kept.vector, "", f"/queries/{name}/photo"
        )

    @router.get("/like/{name}")
    async def like(request: Request, name: str) -> Response:
        row = await here(service.row, name)
        if row is None:
            return shown.refused(404, "no such image", "it may have been deleted")
        return await shown.found(
            request, name, row[1], name, f"/images/{name}?side=480"
        )

    @router.get("/queries/{name}/photo")
    async def photograph(name: str) -> Response:
        data = await here(service.queries.photograph, name)
        if data is None:
            raise MissingError
        return Response(data, media_type="image/jpeg")

    @router.post("/verdict")
    async def verdict(request: Request) -> Response:
        """Feedback of the page's buttons where no script runs."""
        form = several(
            (await request.form()).multi_items(), "query", "row", "same", "back"
        )
        query, row, same = one(form, "query"), one(form, "row"), one(form, "same")
        if same not in ("true", "false"):
            raise MissingError
        await here(said_of, service, query, row, same=same == "true")
        kind = "found" if is_kept(query) else "like"
        back = one(form, "back")
        behind = f"?{back}" if back else ""
        return RedirectResponse(f"/{kind}/{query}{behind}#row-{row}", 303)

    @router.get("/about")
    async def about() -> Response:
        summary = await here(service.summary)
        said = service.gallery.description
        times = [shown_time(time) for time in summary.times or ()]
        names = {k: forms.model_name(k, said) for k in summary.models}
        return shown.render(
            "about.html", summary=summary, said=said, times=times, names=names
        )

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        schema = request.app.openapi()
        operations = [
            (method.upper(), path, content)
            for path, methods in schema["paths"].items()
            for method, content in methods.items()
        ]
        parts = schema["components"]["schemas"]
        return shown.render("api.html", operations=operations, fields=_fields(parts))

    return router


def timeline_of(matches: Sequence[forms.MatchForm]) -> Timeline | None:
    """When and by which cameras the vehicle was seen that was probably found.

    That is in matches that are more probable than not; where nothing is calibrated,
    in those of the first one's vehicle id. None where no camera and time is known.
    """
    if not matches:
        return None
    if matches[0].probability is not None:
        of = "matches that are more probable than not"
        chosen = [m for m in matches if m.probability and m.probability > LIKELY]
    else:
        vehicle = matches[0].vehicle_id
        of = f"vehicle {vehicle}"
        chosen = [m for m in matches if vehicle is not None and m.vehicle_id == vehicle]
    seen = [m for m in chosen if m.time is not None and m.camera_id is not None]
    if not seen:
        return None
    seen.sort(key=lambda m: (m.camera_id, m.time))
    times = [m.time for m in seen if m.time is not None]
    first, last = min(times), max(times)
    lanes, points = [], []
    for number, (camera, group) in enumerate(groupby(seen, key=lambda m: m.camera_id)):
        y = LANE // 2 + number * LANE
        lanes.append(Lane(y, f"camera {camera}"))
        for match in group:
            share = 0.5
            if match.time is not None and last > first:
                share = (match.time - first) / (last - first)
            x = LEFT + 20 + share * (WIDTH - LEFT - 40)
            points.append(Point(round(x, 1), y, match.rank, f"{match.taken}"))
    height = len(lanes) * LANE
    return Timeline(lanes, points, height, shown_time(first), shown_time(last), of)


def _link(fields: Iterable[tuple[str, str]], changes: dict[str, str]) -> str:
    """The address's filters with some changed."""
    kept = [(k, v) for k, v in fields if k not in {*changes, "token"} and v]
    return "?" + urlencode([*kept, *((k, v) for k, v in changes.items() if v)])


def _fields(parts: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Name and kind of the fields of each of OpenAPI's components."""
    return {
        name: [(field, _kind(kind)) for field, kind in part["properties"].items()]
        for name, part in parts.items()
        if "properties" in part
    }


def _kind(kind: dict[str, Any]) -> str:
    """What a field of OpenAPI holds, in a word or two."""
    if "anyOf" in kind:
        return " or ".join(_kind(choice) for choice in kind["anyOf"])
    if "$ref" in kind:
        return str(kind["$ref"]).rpartition("/")[2]
    if kind.get("type") == "array" and "items" in kind:
        return f"list of {_kind(kind['items'])}"
    return str(kind.get("type", "any"))
