"""VeRi-776 and VERI-Wild: queries against a fixed gallery, across cameras.

A gallery item of the query's vehicle and camera is junk: it neither counts as a
match nor stands in the way of one. Both sets fix who is a query; nothing is drawn.
VeRi-776 also searches tracks: an item is then all images of a vehicle's way past a
camera, as far away as the nearest of them. Tracks are few, so plain float64 products
will do: a block of queries against all distinct images, and of each track the least.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pydrdl.arrays import Float32, Float64, Int
from pydrdl.errors import InputError
from pydrdl.features import check_features
from pydrdl.files import read_text
from pydrdl.metrics import (
    Matches,
    Ties,
    average_precision_from_matches,
    cmc_from_matches,
    matches_from_distances,
)
from pydrdl.ranking import Progress, Trial, rank_matches, same_vehicle
from pydrdl.ranking.scaling import first_equal_rows

BLOCK = 64


class Tracks(NamedTuple):
    """K tracks of gallery images."""

    rows: Int  # gallery positions, track after track
    begin: Int  # (K,) where each track begins in rows

    @property
    def first(self) -> Int:
        """(K,) gallery position of one image of each track."""
        return self.rows[self.begin]


def read_tracks(
    path: Path, names: Sequence[str], vehicle_ids: Int, camera_ids: Int
) -> Tracks:
    """Reads a file such as test_track.txt: the image names of one track in each line.

    Of the gallery there are (G,) names, whose folders the file may leave out,
    vehicles and cameras.

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
    query: Float32,
    gallery: Float32,
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
        tracks: K tracks of gallery rows.
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


PROTOCOL = "cross-camera"
MAX_RANK = 50


@dataclass(frozen=True)
class Side:
    """The queries, or the gallery."""

    features: Float32  # (N, D) of any norm
    names: Sequence[str]  # (N,) image names
    vehicle_ids: Int  # (N,)
    camera_ids: Int  # (N,) -1 unknown
    where: object  # the features file, for messages


@dataclass(frozen=True)
class CrossCameraResult:
    """What one set of features scores."""

    sha256: str  # of the names, vehicles and cameras of both sides, and the tracks
    queries: int  # number of queries
    gallery: int  # number of gallery items, images or tracks
    tracks: bool  # whether items are tracks
    vehicles: int  # vehicles in the gallery
    junk: int  # pairs of a query and a gallery item left out
    # Mean over queries of average precision by steps, ties at their expectation.
    step: float
    trapezoid: float  # the same by trapezoids, as Market-1501's evaluation has it
    cmc: Float64  # (50,) expected match rates
    optimistic: float  # step, every tie counted for the match
    pessimistic: float  # step, every tie counted against it
    tied: float  # fraction of queries with other vehicles exactly as far as a match
    mean_equal: float  # mean number of such items, over all matches


def evaluate(
    query: Side,
    gallery: Side,
    *,
    tracks: Tracks | None = None,
    progress: Progress = lambda blocks, what, total: blocks,
) -> CrossCameraResult:
    """Scores features: queries among a gallery's images, or among its tracks.

    Raises:
        InputError: a feature is not finite or all zero, a camera is unknown,
            the two sides are of different nets, or a query has no match.
    """
    for side in (query, gallery):
        check_features(side.features, side.names, side.where)
        unknown = np.flatnonzero(side.camera_ids < 0)
        if unknown.size:
            raise InputError(
                f"{unknown.size:,} of {len(side.names):,} images have no camera, such "
                f"as {side.names[unknown[0]]!r}",
                side.where,
                "extract again from a data set whose reader knows cameras, or score "
                "without them by --protocol retrieval",
            )
    if query.features.shape[1] != gallery.features.shape[1]:
        raise InputError(
            f"queries have {query.features.shape[1]} dimensions, the gallery "
            f"{gallery.features.shape[1]}",
            gallery.where,
            "extract both with the same net",
        )
    if tracks is None:
        ids, cameras = gallery.vehicle_ids, gallery.camera_ids
    else:
        ids = gallery.vehicle_ids[tracks.first]
        cameras = gallery.camera_ids[tracks.first]
    probe, item, junk = same_vehicle(query.vehicle_ids, ids, query.camera_ids, cameras)
    _refuse_lost(query, gallery, probe[~junk], tracks is not None)
    everyone = np.arange(len(query.names))
    what = f"ranking {query.where}"
    if tracks is None:
        trial = Trial(everyone, np.arange(ids.size), probe, item, junk)
        (counted,) = rank_matches(
            query.features, gallery.features, [trial], what=what, progress=progress
        )
    else:
        counted = rank_tracks(
            query.features,
            gallery.features,
            tracks,
            (query.vehicle_ids, query.camera_ids),
            (ids, cameras),
            what=what,
            progress=progress,
        )
    return CrossCameraResult(
        sha256=_hash(query, gallery, tracks),
        queries=everyone.size,
        gallery=ids.size,
        tracks=tracks is not None,
        vehicles=np.unique(ids).size,
        junk=int(junk.sum()),
        step=_map(counted, "expected"),
        trapezoid=float(
            average_precision_from_matches(counted, rule="trapezoid").mean()
        ),
        cmc=cmc_from_matches(counted, max_rank=MAX_RANK),
        optimistic=_map(counted, "optimistic"),
        pessimistic=_map(counted, "pessimistic"),
        tied=np.unique(counted.probe[counted.equal > 0]).size / everyone.size,
        mean_equal=float(counted.equal.mean()),
    )


def _map(counted: Matches, ties: Ties) -> float:
    return float(average_precision_from_matches(counted, ties=ties).mean())


def _refuse_lost(query: Side, gallery: Side, matched: Int, tracks: bool) -> None:
    """Raises InputError where a query has no match."""
    lost = np.setdiff1d(np.arange(len(query.names)), matched)
    if not lost.size:
        return
    name, vehicle, camera = (
        side[lost[0]] for side in (query.names, query.vehicle_ids, query.camera_ids)
    )
    seen = np.unique(gallery.camera_ids[gallery.vehicle_ids == vehicle])
    by = ", ".join(map(str, seen)) or "none"
    raise InputError(
        f"{lost.size:,} of {len(query.names):,} queries have no "
        f"{'track' if tracks else 'image'} of their vehicle by another camera; the "
        f"first is {name!r}, vehicle {vehicle}, camera {camera}; cameras of the "
        f"vehicle in the gallery: {by}",
        query.where,
        "check that both files are of the same release and protocol",
    )


def _hash(query: Side, gallery: Side, tracks: Tracks | None) -> str:
    digest = hashlib.sha256()
    for side in (query, gallery):
        digest.update("\n".join(side.names).encode() + b"\0")
        digest.update(np.ascontiguousarray(side.vehicle_ids, "<i8").data)
        digest.update(np.ascontiguousarray(side.camera_ids, "<i8").data)
    if tracks is not None:
        digest.update(np.ascontiguousarray(tracks.rows, "<i8").data)
        digest.update(np.ascontiguousarray(tracks.begin, "<i8").data)
    return digest.hexdigest()
