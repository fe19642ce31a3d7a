"""The server's application: the API, the pages and the guard around both."""

from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Match

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.gallery.server.api import Refusal, api
from pydrdl.gallery.server.guard import Guard
from pydrdl.gallery.server.line import FullError, GoneError, Line
from pydrdl.gallery.server.pages import Pages, pages
from pydrdl.gallery.server.service import LostError, ReadOnlyError, Service
from pydrdl.gallery.server.web import House, KindError, MissingError

CLOSED = 499  # as others write it: who asked has gone
LATER = {"retry-after": "2"}
# Of what happens elsewhere than in the request: a server's fault, not the asker's.
OURS = ("cannot read the gallery", "cannot write", "cannot open the gallery")


def build_app(
    service: Service, line: Line, token: str, hosts: frozenset[str] | None
) -> Guard:
    """The application of ASGI that a server runs; see Guard."""
    house = House(service, line)

    @asynccontextmanager
    async def life(_: FastAPI) -> Any:
        yield
        line.close()

    app = FastAPI(
        title="DRDL vehicle search",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=life,
    )
    described = app.openapi
    app.openapi = lambda: _strict(described())  # type: ignore[method-assign]
    shown = Pages(house)
    routers = api(house), pages(house, shown)
    for router in routers:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    for kind, status, what, advice in _refusals():
        app.add_exception_handler(kind, _told(shown, status, what, advice))

    @app.exception_handler(InputError)
    async def refused(request: Request, error: InputError) -> Response:
        if error.what.startswith(OURS):
            return _answer(shown, request, 503, error.what, error.next_step)
        return _answer(shown, request, 422, error.what, error.next_step)

    @app.exception_handler(KindError)
    async def no_form(request: Request, error: KindError) -> Response:
        what = f"the body is {str(error)[:80]}; expected a form (multipart/form-data)"
        return _answer(shown, request, 415, what, "as curl -F sends it; see /docs")

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        # Without what pydantic calls the parts of a union, such as list[...].
        parts = [str(part) for part in first["loc"][1:]]
        place = ".".join(part for part in parts if "[" not in part)
        if "UploadFile" in first["msg"]:  # of starlette, a text in place of a file
            what = f"the field {place} is no file"
            return _answer(shown, request, 422, what, f"send it by -F {place}=@car.jpg")
        return _answer(shown, request, 422, f"{place}: {first['msg']}", "see /docs")

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        del error  # the log of the server has it
        what = "a fault of this program, not yours"
        return _answer(shown, request, 500, what, "report it, with the server's log")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        advice = "see /docs"
        answer = _answer(shown, request, error.status_code, str(error.detail), advice)
        answer.headers.update(error.headers or {})
        if error.status_code == 405:  # which says the methods of one route only
            answer.headers["allow"] = ", ".join(_methods(routers, request))
        return answer

    return Guard(app, token, hosts)


def _strict(described: dict[str, Any]) -> dict[str, Any]:
    """What FastAPI does not say: the token, and what else is refused."""
    parts = described["components"]
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"token": []}]
    described["paths"]["/health"]["get"]["security"] = []
    for name, form in parts["schemas"].items():
        if name.startswith("Body_"):
            form["additionalProperties"] = False
            _whole(form)
            if "image" in form["properties"]:
                form["anyOf"] = [{"required": ["photo"]}, {"required": ["image"]}]
    described["paths"]["/search"]["post"]["requestBody"]["required"] = True
    return described


def _whole(part: Any) -> None:
    """Says bounds as whole numbers: 1e+18 is less than itself to some programs."""
    for key, value in part.items() if isinstance(part, dict) else ():
        if key in ("minimum", "maximum"):
            part[key] = int(value)
        _whole(value)


def _methods(routers: Iterable[APIRouter], request: Request) -> list[str]:
    """The methods of all routes of an address."""
    routes = [route for router in routers for route in router.routes]
    found = (
        getattr(route, "methods", None) or ()
        for route in routes
        if route.matches(request.scope)[0] != Match.NONE
    )
    return sorted({method for methods in found for method in methods})


def _refusals() -> Iterator[tuple[type[Exception], int, str, str]]:
    yield MissingError, 404, "it is not there", "it may have been deleted"
    yield (
        LostError,
        410,
        "the photograph is not there any more",
        "put it back, or index it where it is now into another gallery",
    )
    yield (
        FullError,
        429,
        "too many photographs wait for the net",
        "try again in a while",
    )
    yield (
        ReadOnlyError,
        403,
        "the gallery cannot be written: it can be searched only",
        "ask a server that may write to it",
    )
    yield GoneError, CLOSED, "who asked has gone", ""


def _told(shown: Pages, status: int, what: str, advice: str) -> Any:
    async def told(request: Request, error: Exception) -> Response:
        del error
        return _answer(shown, request, status, what, advice)

    return told


def _answer(
    shown: Pages, request: Request, status: int, what: str, advice: str
) -> Response:
    """A refusal as a page for a browser, and as JSON for a program."""
    if "text/html" in request.headers.get("accept", ""):
        answer: Response = shown.refused(status, what, advice)
    else:
        content = Refusal(error=what, next=advice).model_dump()
        answer = JSONResponse(content, status)
    if status == 429:
        answer.headers.update(LATER)
    return answer
