"""How a command on a damaged file ended."""

import re
from enum import StrEnum

THREE_PARTS = re.compile(
    r"error: .*\n +where: .*\n +next: \S", re.IGNORECASE | re.DOTALL
)
USAGE = re.compile(r"^Usage: .*^Error: ", re.MULTILINE | re.DOTALL)
DUMPS = (
    "*** Check failure stack trace", "*** Aborted at", "Fatal Python error",
    "terminate called", "AddressSanitizer",
)  # fmt: skip
# What cli.run makes of an exception that no input should cause.
FAULT = "a fault of this program"
# What a terminal would obey: controls but tab and the ends of lines.
ESCAPES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MEMORY = 3 << 30  # bytes at most for files of kilobytes


class Verdict(StrEnum):
    """The first two are right, the others faults."""

    refused = "refused"
    accepted = "accepted"
    unexplained = "no reason given"
    changed = "another result in silence"
    left = "output left after a refusal"
    escapes = "escape sequence"
    memory = "memory"
    traceback = "traceback"
    signal = "signal or stack dump"
    hang = "hang"


RIGHT = (Verdict.refused, Verdict.accepted)


def judge(
    code: int,
    output: str,
    *,
    timed_out: bool,
    peak: int = 0,
    checks: bool = False,
    logs: bool = False,
) -> Verdict:
    """What became of a case.

    Args:
        code: exit code; minus the signal's number.
        output: stdout and stderr.
        timed_out: it took too long.
        peak: bytes of memory.
        checks: the command's task is to find faults: it tells them by exit code 1.
        logs: the output holds Caffe's log.
    """
    if timed_out:
        return Verdict.hang
    if code < 0 or code >= 128 or any(dump in output for dump in DUMPS):
        return Verdict.signal
    if "Traceback (most recent call last)" in output or FAULT in output:
        return Verdict.traceback
    # Caffe's log is as it was: it holds whole prototxt files.
    told = output[output.find("error: ") :] if logs else output
    if ESCAPES.search(told):
        return Verdict.escapes
    if peak > MEMORY:
        return Verdict.memory
    if code == 0:
        return Verdict.accepted
    if code == 1 and (checks or THREE_PARTS.search(output)):
        return Verdict.refused
    if code == 2 and (USAGE.search(output) or THREE_PARTS.search(output)):
        return Verdict.refused
    return Verdict.unexplained
