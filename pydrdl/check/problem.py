"""One thing that is wrong with a data set, or worth knowing about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

EXAMPLES = 5  # shown of each problem


class Severity(StrEnum):
    """How bad a problem is.

    error: training or evaluation would stop, or learn and measure something
    false. warning: it runs, but look at it. info: worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Problem:
    """A kind of problem, with all its cases.

    Attributes:
        code: its name for machines, such as "missing_images".
        severity: how bad it is.
        what: one line, with numbers.
        count: how many cases (images, vehicles, lines) there are.
        examples: the first few cases: a path, an id, a file:line.
        next: what to do about it.
    """

    code: str
    severity: Severity
    what: str
    count: int
    examples: tuple[str, ...]
    next: str


def problem(
    code: str, severity: Severity, what: str, cases: Sequence[str], next_step: str
) -> list[Problem]:
    """Returns the problem of all these cases; none where there is no case.

    Args:
        code: its name for machines.
        severity: how bad it is.
        what: what the cases are; their number is put behind it.
        cases: every case.
        next_step: what to do about it.
    """
    if not cases:
        return []
    count, examples = len(cases), tuple(cases[:EXAMPLES])
    return [Problem(code, severity, f"{what}: {count:,}", count, examples, next_step)]
