"""Why filters leave few rows, or none: what they ask for that no row has."""

from collections.abc import Iterator, Mapping

from pydrdl.gallery.photographs import shown_time
from pydrdl.gallery.rows import Summary, Wanted

NAMED = 10  # numbers that there are


def hint(wanted: Wanted, held: Summary, left: int) -> str:
    """What a user who gave filters should know; "" where there is nothing.

    Args:
        wanted: the filters.
        held: what the gallery holds.
        left: rows that the filters leave.
    """
    if not held.rows:
        return "the gallery is empty"
    unmet = [*_unmet(wanted, held)]
    if not left and not unmet:
        return "no row is of all these filters together"
    return "; ".join(unmet)


def _unmet(wanted: Wanted, held: Summary) -> Iterator[str]:
    for word, asked, there in (
        ("camera", (*wanted.cameras, *wanted.not_cameras), held.cameras),
        ("model", wanted.models, held.models),
    ):
        if odd := [str(number) for number in asked if number not in there]:
            yield f"no row is of {word} {', '.join(odd)} ({_there(there)})"
    if wanted.since is None and wanted.until is None:
        return
    if held.times is None:
        yield "no row has a time"
        return
    first, last = held.times
    late = wanted.since is not None and wanted.since > last
    early = wanted.until is not None and wanted.until < first
    if late or early:
        yield f"rows were taken from {shown_time(first)} to {shown_time(last)}"


def _there(counts: Mapping[int, int]) -> str:
    if not counts:
        return "none is known of any row"
    numbers = [str(number) for number in counts][:NAMED]
    more = ", ..." if len(counts) > NAMED else ""
    return f"there are {', '.join(numbers)}{more}"
