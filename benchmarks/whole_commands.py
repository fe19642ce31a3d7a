"""How long the commands of README.md take, each in a new clone of this repository."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import measured
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.errors import InputError

SCHEMA = "drdl.bench_whole_commands/1"
ROOT = Path(__file__).parents[1]
PASS = re.compile(r"Average Forward-Backward: (\S+) ms")
ITERATIONS = 3
# The paper's net reads an image LMDB of the paper's size.
PHOTOGRAPHS = (
    ("render_vehicleid.py", "set", "--preset", "mini", "--vehicles", "100",
     "--size", "256"),
    ("build_lmdb.py", "set", "data/VehicleID/train_lmdb", "--split", "train"),
)  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """One command.

    Attributes:
        words: as README.md has it.
        before: what stood when it began.
        seconds: it took; an iteration's, where that is what is asked.
        peak: bytes of its largest process.
        each: what the seconds are of; "" for the whole command.
    """

    words: str
    before: str
    seconds: float
    peak: int
    each: str = ""


def run(
    words: Sequence[str],
    folder: Path,
    *,
    kill_after: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[float, int, str]:
    """Seconds, bytes of the largest process, and what was printed.

    Args:
        words: the command.
        folder: to start it in.
        kill_after: seconds until it and all that it started get SIGKILL, once;
            it is given again at once, and its time goes on.
        environment: added to this one's.

    Raises:
        InputError: it failed, or ended before it was to be killed.
    """
    path = f"{folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    started = time.monotonic()
    peak = 0
    for limit in (kill_after, None) if kill_after else (None,):
        with tempfile.TemporaryFile() as output:
            job = subprocess.Popen(
                words,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PATH": path, **(environment or {})},
            )
            try:
                if limit is not None:
                    time.sleep(limit)
                    os.killpg(job.pid, signal.SIGKILL)
                _, status, usage = os.wait4(job.pid, 0)
            except BaseException:  # Ctrl-C does not reach the job's own session
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()
                raise
            job.returncode = os.waitstatus_to_exitcode(status)
            peak = max(peak, usage.ru_maxrss * 1024)
            output.seek(0)
            text = output.read().decode(errors="replace")
        wanted = 0 if limit is None else -signal.SIGKILL
        if job.returncode != wanted:
            end = "\n    ".join(text.splitlines()[-8:])
            raise InputError(
                f"ended with {job.returncode}, expected {wanted}:\n    {end}",
                " ".join(words),
                "run it by hand",
            )
    return time.monotonic() - started, peak, text


def _clone(folder: Path) -> None:
    words = ["git", "clone", "--quiet", str(ROOT), str(folder)]
    subprocess.run(words, check=True)


def _built(folder: Path, kill_after: float) -> list[Timed]:
    """The commands in a clone, one after the other."""
    found = []

    # Nothing that another clone compiled helps.
    cache = {"CCACHE_DIR": str(folder / "build/empty_cache")}
    killed = f"the build; killed after {kill_after / 60:g} min, given again"
    for words, before, limit, environment in (
        ("tools/setup.sh cpu", "the system's packages", None, cache),
        ("tools/demo.sh", "the build", None, None),
        ("python tools/reproduce.py all --preset demo", killed, kill_after, None),
    ):
        seconds, peak, _ = run(
            words.split(), folder, kill_after=limit, environment=environment
        )
        found.append(Timed(words, before, seconds, peak))
        cli.stderr.print(f"{words}: {seconds:.0f} s", markup=False)
    for tool, *options in PHOTOGRAPHS:
        run(["python", f"tools/{tool}", *options], folder)
    net = "prototxt/mixed_difference/train_val.prototxt"
    words = f"caffe time --model {net} --iterations {ITERATIONS}"
    glog = {"GLOG_minloglevel": "0", "GLOG_logtostderr": "1"}
    _, peak, text = run(words.split(), folder, environment=glog)
    passed = PASS.search(text)
    if passed is None:
        raise InputError("it told no time", words, "run it by hand")
    found.append(
        Timed(words, "the build", float(passed[1]) / 1000, peak, "an iteration")
    )
    return found


def _bare(system: Path) -> Timed:
    """The demo in a system that has nothing but git's checkout."""
    clone = system / "main"
    if clone.exists():
        raise InputError("is there already", clone, "delete it, or the whole system")
    _clone(clone)
    words = ["chroot", str(system), "/bin/bash", "-c", "cd /main && exec tools/demo.sh"]
    try:
        seconds, peak, _ = run(words, ROOT)
    finally:
        shutil.rmtree(clone)
    before = "a bare Debian; compiler and libraries are downloaded"
    return Timed("tools/demo.sh", before, seconds, peak)


def measure(
    bare: Annotated[
        Path | None,
        Option(
            help="A bare Debian 12 (debootstrap), network and all, to be changed; "
            "as root."
        ),
    ] = None,
    kill_after: Annotated[
        float, Option(min=1, help="Seconds until reproduce.py is killed, once.")
    ] = 180,
    clone: Annotated[
        Path | None, Option(help="Make the clone there, and let it stand.")
    ] = None,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Time setup, demo, every table, and an iteration of the paper's net.

    Only what is committed is in the clone.

    Example: python benchmarks/whole_commands.py --bare /tmp/debian --json times.json
    """
    machine = measured.machine({})
    found = [] if bare is None else [_bare(bare)]
    with tempfile.TemporaryDirectory() as folder:
        place = clone.resolve() if clone else Path(folder) / "main"
        _clone(place)
        found += _built(place, kill_after)
    table = Table("", "before", "seconds", "of", "GB", box=box.SIMPLE_HEAD)
    for one in found:
        table.add_row(
            one.words,
            one.before,
            f"{one.seconds:.1f}",
            one.each,
            f"{one.peak / 1e9:.1f}",
        )
    cli.console.print(table)
    if json is not None:
        measured.write(json, SCHEMA, machine, commands=[asdict(one) for one in found])


if __name__ == "__main__":
    cli.run(measure)
