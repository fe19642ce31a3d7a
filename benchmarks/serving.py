"""How `drdl serve` answers: one client alone, and many at once, none lost or wrong.

What a photograph takes besides the net is its answer's time alone less that of the
net's forward pass, which is measured by itself, before, in this process.
"""

import concurrent.futures
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import cv2
import measured
import urllib3
from rich.table import Table
from typer import Argument, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError
from pydrdl.gallery.folder import open_gallery
from pydrdl.gallery.query import input_of, open_net_of

SCHEMA = "drdl.bench_serving/2"
TOKEN = "benchmark_of_the_server"
COUNT = 24  # rows of an answer
ASKED = 40  # photographs
LARGE = 4000, 3000  # pixels of one from a camera


@dataclass
class Load:
    """What clients saw."""

    answered: int = 0
    wrong: int = 0  # with other rows than the same photograph alone has found
    lost: int = 0  # without an answer, or with another error than 429
    told_to_wait: int = 0  # 429
    times: list[float] = field(default_factory=list)  # of those answered, seconds


def forward_seconds(gallery: Path, photographs: list[Path]) -> float:
    """Median seconds of the net's forward pass of one photograph."""
    extractor, times = open_net_of(open_gallery(gallery)), []
    for photograph in photographs:
        inputs = input_of(cv2.imread(str(photograph)), None, extractor, photograph)
        start = time.perf_counter()
        extractor([inputs], [photograph.name])
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def enlarged(photograph: Path) -> bytes:
    """A photograph as large as a camera's, as JPEG."""
    pixels = cv2.resize(cv2.imread(str(photograph)), LARGE)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def search(port: int, data: bytes) -> Any:
    """The server's answer to a photograph."""
    return urllib3.request(
        "POST",
        f"http://127.0.0.1:{port}/search",
        headers={"authorization": f"Bearer {TOKEN}"},
        fields={"photo": ("car.jpg", data), "count": str(COUNT)},
        retries=False,
        timeout=60,
    )


def cpu_of(process: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alone(
    port: int, server: int, photographs: list[bytes]
) -> tuple[list[Any], list[float], float]:
    """Asks when nobody else does.

    Args:
        port: the server's.
        server: its process.
        photographs: to ask with.

    Returns:
        What is found of each, the seconds it takes, and the server's CPU seconds in
        the mean.
    """
    matches: list[Any] = []
    times: list[float] = []
    search(port, photographs[0])  # the first reads the gallery
    before = cpu_of(server)
    for photograph in photographs:
        start = time.perf_counter()
        answer = search(port, photograph)
        times.append(time.perf_counter() - start)
        if answer.status != 200:
            raise InputError(
                f"the server answers {answer.status}: {answer.data[:200]!r}",
                "a photograph, sent alone",
                "give photographs that it takes",
            )
        matches.append(answer.json()["matches"])
    return matches, times, (cpu_of(server) - before) / len(photographs)


def client(
    port: int, number: int, photographs: list[bytes], expected: list[Any], end: float
) -> Load:
    """Asks one photograph after another, beginning with its own, until the end."""
    load, turn = Load(), number
    while time.monotonic() < end:
        start = time.perf_counter()
        try:
            answer = search(port, photographs[turn % len(photographs)])
        except urllib3.exceptions.HTTPError:
            load.lost += 1
            continue
        if answer.status == 429:
            load.told_to_wait += 1
            time.sleep(0.05)
        elif answer.status != 200:
            load.lost += 1
        else:
            load.answered += 1
            load.times.append(time.perf_counter() - start)
            load.wrong += answer.json()["matches"] != expected[turn % len(photographs)]
            turn += 1
    return load


def bench(
    gallery: Annotated[Path, Argument(help="A gallery with its net.")],
    photographs: Annotated[Path, Argument(help="A folder of JPEGs to ask with.")],
    *,
    clients: Annotated[int, Option(min=1)] = 20,
    seconds: Annotated[float, Option(min=1)] = 120,
    json: Annotated[
        Path | None, options.json_file("all numbers", "drdl.bench_serving")
    ] = None,
) -> None:
    """Ask a server with many clients at once.

    Example: python benchmarks/serving.py data/demo/gallery data/demo/VehicleID/image
    """
    names = {"LanceDB": "lancedb", "FastAPI": "fastapi", "uvicorn": "uvicorn"}
    machine = measured.machine(names)
    chosen = sorted(photographs.glob("*.jpg"))[:ASKED]
    if not chosen:
        raise InputError(
            "no photograph is there", photographs, "name a folder of JPEGs"
        )
    forward = forward_seconds(gallery, chosen)
    data = [photograph.read_bytes() for photograph in chosen]
    words = ("--gallery", "gallery", "--port", "0")
    command = [sys.executable, "-P", "-c", "from pydrdl.commands import main; main()"]
    with tempfile.TemporaryDirectory(prefix="bench_serving_") as temporary:
        # Without what was kept of queries before, which saves work.
        shutil.copytree(gallery, Path(temporary) / "gallery",
                        ignore=shutil.ignore_patterns("queries"))  # fmt: skip
        with subprocess.Popen(
            [*command, "serve", *words], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"DRDL_TOKEN": TOKEN}, cwd=temporary,
        ) as server:  # fmt: skip
            try:
                assert server.stdout
                port = int(re.findall(r":(\d+)/", server.stdout.readline())[0])
                expected, times, cpu = alone(port, server.pid, data)
                large = [enlarged(path) for path in chosen]
                _, times_large, cpu_large = alone(port, server.pid, large)
                end = time.monotonic() + seconds
                with concurrent.futures.ThreadPoolExecutor(clients) as pool:
                    loads = [
                        pool.submit(client, port, 3 * n, data, expected, end)
                        for n in range(clients)
                    ]
                seen = total([load.result() for load in loads])
                status = Path(f"/proc/{server.pid}/status").read_text()
            finally:
                server.terminate()
    (most,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    found = {
        "rows": open_gallery(gallery).rows.count(),
        "clients": clients,
        "seconds": seconds,
        "forward": forward,
        "alone": times,
        "alone_cpu": cpu,
        "alone_large": times_large,
        "alone_large_cpu": cpu_large,
        "memory": int(most) * 1024,
        **asdict(seen),
    }
    cli.console.lines(str(machine))
    table = Table("", "", "")
    for name, value in found.items():
        shown, worst = value, ""
        if isinstance(value, list):
            shown, worst = (
                f"{statistics.median(value):.3f}",
                f"{measured.percentile(value):.3f}",
            )
        table.add_row(name, str(shown), worst)
    cli.console.print(table)
    if json is not None:
        measured.write(json, SCHEMA, machine, large=LARGE, **found)
    if seen.lost or seen.wrong:
        raise Exit(1)


def total(loads: list[Load]) -> Load:
    """What all clients saw together."""
    seen = Load()
    for load in loads:
        for name, value in asdict(load).items():
            setattr(seen, name, getattr(seen, name) + value)
    return seen


if __name__ == "__main__":
    cli.run(bench)
