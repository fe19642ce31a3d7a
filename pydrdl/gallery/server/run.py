"""A socket, and the server on it."""

import contextlib
import errno
import ipaddress
import os
import re
import secrets
import signal
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from pydrdl.cli import Note
from pydrdl.errors import InputError, reason
from pydrdl.gallery.folder import open_gallery
from pydrdl.gallery.query import open_net_of
from pydrdl.gallery.server.app import build_app
from pydrdl.gallery.server.line import Line
from pydrdl.gallery.server.service import Service

TOKEN = "DRDL_TOKEN"  # the variable by which a token can be given
LEAST_TOKEN = 16  # characters


def token_to_show() -> str:
    """The token of the environment, or a new one.

    Raises:
        InputError: the one that is given is short, or does not fit into an address.
    """
    given = os.environ.get(TOKEN)
    if given is None:
        return secrets.token_urlsafe(24)
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{LEAST_TOKEN},200}}", given):
        raise InputError(
            f"the token is not {LEAST_TOKEN} or more of letters, digits, _ and -",
            f"the variable {TOKEN}",
            "leave it unset: then there is a new one each time",
        )
    return given


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the port is in use, or may not be used, or the host is no address
            of this machine.
    """
    where = f"--host {host} --port {port}"
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        made = socket.socket(kind, socket.SOCK_STREAM)
        with contextlib.ExitStack() as failed:
            failed.callback(made.close)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(128)  # who asks before the server is ready waits
            failed.pop_all()
    except OSError as error:
        advice = "give an address of this machine with --host"
        if error.errno == errno.EADDRINUSE:
            advice = "end the server that is there, or give another --port"
        elif error.errno == errno.EACCES:
            advice = "give a port from 1024"
        raise InputError(f"cannot listen: {reason(error)}", where, advice) from error
    return made


def hosts_of(host: str) -> frozenset[str] | None:
    """Names by which a server is asked; None, any, where others may ask too."""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return frozenset({host, "localhost", "127.0.0.1", "::1"}) if local else None


class _Server(uvicorn.Server):
    """One that hears every signal that ends a command, and says when it does.

    Stopped, raised while asyncio runs a task, would be the task's, and lost.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hears SIGHUP too, which uvicorn leaves to others."""
        with super().capture_signals():
            before = signal.getsignal(signal.SIGHUP)
            if before != signal.SIG_IGN:  # as nohup has it
                signal.signal(signal.SIGHUP, self.handle_exit)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to answer."""
        await super().startup(sockets=sockets)
        self._ready()


def serve(
    gallery: Path,
    *,
    host: str,
    port: int,
    net: Path | None,
    weights: Path | None,
    gpu: int | None,
    tell: Callable[[str], object],
) -> None:
    """Serves a gallery until a signal comes.

    Args:
        gallery: its folder.
        host: address to listen at.
        port: the same; 0 takes a free one.
        net: see open_net_of.
        weights: the same.
        gpu: the same.
        tell: is given the address to open when the server answers.

    Raises:
        InputError: the gallery, its net, the token or the port cannot be used.
    """
    token, folder, line = token_to_show(), open_gallery(gallery), Line()
    # Caffe keeps its mode and GPU for each thread: the net belongs to the line's.
    extractor = line.at_once(
        lambda: open_net_of(folder, net=net, weights=weights, gpu=gpu, backward=True)
    )
    with contextlib.ExitStack() as ended:
        elsewhere = None
        if not folder.writable:
            warnings.warn(
                f"the gallery {gallery} cannot be written: it is searched only, and "
                "searches are kept for as long as the server runs",
                Note,
                stacklevel=2,
            )
            elsewhere = Path(
                ended.enter_context(tempfile.TemporaryDirectory(prefix="drdl-"))
            )
        service = Service(folder, extractor, elsewhere)
        app = build_app(service, line, token, hosts_of(host))
        listening = ended.enter_context(bind(host, port))
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, timeout_graceful_shutdown=10
        )
        name, number = listening.getsockname()[:2]
        shown = f"[{name}]" if ":" in name else name
        address = f"http://{shown}:{number}/?token={token}"
        _Server(config, lambda: tell(address)).run(sockets=[listening])
