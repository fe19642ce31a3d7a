"""How `drdl serve` answers many clients at once: none lost, none answered wrongly."""

import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import measured
import urllib3
from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options

SCHEMA = "drdl.bench_serving/1"
TOKEN = "benchmark_of_the_server"
COUNT = 24  # rows of an answer


@dataclass
class Load:
    """What clients saw."""

    clients: int
    seconds: float
    answered: int = 0
    wrong: int = 0  # with other rows than the same photograph alone has found
    lost: int = 0  # without an answer, or with another error than 429
    told_to_wait: int = 0  # 429
    times: list[float] = field(default_factory=list)  # of those answered, seconds


def search(port: int, photograph: Path) -> Any:
    """The server's answer to a photograph."""
    return urllib3.request(
        "POST",
        f"http://127.0.0.1:{port}/search",
        headers={"authorization": f"Bearer {TOKEN}"},
        fields={
            "photo": (photograph.name, photograph.read_bytes()),
            "count": str(COUNT),
        },
        retries=False,
        timeout=60,
    )


def client(port: int, number: int, expected: dict[Path, Any], seconds: float) -> Load:
    """Asks one photograph after another."""
    load, photographs = Load(1, seconds), list(expected)
    end, turn = time.monotonic() + seconds, number
    while time.monotonic() < end:
        photograph = photographs[turn % len(photographs)]
        start = time.perf_counter()
        try:
            answer = search(port, photograph)
        except urllib3.exceptions.HTTPError:
            load.lost += 1
            continue
        if answer.status == 429:
            load.told_to_wait += 1
            time.sleep(0.05)
            continue
        turn += 1
        if answer.status != 200:
            load.lost += 1
            continue
        load.answered += 1
        load.times.append(time.perf_counter() - start)
        load.wrong += answer.json()["matches"] != expected[photograph]
    return load


def bench(
    gallery: Annotated[Path, Argument(help="A gallery with its net.")],
    photographs: Annotated[Path, Argument(help="A folder of JPEGs to ask with.")],
    *,
    clients: Annotated[int, Option(min=1)] = 20,
    seconds: Annotated[float, Option(min=1)] = 120,
    json: Annotated[Path | None, options.json_file("all numbers")] = None,
) -> None:
    """Ask a server with many clients at once.

    Example: python benchmarks/serving.py data/demo/gallery data/demo/VehicleID/image
    """
    machine = measured.machine({"LanceDB": "lancedb", "FastAPI": "fastapi"})
    words = ("--gallery", str(gallery), "--port", "0")
    command = [sys.executable, "-P", "-c", "from pydrdl.commands import main; main()"]
    with subprocess.Popen(
        [*command, "serve", *words], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"DRDL_TOKEN": TOKEN},
    ) as server:  # fmt: skip
        assert server.stdout
        port = int(re.findall(r":(\d+)/", server.stdout.readline())[0])
        chosen = sorted(photographs.glob("*.jpg"))[:40]
        expected, alone = {}, []
        for photograph in chosen:
            start = time.perf_counter()
            expected[photograph] = search(port, photograph).json()["matches"]
            alone.append(time.perf_counter() - start)
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            loads = [
                pool.submit(client, port, 3 * n, expected, seconds)
                for n in range(clients)
            ]
        seen = Load(clients, seconds)
        for done in loads:
            for name in ("answered", "wrong", "lost", "told_to_wait"):
                setattr(seen, name, getattr(seen, name) + getattr(done.result(), name))
            seen.times += done.result().times
        server.terminate()
    times = sorted(seen.times)
    found = {
        "alone_median": statistics.median(alone),
        "median": statistics.median(times),
        "p95": times[int(0.95 * len(times))],
        **{k: v for k, v in asdict(seen).items() if k != "times"},
    }
    cli.console.lines(str(machine))
    table = Table(*found)
    table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v)
                    for v in found.values()))  # fmt: skip
    cli.console.print(table)
    if json is not None:
        measured.write(json, SCHEMA, machine, **found)


if __name__ == "__main__":
    cli.run(bench)
