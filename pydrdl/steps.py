"""A chain of commands, each run once, that goes on where it was stopped.

A step is done when its output stands and `<work>/steps/<name>.json` holds its
recipe: the command and, through the recipes of the steps it reads from, all
commands before it, with the contents of the files that come from elsewhere. A
step whose recipe has changed is made anew, and so is all that follows.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from pydrdl import atomic, children, strict_json
from pydrdl.errors import InputError
from pydrdl.file_hash import file_sha256
from pydrdl.paths import exists
from pydrdl.system_errors import cannot_write, writing

LOG_LINES = 8  # of a failed step, in its message
LOCK_TRIES = 20  # ten a second


@dataclass(frozen=True)
class Step:
    """One command of a chain.

    Attributes:
        name: tells it from the others; "/" groups.
        command: as one would type it.
        output: file or folder that stands only when the step is done.
        after: names of the steps whose outputs it reads, all before it.
        files: files it reads that no step makes.
        action: runs the step in place of the command, given the log file.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    after: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    action: Callable[[Path], object] | None = None


@dataclass(frozen=True)
class Event:
    """What happened to a step.

    Attributes:
        step: which.
        number, total: its place in the chain, from 1.
        seconds: how long its last attempt ran; None where it only begins.
        ran: whether it ran now.
    """

    step: Step
    number: int
    total: int
    seconds: float | None
    ran: bool


def run_steps(
    steps: Sequence[Step],
    work: Path,
    report: Callable[[Event], object] = lambda event: None,
    *,
    jobs: int = 1,
) -> None:
    """Runs the steps that are not done, each when those it reads from are.

    Args:
        steps: each after those it reads from; all outputs lie in work.
        work: the folder of the chain, of nothing else: what a changed recipe
            made is deleted there.
        report: told when a step begins, ends, or is found done; with several
            jobs, from several threads.
        jobs: steps that run at a time; one keeps their order.

    Raises:
        InputError: a step failed, an output has not been made by its step, or
            another command works in the folder. Steps that run beside a failed
            one are let end, and none begins.
    """
    with _alone(work):
        recipes: dict[str, str] = {}
        for step in steps:
            recipes[step.name] = _recipe(step, recipes)
        places = {step.name: place for place, step in enumerate(steps, 1)}

        def run(step: Step) -> None:
            def tell(ran: bool, seconds: float | None) -> None:
                report(Event(step, places[step.name], len(steps), seconds, ran))

            record = _Record(work, step, recipes[step.name])
            if record.is_done():
                _clear_partial(step.output)
                tell(False, record.seconds)
                return
            record.begin()
            tell(True, None)
            started = time.monotonic()
            _run(step, work)
            record.finish(time.monotonic() - started)
            tell(True, record.seconds)

        _work_off(steps, run, jobs)


def _clear_partial(output: Path) -> None:
    """Deletes what a kill just after a file had its name has left of its making."""
    partial = output.with_name(f"{output.name}.partial")
    if partial.is_file():
        partial.unlink()


def _work_off(steps: Sequence[Step], run: Callable[[Step], object], jobs: int) -> None:
    """Runs steps on threads, in their order where several could begin."""
    waiting = list(steps)
    running: dict[Future[object], Step] = {}
    over: set[str] = set()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or running:
                ready = [step for step in waiting if over.issuperset(step.after)]
                for step in ready[: jobs - len(running)]:
                    waiting.remove(step)
                    running[pool.submit(run, step)] = step
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    over.add(running.pop(future).name)
        except Exception:  # of a step
            raise
        except BaseException:  # a signal: the steps' commands are to end too
            while running:  # one may just be starting its command
                children.stop_all()
                for future in wait(running, timeout=0.1).done:
                    del running[future]
            raise


def log_of(step: Step, work: Path) -> Path:
    """The file that holds what a step printed."""
    return work / "logs" / f"{step.name}.log"


def seconds_of(step: Step, work: Path) -> float | None:
    """How long the last attempt at a step ran that is done; None before."""
    seconds = _read_record(_record_file(work, step)).get("seconds")
    return seconds if isinstance(seconds, float) else None


