"""VeRi-776's and VERI-Wild's numbers as a table and as JSON."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from pydrdl.evaluation.entry import Entry
from pydrdl.protocols import cross_camera
from pydrdl.results.shared import (
    entry_json,
    entry_notes,
    number,
    plain_table,
    rate,
    results_json,
    short,
    tie_note,
)

SCHEMA = "drdl.cross_camera/1"
# Queries of VeRi-776 and of VERI-Wild's three test sets, as released.
KNOWN = {
    1_678: "VeRi-776",
    3_000: "VERI-Wild, small",
    5_000: "VERI-Wild, medium",
    10_000: "VERI-Wild, large",
}
CrossCameraEntry = Entry[cross_camera.CrossCameraResult]


def cross_camera_table(entries: Sequence[CrossCameraEntry]) -> Table:
    """A row for each method."""
    gallery = "tracks" if any(e.result.tracks for e in entries) else "gallery"
    table = plain_table("queries", gallery, "MAP", "trapezoid", "rank-1", "rank-5")
    for entry in entries:
        result = entry.result
        table.add_row(
            Text(entry.name),
            f"{result.queries:,}",
            f"{result.gallery:,}",
            rate(result.step),
            rate(result.trapezoid),
            rate(result.cmc[0]),
            rate(result.cmc[4]),
        )
    return table


def cross_camera_notes(entries: Sequence[CrossCameraEntry]) -> list[str]:
    """What must be known to compare the table's numbers; a line each."""
    notes = []
    for entry in entries:
        result = entry.result
        items = "track" if result.tracks else "image"
        known = KNOWN.get(result.queries)
        notes += [
            f"{entry.name}: protocol {cross_camera.PROTOCOL}, image to {items}, "
            f"{number(result.vehicles, 'vehicle')} in the gallery"
            + (f"; as many queries as in {known}" if known else ""),
            f"  {number(result.junk, 'pair')} of the same vehicle and camera left out",
            f"  queries and gallery {short(result.sha256)}, "
            f"features {short(entry.sha256)}",
            f"  ties: {_ties(result)}",
            *entry_notes(entry),
        ]
    notes.append(
        "MAP sums precision in steps, the trapezoid column as Market-1501's "
        "evaluation does. The paper has no such table."
    )
    return notes


def cross_camera_json(entries: Iterable[CrossCameraEntry]) -> dict[str, object]:
    """All of it, for machines; curves hold ranks 1 .. 50."""
    return results_json(SCHEMA, cross_camera.PROTOCOL, map(_entry_json, entries))


def _ties(result: cross_camera.CrossCameraResult) -> str:
    ends = None
    if result.optimistic != result.pessimistic:
        ends = "MAP", result.optimistic, result.pessimistic
    return tie_note(result.tied, result.mean_equal, ends)


def _entry_json(entry: CrossCameraEntry) -> dict[str, object]:
    result = entry.result
    return {
        **entry_json(entry),
        "sides_sha256": result.sha256,
        "image_to": "track" if result.tracks else "image",
        "queries": result.queries,
        "gallery": result.gallery,
        "vehicles": result.vehicles,
        "junk_pairs": result.junk,
        "map": result.step,
        "map_trapezoid": result.trapezoid,
        "cmc": result.cmc.tolist(),
        "ties": {
            "rule": "expected",
            "queries": result.tied,
            "mean_equal": result.mean_equal,
            "optimistic": result.optimistic,
            "pessimistic": result.pessimistic,
        },
    }
