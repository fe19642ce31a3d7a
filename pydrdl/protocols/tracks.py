"""Tracks, VeRi-776's other gallery: the images of a vehicle's way past a camera.

Tracks are few, so plain float64 products will do: a block of queries against all
distinct images, and of each track the least.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.files import read_text
from pydrdl.metrics import Matches, matches_from_distances
from pydrdl.ranking import Progress
from pydrdl.ranking.scaling import first_equal_rows

BLOCK = 64
Int = NDArray[np.int64]


class Tracks(NamedTuple):
    """K tracks of gallery images.

    Attributes:
        rows: gallery positions, track after track.
        begin: (K,) where each track begins in rows.
    """

    rows: Int
    begin: Int

    @property
    def first(self) -> Int:
        """(K,) gallery position of one image of each track."""
        return self.rows[self.begin]


def read_tracks(
    path: Path, names: Sequence[str], vehicle_ids: Int, camera_ids: Int
) -> Tracks:
    """Reads a file with the image names of one track in each line.

    Args:
        path: such as VeRi-776's test_track.txt.
        names: (G,) the gallery's, whose folders the file may leave out.
        vehicle_ids: (G,).
        camera_ids: (G,).

    Raises:
        InputError: no such file, an image that the gallery lacks, or a track of
            several vehicles or cameras.
    """
    again = "give the list of tracks of this gallery"
    lines = read_text(path, "the tracks", again).split("\n")
    places = _places(names)
    tracks: list[list[int]] = []
    for number, line in enumerate(lines, 1):
        listed = line.split()
        missing = [name for name in listed if name not in places]
        if missing:
            raise InputError(
                f"the gallery has no image {missing[0]!r}", f"{path}:{number}", again
            )
        track = [places[name] for name in listed]
        if len({(vehicle_ids[i], camera_ids[i]) for i in track}) > 1:
            raise InputError(
                "a track of several vehicles or cameras", f"{path}:{number}", again
            )
        if track:
            tracks.append(track)
    if not tracks:
        raise InputError("there is no track", path, again)
    sizes = [len(track) for track in tracks]
    return Tracks(
        np.array([i for track in tracks for i in track], np.int64),
        np.cumsum([0, *sizes[:-1]]),
    )


def _places(names: Sequence[str]) -> Mapping[str, int]:
    """Positions by full name and by file name."""
    by_file = {name.rsplit("/", 1)[-1]: i for i, name in enumerate(names)}
    return by_file | {name: i for i, name in enumerate(names)}


def rank_tracks(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    tracks: Tracks,
    query_ids: tuple[Int, Int],
    track_ids: tuple[Int, Int],
    *,
    what: str = "ranking",
    progress: Progress = lambda blocks, what, total: blocks,
) -> Matches:
    """Ranks the tracks for each query; those of its vehicle and camera are junk.

    Args:
        query: (Q, D) finite features.
        gallery: (G, D) finite features.
        tracks: of gallery rows.
        query_ids: vehicles (Q,) and cameras (Q,).
        track_ids: vehicles (K,) and cameras (K,).
        what: for the progress bar.
        progress: wraps the blocks.

    Raises:
        ValueError: a query has no match.
    """
    # Identical images get one distance, whatever the order of BLAS's sums.
    distinct, column = np.unique(first_equal_rows(gallery), return_inverse=True)
    vectors = gallery[distinct].astype(np.float64)
    mean = vectors.mean(axis=0)
    vectors -= mean
    norms = np.einsum("ij,ij->i", vectors, vectors)
    columns = column.reshape(-1)[tracks.rows]
    found: list[Matches] = []

    def count(start: int) -> None:
        part = slice(start, start + BLOCK)
        points = query[part] - mean
        own = np.einsum("ij,ij->i", points, points)
        distances = own[:, None] + norms - 2 * (points @ vectors.T)
        distances = np.minimum.reduceat(distances[:, columns], tracks.begin, axis=1)
        vehicles, cameras = (ids[part] for ids in query_ids)
        same = vehicles[:, None] == track_ids[0]
        junk = same & (cameras[:, None] == track_ids[1])
        matches = matches_from_distances(distances, vehicles, track_ids[0], ignore=junk)
        found.append(matches._replace(probe=matches.probe + start))

    starts = range(0, len(query), BLOCK)
    for _ in progress(map(count, starts), what, len(starts)):
        pass
    return Matches(*(np.concatenate(field) for field in zip(*found, strict=True)))
