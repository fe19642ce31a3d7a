"""One command of a chain, and what the chain's folder knows of it."""

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydrdl import files
from pydrdl.errors import InputError, cannot_write, writing
from pydrdl.strict_json import Form, Positive, Spread, declared, parse

LOG_LINES = 8  # of a failed step, in its message
LOCK_TRIES = 20  # ten a second


@dataclass(frozen=True)
class Step:
    """One command of a chain."""

    name: str  # tells it from the others; "/" groups
    command: tuple[str, ...]  # as one would type it
    output: Path  # stands only when the step is done
    after: tuple[str, ...] = ()  # names of the steps whose outputs it reads
    files: tuple[Path, ...] = ()  # that it reads and no step makes
    amount: int = 1  # of work, such as iterations: its time grows with it
    # A command that earlier versions ran in its place, and which made the same:
    # chains that they began go on.
    known_as: tuple[str, ...] = ()


def log_of(step: Step, work: Path) -> Path:
    """The file that holds what a step printed."""
    return work / "logs" / f"{step.name}.log"


def failure(what: str, code: int, log: Path) -> InputError:
    """The error of a command that failed, with the end of its log."""
    return InputError(
        f"{what} failed with exit code {code}{_end_of(log)}",
        log,
        "mend what it names, then give the same command again",
    )


def _end_of(log: Path) -> str:
    """The last lines of a log, or its last error, to be put behind a message."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [n for n, line in enumerate(lines) if line.startswith("error: ")]
    begin = max(0, len(lines) - LOG_LINES)
    if told and told[-1] >= len(lines) - 3 * LOG_LINES:
        begin = min(begin, told[-1])
    end = "\n".join(f"    {line}" for line in lines[begin:])
    return f"; its log ends:\n{end}" if end else ""


def recipes(steps: Sequence[Step]) -> dict[str, str]:
    """SHA-256 of all that decides each step's output, by the step's name."""
    found: dict[str, str] = {}
    for step in steps:
        known = {
            # Replacing what is there changes nothing of what is made.
            "command": [w for w in step.known_as or step.command if w != "--overwrite"],
            "after": [found[name] for name in step.after],
            "files": [files.file_sha256(path, "an input") for path in step.files],
        }
        found[step.name] = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    return found


class Timing(Form):
    """How long a step took from its beginning to its end."""

    seconds: Spread
    amount: Positive  # of work, then


class _Noted(Form):
    """What a record holds of use later; those of earlier versions have no timing."""

    recipe: str | None = None
    seconds: Spread | None = None
    timing: Timing | None = None


class StepRecord:
    """What is known of a step, of a recipe, on disk: `<work>/steps/<name>.json`.

    Attributes:
        seconds: how long the last attempt ran; None before its end.
        timing: of the last run from beginning to end, of this or another recipe.
        taken_up: what was begun before goes on, and takes less than all its time.
    """

    def __init__(self, work: Path, step: Step, recipe: str = "") -> None:
        self.step, self.recipe, self.taken_up = step, recipe, False
        self.file, self.log = work / "steps" / f"{step.name}.json", log_of(step, work)
        noted = _Noted()  # where there is no record, or a damaged one
        with contextlib.suppress(OSError, ValueError):
            noted = declared(_Noted, parse(self.file.read_bytes()))
        self.seconds, self.timing = noted.seconds, noted.timing
        self._made = noted.recipe  # what is there; None where that is unknown

    def is_done(self) -> bool:
        """Whether the output is this recipe's; it appears only when whole."""
        return self._made == self.recipe and files.exists(self.step.output)

    def begin(self) -> None:
        """Clears what another recipe made; notes who makes the output now."""
        output = self.step.output
        if files.exists(output):
            if self._made is None:
                raise InputError(
                    f"{output.name} is there, and step {self.step.name} has not "
                    "made it",
                    output,
                    "choose another folder to work in, or delete it",
                )
            _delete(output)
        self.taken_up = self._made == self.recipe and self.seconds is None
        if self._made != self.recipe:
            _delete(output.with_name(output.name + ".partial"))
        with writing("a step's output", output):
            output.parent.mkdir(parents=True, exist_ok=True)
        self._write(None)

    def finish(self, seconds: float) -> None:
        """Notes that the step is done, and how long it ran.

        Raises:
            InputError: its output is not there.
        """
        if not files.exists(self.step.output):
            what = f"step {self.step.name} ended without its output{_end_of(self.log)}"
            advice = "mend what it names; where it names nothing, report this as a bug"
            raise InputError(what, self.log, advice)
        if not self.taken_up:
            self.timing = Timing(seconds=seconds, amount=self.step.amount)
        self._write(seconds)

    def _write(self, seconds: float | None) -> None:
        self._made, self.seconds = self.recipe, seconds
        content = {
            "recipe": self.recipe,
            "command": shlex.join(self.step.command),
            "output": str(self.step.output),
            "seconds": seconds,
            "timing": self.timing and self.timing.model_dump(),
        }
        with writing("what is known of a step", self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(self.file, json.dumps(content, indent=1) + "\n")


def _delete(path: Path) -> None:
    with writing("in the place of what another recipe made", path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(work: Path) -> Iterator[None]:
    """Holds the folder for this process and the steps' commands, however they end.

    The commands inherit the lock: one that outlives a killed chain still writes to
    its output, and another chain must not do so beside it.

    Raises:
        InputError: another holds it.
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
