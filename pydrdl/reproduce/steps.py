"""One command of a chain."""

import contextlib
import fcntl
import hashlib
import json
import math
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydrdl import atomic, strict_json
from pydrdl.errors import InputError, cannot_write, writing
from pydrdl.files import exists, file_sha256

LOG_LINES = 8  # of a failed step, in its message


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
        amount: of work, such as iterations: the time that the step takes grows
            with it.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    after: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    action: Callable[[Path], object] | None = None
    amount: int = 1


def log_of(step: Step, work: Path) -> Path:
    """The file that holds what a step printed."""
    return work / "logs" / f"{step.name}.log"


def end_of(log: Path) -> str:
    """The last lines of a log, to be put behind a message; "" where there are none."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    end = "\n".join("    " + line for line in lines[-LOG_LINES:])
    return f"; its log ends:\n{end}" if end else ""


# What a chain knows of its steps: `<work>/steps/<name>.json`.


@dataclass(frozen=True)
class Timing:
    """How long a step took from its beginning to its end.

    Attributes:
        seconds: so many.
        amount: the step's amount of work then.
    """

    seconds: float
    amount: int


class Record:
    """What is known of a step on disk.

    Args:
        work: the folder of the chain.
        step: which.
        recipe: of it, see recipes().

    Attributes:
        timing: of the last run from beginning to end, of this or another recipe.
    """

    def __init__(self, work: Path, step: Step, recipe: str) -> None:
        self.step, self.recipe, self.taken_up = step, recipe, False
        self.file, self.log = record_file(work, step), log_of(step, work)
        self.content = read_record(self.file)
        self.timing = _timing(self.content, step)

    @property
    def seconds(self) -> float | None:
        """How long the last attempt ran, of a step that is done."""
        return _number(self.content.get("seconds"))

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
        same = self.content.get("recipe") == self.recipe
        # What was begun before and is taken up again takes less than all its time.
        self.taken_up = same and self.seconds is None
        if not same:
            _delete(output.with_name(output.name + ".partial"))
        with writing("a step's output", output):
            output.parent.mkdir(parents=True, exist_ok=True)
        self._write(None)

    def finish(self, seconds: float) -> None:
        """Notes that the step is done, and how long it ran.

        Raises:
            InputError: its output is not there.
        """
        if not exists(self.step.output):
            raise InputError(
                f"step {self.step.name} ended without its output{end_of(self.log)}",
                self.log,
                "mend what it names; where it names nothing, report this as a bug",
            )
        if not self.taken_up:
            self.timing = Timing(seconds, self.step.amount)
        self._write(seconds)

    def _write(self, seconds: float | None) -> None:
        self.content = {
            "recipe": self.recipe,
            "command": shlex.join(self.step.command),
            "output": str(self.step.output),
            "seconds": seconds,
            "timing": None if self.timing is None else asdict(self.timing),
        }
        with writing("what is known of a step", self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self.file, json.dumps(self.content, indent=1) + "\n")


def seconds_of(step: Step, work: Path) -> float | None:
    """How long the last attempt at a step ran that is done; None before."""
    return _number(read_record(record_file(work, step)).get("seconds"))


def recipes(steps: Sequence[Step]) -> dict[str, str]:
    """SHA-256 of all that decides each step's output, by the step's name."""
    found: dict[str, str] = {}
    for step in steps:
        found[step.name] = _recipe(step, found)
    return found


def record_file(work: Path, step: Step) -> Path:
    """The file that holds what is known of a step."""
    return work / "steps" / f"{step.name}.json"


def read_record(path: Path) -> dict[str, object]:
    """What a step's record holds; nothing where there is none, or a damaged one."""
    with contextlib.suppress(OSError, ValueError):
        content = strict_json.parse(path.read_bytes())
        return content if isinstance(content, dict) else {}
    return {}


def _recipe(step: Step, recipes: Mapping[str, str]) -> str:
    """SHA-256 of all that decides the step's output."""
    known = {
        # Replacing what is there changes nothing of what is made.
        "command": [word for word in step.command if word != "--overwrite"],
        "after": [recipes[name] for name in step.after],
        "files": [file_sha256(path, "an input") for path in step.files],
    }
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _number(value: object) -> float | None:
    """A time that a record holds; None where it is damaged."""
    if isinstance(value, float) and math.isfinite(value) and value >= 0:
        return value
    return None


def _timing(content: Mapping[str, object], step: Step) -> Timing | None:
    """The timing that a record holds; those of earlier versions have none."""
    noted = content.get("timing")
    if not isinstance(noted, dict):
        return None
    seconds, amount = _number(noted.get("seconds")), noted.get("amount")
    if seconds is None or not isinstance(amount, int) or amount < 1:
        return None
    return Timing(seconds, amount)


def _delete(path: Path) -> None:
    with writing("in the place of what another recipe made", path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# One chain at a time in a folder.


LOCK_TRIES = 20  # ten a second


@contextlib.contextmanager
def alone(work: Path) -> Iterator[None]:
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