class _Record:
    """What is known of a step on disk."""

    def __init__(self, work: Path, step: Step, recipe: str) -> None:
        self.step, self.recipe = step, recipe
        self.file = _record_file(work, step)
        self.content = _read_record(self.file)

    @property
    def seconds(self) -> float | None:
        value = self.content.get("seconds")
        return value if isinstance(value, float) else None

    def is_done(self) -> bool:
        """Whether the output is this recipe's; it appears only when whole."""
        return self.content.get("recipe") == self.recipe and exists(self.step.output)

    def begin(self) -> None:
        """Clears what another recipe made; notes who makes the output now."""
        output = self.step.output
        if exists(output):
            if not self.content:
                raise InputError(
                    f"{output.name} is there, and step {self.step.name} has not "
                    "made it",
                    output,
                    "choose another folder to work in, or delete it",
                )
            _delete(output)
        if self.content.get("recipe") != self.recipe:
            _delete(output.with_name(output.name + ".partial"))
        with writing("a step's output", output):
            output.parent.mkdir(parents=True, exist_ok=True)
        self._write(None)

    def finish(self, seconds: float) -> None:
        if not exists(self.step.output):
            raise InputError(
                f"step {self.step.name} ended without its output",
                self.step.output,
                "read its log, and report this as a bug",
            )
        self._write(seconds)

    def _write(self, seconds: float | None) -> None:
        self.content = {
            "recipe": self.recipe,
            "command": shlex.join(self.step.command),
            "output": str(self.step.output),
            "seconds": seconds,
        }
        with writing("what is known of a step", self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self.file, json.dumps(self.content, indent=1) + "\n")


def _record_file(work: Path, step: Step) -> Path:
    return work / "steps" / f"{step.name}.json"


def _read_record(path: Path) -> dict[str, object]:
    """What a step's record holds; nothing where there is none, or a damaged one."""
    with contextlib.suppress(OSError, ValueError):
        content = strict_json.parse(path.read_bytes())
        return content if isinstance(content, dict) else {}
    return {}


def _recipe(step: Step, recipes: Mapping[str, str]) -> str:
    """SHA-256 of all that decides the step's output."""
    known = {
        "command": step.command,
        "after": [recipes[name] for name in step.after],
        "files": [_content(path) for path in step.files],
    }
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _content(path: Path) -> str:
    return file_sha256(path, "an input")


def _run(step: Step, work: Path) -> None:
    log = log_of(step, work)
    if step.action is not None:
        step.action(log)
        return
    code = children.run(_resolved(step.command), log)
    if code:
        raise failure(step.name, code, log)


def failure(what: str, code: int, log: Path) -> InputError:
    """The error of a command that failed, with the end of its log."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    end = "\n".join("    " + line for line in lines[-LOG_LINES:])
    return InputError(
        f"{what} failed with exit code {code}; its log ends:\n{end}",
        log,
        "mend what it names, then give the same command again",
    )


def _resolved(command: Sequence[str]) -> list[str]:
    """The command with this interpreter for "python"."""
    first = sys.executable if command[0] == "python" else command[0]
    return [first, *command[1:]]


def _delete(path: Path) -> None:
    with writing("in the place of what another recipe made", path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _lock(file: int) -> None:
    """Takes a lock; a moment later where a command that was killed still ends."""
    for left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if left == 0:
                raise
        time.sleep(0.1)


@contextlib.contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Holds the folder for this process and the steps' commands, however they end.

    The commands inherit the lock: one that outlives a killed chain still writes to
    its output, and another chain must not do so beside it.
    """
    with writing("the folder to work in", work):
        work.mkdir(parents=True, exist_ok=True)
        # Whose it is, is for whoever looks: on a full disk it stays empty.
        file = (work / ".lock").open("w", buffering=1)
    with file:
        try:
            _lock(file.fileno())
        except BlockingIOError as error:
            raise InputError(
                "another command works in this folder",
                work,
                "wait until it has ended (of a chain that was killed, a step may "
                "still run), or choose another folder",
            ) from error
        except OSError as error:  # a file system without locks
            raise cannot_write("the folder to work in", work, error) from error
        os.set_inheritable(file.fileno(), True)
        with contextlib.suppress(OSError):
            file.write(f"{os.getpid()}\n")
        yield
