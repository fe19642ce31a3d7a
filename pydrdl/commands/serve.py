"""Serve a gallery: a page to search from, and an API."""

from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from pydrdl import cli, signals, start
from pydrdl.commands import options


def serve(
    *,
    gallery: Annotated[Path, options.GALLERY],
    host: Annotated[str, Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, Option(min=0, max=65_535, help="Port to listen at; 0 takes a free one.")
    ] = 8080,
    net: Annotated[Path | None, options.NET] = None,
    weights: Annotated[Path | None, options.WEIGHTS] = None,
    gpu: Annotated[int | None, options.GPU] = None,
) -> None:
    """Serve a gallery: a page to search from, and an API.

    Prints the address to open, with a token without which nothing is answered
    (DRDL_TOKEN gives one of your own). It is reached from this machine only,
    unless --host says otherwise. Ctrl-C ends it.

    Example: drdl serve --gallery cars
    """
    from pydrdl.gallery.extra import import_lancedb, import_server

    import_lancedb()
    import_server()
    from pydrdl.gallery.server.run import serve as run

    def tell(address: str) -> None:
        cli.console.lines(f"open {address}")
        cli.console.flush()

    try:
        run(gallery, host=host, port=port, net=net, weights=weights, gpu=gpu, tell=tell)
    except signals.Stopped as stopped:
        # As of every command, but there is nothing here to go on with.
        cli.stderr.lines("the server has ended")
        raise Exit(start.exit_code(stopped.number)) from stopped
