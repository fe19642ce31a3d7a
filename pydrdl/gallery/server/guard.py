"""Who may ask the server, and how much they may send: around all of it.

A browser shows the token once, in the address that `drdl serve` prints, and keeps it
in a cookie that other sites' pages cannot use; programs send it as a header. Bytes are
counted while they come in, so that no request fills memory or disk.
"""

import asyncio
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "drdl_token"
OPEN = ("/health", "/static/")  # without a token
MOST_BYTES = 21 * 2**20  # of a request: a photograph, and what is said of it
SECONDS = 30.0  # between two parts of a request
# What is still read of a request that was refused: a client that sends on is closed
# before it has read why.
DRAINED, DRAINED_SECONDS = 32 * 2**20, 5.0
READING = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self' blob:; style-src 'self'; "
        "script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class _CutOffError(Exception):
    pass


class Refused(NamedTuple):
    """Why a request is refused, and what to do about it."""

    status: int
    error: str
    next: str


TOO_LARGE = Refused(
    413, f"a request has at most {MOST_BYTES:,} bytes", "send a smaller photograph"
)
CUT_OFF = Refused(408, "the request did not come to its end", "send it again, whole")
OTHER_NAME = Refused(
    421,
    "the server is not asked by this name",
    "ask by the address that drdl serve has printed",
)
NO_TOKEN = Refused(
    401,
    "no token is shown, or another one",
    "open the address that drdl serve has printed, or send Authorization: Bearer TOKEN",
)
OTHER_SITE = Refused(
    403, "asked from the page of another site", "ask from a page of this server"
)


class Guard:
    """An application of ASGI around another.

    Args:
        app: what is guarded.
        token: that must be shown.
        hosts: names by which the server is asked; None: any. A page of another site
            whose name was made to lead here is told by it.
    """

    def __init__(self, app: App, token: str, hosts: frozenset[str] | None) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        if (refusal := self._refusal(scope, headers)) is not None:
            await _refuse(refusal, receive, send)
            return
        if (shown := self._in_address(scope)) is not None:
            await self._admit(send, shown, scope["path"])
            return
        await self._guarded(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Refused | None:
        """Why a request is refused; None where it is not."""
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return OTHER_NAME
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return TOO_LARGE
        path = scope["path"]
        if path == OPEN[0] or path.startswith(OPEN[1]):
            return None
        if self._in_address(scope) is not None:
            return None
        if self._is_token(headers.get("authorization", "").removeprefix("Bearer ")):
            return None
        if not self._is_token(_cookie(headers.get("cookie", ""))):
            return NO_TOKEN
        # Only pages of this server may change anything by the cookie.
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != host
        if scope["method"] not in READING and foreign:
            return OTHER_SITE
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    def _in_address(self, scope: Scope) -> str | None:
        """The token, where the address ends in it."""
        if scope["method"] != "GET":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return given[0] if given and self._is_token(given[0]) else None

    async def _admit(self, send: Send, token: str, path: str) -> None:
        """Puts the token into a cookie, and out of the address."""
        cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"
        headers = {"set-cookie": cookie, "location": f"/{path.lstrip('/')}"}
        await send(_start(303, {"content-length": "0", **headers}))
        await send({"type": "http.response.body", "body": b""})

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, its bytes counted and its answer's headers added."""
        come, more, begun = 0, True, False
        refusal: Refused | None = None

        async def counted() -> Message:
            nonlocal come, more, refusal
            try:
                message = await asyncio.wait_for(receive(), SECONDS if more else None)
            except TimeoutError as error:
                refusal = CUT_OFF
                raise _CutOffError from error
            if message["type"] == "http.request":
                come += len(message.get("body", b""))
                more = bool(message.get("more_body", False))
                if come > MOST_BYTES:
                    refusal = TOO_LARGE
                    raise _CutOffError
            return message

        async def dressed(message: Message) -> None:
            nonlocal begun
            if refusal is not None and not begun:
                return  # what the application makes of a request that was cut off
            if message["type"] == "http.response.start":
                begun = True
                _dress(message, scope["path"])
            await send(message)

        with contextlib.suppress(_CutOffError):
            await self._app(scope, counted, dressed)
        if refusal is not None and not begun:
            await _refuse(refusal, receive, send)


def _dress(message: Message, path: str) -> None:
    """Adds the headers that every answer has."""
    there = {name.lower() for name, _ in message["headers"]}
    more = dict(HEADERS)
    if not path.startswith(OPEN[1]):
        more["cache-control"] = "no-store"
    message["headers"] = [
        *message["headers"],
        *((k.encode(), v.encode()) for k, v in more.items() if k.encode() not in there),
    ]


async def _refuse(refusal: Refused, receive: Receive, send: Send) -> None:
    """Answers, and reads on for a while what the client has not yet ceased to send."""
    told = {"error": refusal.error, "next": refusal.next}
    body = json.dumps(told).encode()
    headers = {"content-length": str(len(body)), "content-type": "application/json"}
    if refusal in (TOO_LARGE, CUT_OFF):
        headers["connection"] = "close"
    await send(_start(refusal.status, headers))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if refusal is TOO_LARGE:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_drain(receive), DRAINED_SECONDS)
    await send({"type": "http.response.body", "body": b""})


def _start(status: int, headers: dict[str, str]) -> Message:
    """The head of an answer."""
    every = {**HEADERS, **headers}
    pairs = [(k.encode(), v.encode("latin-1")) for k, v in every.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _drain(receive: Receive) -> None:
    """Reads a request to its end, or as much of it as is borne."""
    come = 0
    while come < DRAINED:
        message = await receive()
        come += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _cookie(text: str) -> str:
    """The token in a Cookie header; "" where there is none."""
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _name(host: str) -> str:
    """The name in a Host header, without the port; "" where it has none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
