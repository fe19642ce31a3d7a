"""From feature files to VeRi-776's and VERI-Wild's results."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, read_features
from pydrdl.protocols import cross_camera
from pydrdl.protocols.cross_camera import read_tracks
from pydrdl.ranking import Progress
from pydrdl.results.entry import Entry, named
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

# What must not differ between queries and gallery.
MADE_BY = ("net_sha256", "weights_sha256", "weights", "layer", "preprocess")


def evaluate_cross_camera(
    queries: Sequence[Path],
    galleries: Sequence[Path],
    *,
    names: Sequence[str] = (),
    tracks: Path | None = None,
    progress: Progress = lambda blocks, what, total: blocks,
) -> list[Entry[cross_camera.CrossCameraResult]]:
    """Scores feature files of queries against those of the gallery.

    Args:
        queries: feature files, one for each method.
        galleries: as many, in the same order.
        names: a name for each; without them, the query files' names.
        tracks: a list of the gallery's tracks, to search them instead of images.
        progress: wraps blocks of queries, for a progress bar.

    Raises:
        InputError: files that cannot be used or do not belong together, or
            names that are not as many as files.
    """
    if len(galleries) != len(queries):
        raise InputError(
            f"{len(galleries)} galleries for {len(queries)} files of queries",
            "--gallery",
            "give one gallery for each file of queries, in the same order",
        )
    entries = []
    for (name, path), gallery_path in zip(
        named(queries, names), galleries, strict=True
    ):
        query, gallery = read_features(path), read_features(gallery_path)
        refuse_other_net(query.source, gallery.source, gallery_path)
        result = cross_camera.evaluate(
            _side(query, path),
            _side(gallery, gallery_path),
            tracks=None
            if tracks is None
            else read_tracks(
                tracks, gallery.names, gallery.vehicle_ids, gallery.camera_ids
            ),
            progress=progress,
        )
        entries.append(Entry(name, path, query.sha256, query.source, result))
    return entries


def refuse_other_net(a: Source, b: Source, where: Path) -> None:
    """Refuses to compare features of different nets, layers or preprocessing.

    Raises:
        InputError: they differ in one of MADE_BY.
    """
    for field in MADE_BY:
        one, other = getattr(a, field), getattr(b, field)
        # The same weights may lie at two paths.
        if one != other and not (field == "weights" and a.weights_sha256):
            raise InputError(
                f"features of another net: {field} is {other[:60]!r} here and "
                f"{one[:60]!r} in the file that it goes with",
                where,
                "extract both with the same net, weights and layer",
            )


def _side(content: FeatureSet, path: Path) -> cross_camera.Side:
    return cross_camera.Side(
        content.features,
        content.names,
        content.vehicle_ids,
        content.camera_ids,
        path,
    )


# VeRi-776's and VERI-Wild's numbers as a table and as JSON.


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
