"""VeRi-776's own answers: what each query should find, and the test tracks.

A line of gt_index.txt holds the positions in name_test.txt, from 1, of the
images with the query's vehicle in other cameras; a line of jk_index.txt those
with its vehicle in its own camera, the query itself among them, which count
neither for nor against. Lines are in the order of name_query.txt.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydrdl.datasets.lines import malformed, read_lines
from pydrdl.datasets.types import Dataset, Image
from pydrdl.errors import InputError

MATCHES = "gt_index.txt"
JUNK = "jk_index.txt"
TRACKS = "test_track.txt"
_POSITIONS = re.compile(r"\d{1,9}(\s+\d{1,9})*", re.ASCII)
Positions = tuple[int, ...]


@dataclass(frozen=True)
class Truth:
    """The answers for all queries, in their order.

    Attributes:
        matches: positions in the split test, from 0, that a query should find.
        junk: positions that are taken out of its ranking.
    """

    matches: tuple[Positions, ...]
    junk: tuple[Positions, ...]


def read_truth(dataset: Dataset) -> Truth:
    """Reads gt_index.txt and jk_index.txt.

    Args:
        dataset: as read_veri returns it.

    Raises:
        InputError: a file is missing, a line malformed, a position beyond the
            test images, or there are not as many lines as queries.
    """
    queries, gallery = (len(dataset.splits[name]) for name in ("query", "test"))
    matches, junk = (
        _read_positions(dataset.root / name, queries, gallery)
        for name in (MATCHES, JUNK)
    )
    return Truth(matches, junk)


def _read_positions(path: Path, queries: int, gallery: int) -> tuple[Positions, ...]:
    rows: dict[int, Positions] = {}
    for number, line in read_lines(path):
        if not _POSITIONS.fullmatch(line):
            raise malformed(path, number, line, "positions in name_test.txt, from 1")
        positions = tuple(int(word) for word in line.split())
        beyond = next((p for p in positions if not 1 <= p <= gallery), None)
        if beyond is not None:
            raise InputError(
                f"position {beyond} is not in 1 .. {gallery}, the lines of "
                "name_test.txt",
                f"{path}:{number}",
                "get both files from the same release",
            )
        rows[number] = tuple(p - 1 for p in positions)
    if max(rows, default=0) != queries:
        raise InputError(
            f"{max(rows, default=0)} lines; name_query.txt has {queries}",
            path,
            "get both files from the same release",
        )
    # An empty line is a query without answers.
    return tuple(rows.get(number, ()) for number in range(1, queries + 1))


def truth_faults(dataset: Dataset, truth: Truth) -> list[InputError]:
    """Compares the answers with the vehicles and cameras of the images.

    Args:
        dataset: as read_veri returns it.
        truth: as read_truth returns it.

    Returns:
        A fault for each line that differs, not raised; none where all agree.
    """
    test = dataset.splits["test"]
    positions: dict[int, list[int]] = defaultdict(list)
    for position, image in enumerate(test):
        positions[image.vehicle_id].append(position)
    faults = []
    rows = zip(dataset.splits["query"], truth.matches, truth.junk, strict=True)
    for number, (query, matches, junk) in enumerate(rows, start=1):
        same = positions[query.vehicle_id]
        near = {p for p in same if test[p].camera_id == query.camera_id}
        for name, given, expected in (
            (MATCHES, matches, set(same) - near),
            (JUNK, junk, near),
        ):
            if sorted(given) != sorted(expected):
                where = f"{dataset.root / name}:{number}"
                faults.append(_fault(query, set(given), expected, test, where))
    return faults


def _fault(
    query: Image,
    given: set[int],
    expected: set[int],
    test: Sequence[Image],
    where: str,
) -> InputError:
    odd = sorted(given ^ expected)
    example = f", such as {odd[0] + 1}, {test[odd[0]].path}" if odd else ""
    return InputError(
        f"{len(given - expected)} positions too many and {len(expected - given)} "
        f"missing for vehicle {query.vehicle_id}, camera {query.camera_id}"
        f"{example or ': one stands there twice'}",
        where,
        "get lists and answers from the same release",
    )


def read_tracks(dataset: Dataset) -> tuple[Positions, ...]:
    """Reads test_track.txt: the test images of one passing vehicle a line.

    Args:
        dataset: as read_veri returns it.

    Returns:
        The tracks as positions in the split test, from 0.

    Raises:
        InputError: the file is missing or empty, names an unknown image, or
            a track holds several vehicles or cameras.
    """
    path = dataset.root / TRACKS
    test = dataset.splits["test"]
    position = {Path(image.path).name: p for p, image in enumerate(test)}
    tracks = []
    for number, line in read_lines(path):
        track = _positions_of(line.split(), position, f"{path}:{number}")
        if len({(test[p].vehicle_id, test[p].camera_id) for p in track}) > 1:
            raise InputError(
                "a track of several vehicles or cameras",
                f"{path}:{number}",
                "get the file again",
            )
        tracks.append(track)
    if not tracks:
        raise InputError("no tracks", path, "get the file again")
    return tuple(tracks)


def _positions_of(
    names: Sequence[str], position: Mapping[str, int], where: str
) -> Positions:
    unknown = next((name for name in names if name not in position), None)
    if unknown is not None:
        raise InputError(
            f"{unknown[:60]!r} is not in name_test.txt",
            where,
            "get both files from the same release",
        )
    return tuple(position[name] for name in names)
