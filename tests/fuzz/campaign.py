"""Runs cases, each a pure function of target, seed and number, and counts them."""

import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fuzz.corpus import ENVIRONMENT
from fuzz.server import Ended, Request
from fuzz.target import Target
from fuzz.verdict import RIGHT, Verdict, judge

# Of the corpus: they hold its path, and are for the same command there only.
NAME_THEIR_FOLDER = ("half.partial/build.json", "half.h5.partial")
# Of a solver, which then does not look whether it is to stop for as long.
LONG = re.compile(rb"iter_size: *-?\d{4,}|test_iter: *\d{4,}")
# Bytes of a seal in binary and in HDF5: without it, what stands behind is as whole.
SEALS = (17, 512)
SHOWN = 4000  # characters of a fault's output that are kept


@dataclass(frozen=True)
class Case:
    """One damage of one file.

    Attributes:
        target: what is spoilt and what reads it.
        seed, number: which damage.
    """

    target: Target
    seed: int
    number: int

    @property
    def name(self) -> str:
        """For --replay."""
        return f"{self.target.name}/{self.seed}/{self.number}"


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        case: which.
        verdict: how it ended.
        way: how the file was spoilt.
        output: the end of what the command printed.
    """

    case: Case
    verdict: Verdict
    way: str
    output: str


class Server:
    """A process that runs commands; see server.py."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT, "GLOG_minloglevel": "2"},
        )

    def run(self, request: Request) -> Ended:
        """Runs one command."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(asdict(request)), file=self.process.stdin, flush=True)
        return Ended(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()


@dataclass
class Campaign:
    """Damages copies of a corpus.

    Attributes:
        corpus: whole files, see corpus.py.
        scratch: folder for the copies.
        servers: processes that run at a time.
        whole: each command's result with nothing spoilt.
    """

    corpus: Path
    scratch: Path
    servers: int = 1
    whole: dict[str, bytes] = field(default_factory=dict)

    def run(self, cases: Iterable[Case]) -> Iterator[Outcome]:
        """Runs the cases; outcomes come as they are there.

        Raises:
            RuntimeError: a command refuses a file that is whole.
        """
        outcomes: queue.SimpleQueue[Outcome | Exception | None] = queue.SimpleQueue()
        waiting = iter(cases)
        lock = threading.Lock()

        def work(folder: Path) -> None:
            server = Server()
            try:
                while True:
                    with lock:
                        case = next(waiting, None)
                    if case is None:
                        return
                    outcomes.put(self.outcome(case, folder, server))
            except Exception as error:
                outcomes.put(error)
            finally:
                server.close()
                outcomes.put(None)

        for number in range(self.servers):
            folder = self.scratch / str(number)
            threading.Thread(target=work, args=(folder,), daemon=True).start()
        running = self.servers
        while running:
            outcome = outcomes.get()
            if outcome is None:
                running -= 1
            elif isinstance(outcome, Outcome):
                yield outcome
            else:
                raise outcome

    def outcome(self, case: Case, folder: Path, server: Server) -> Outcome:
        """Spoils a copy and runs the command on it.

        Raises:
            RuntimeError: the command refuses the whole file too.
        """
        target = case.target
        if target.command not in self.whole:
            self.whole[target.command] = self._whole(target, folder, server)
        self._copy(target, folder)
        way = spoil(case, folder)
        ended, output = self._start(target, folder, server)
        verdict = judge(
            ended.code, output, timed_out=ended.timed_out, peak=ended.peak,
            checks=target.checks, logs=target.command.startswith("caffe"),
        )  # fmt: skip
        if verdict is Verdict.hang and target.endless:
            spoilt = (folder / target.file).read_bytes()
            verdict = Verdict.accepted if LONG.search(spoilt) else verdict
        if verdict is Verdict.accepted and self._changed(target, folder):
            verdict = Verdict.changed
        left = target.output and (folder / target.output).exists()
        if verdict is Verdict.refused and left:
            verdict = Verdict.left
        return Outcome(case, verdict, way, "" if verdict in RIGHT else output[-SHOWN:])

    def _changed(self, target: Target, folder: Path) -> bool:
        """Whether an acceptance says what the whole file does not."""
        if target.sealed:
            head = SEALS[target.file.endswith(".h5")]
            whole = (self.corpus / target.file).read_bytes()
            return (folder / target.file).read_bytes()[head:] != whole[head:]
        if not target.result:
            return False
        return (folder / target.result).read_bytes() != self.whole[target.command]

    def _whole(self, target: Target, folder: Path, server: Server) -> bytes:
        """The result of the command on what is not spoilt; empty if it has none."""
        self._copy(target, folder)
        ended, output = self._start(target, folder, server)
        wrong = "error:" in output and not target.checks
        if ended.code not in (0, int(target.checks)) or wrong:
            raise RuntimeError(f"{target.name}: {ended}\n{output[-SHOWN:]}")
        return (folder / target.result).read_bytes() if target.result else b""

    def _copy(self, target: Target, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for name in dict.fromkeys((*target.needs.split(), target.file)):
            there = folder / name
            if there.exists():
                continue
            there.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (self.corpus / name).is_dir() else shutil.copyfile
            copy(self.corpus / name, there)
        for name in NAME_THEIR_FOLDER:
            if (folder / name).exists():
                data = (folder / name).read_bytes()
                anew = data.replace(bytes(self.corpus), bytes(folder))
                (folder / name).write_bytes(anew)

    def _start(self, target: Target, folder: Path, server: Server) -> tuple[Ended, str]:
        printed = folder.with_name(folder.name + ".output")
        request = Request(
            target.argv, str(folder), str(printed), endless=target.endless
        )
        ended = server.run(request)
        with printed.open(errors="replace", newline="") as stream:
            head = stream.read(1 << 20)
        return ended, head


def spoil(case: Case, folder: Path) -> str:
    """Damages the case's file in a folder; returns the way it was taken."""
    rng = random.Random(f"{case.target.name}/{case.seed}/{case.number}")
    path = folder / case.target.file
    before = path.read_bytes()
    for _ in range(10):
        way = rng.choice(case.target.ways)
        way(path, rng)
        if path.read_bytes() != before:
            break
    return way.__name__


def counted(outcomes: Sequence[Outcome]) -> dict[str, Counter[str]]:
    """How many of each verdict, by the file's kind."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        kind = counts.setdefault(outcome.case.target.kind, Counter())
        kind[outcome.verdict] += 1
    return counts
