"""VeRi-776 and VERI-Wild: queries against a fixed gallery, across cameras.

A gallery item of the query's vehicle and camera is junk: it neither counts as a
match nor stands in the way of one. Both sets fix who is a query; nothing is drawn.
VeRi-776 also searches tracks: an item is then all images of a vehicle's way past a
camera, as far away as the nearest of them. Tracks are few, so plain float64 products
will do: a block of queries against all distinct images, and of each track the least.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from pydrdl.arrays import Float32, Int
from pydrdl.errors import InputError
from pydrdl.features import check_features
from pydrdl.metrics import (
    Matches,
    Rule,
    Ties,
    average_precision_from_matches,
    cmc_from_matches,
    matches_from_distances,
)
from pydrdl.parallel import Progress, unseen
from pydrdl.protocols import QueryTies
from pydrdl.ranking import Trial, rank_matches, same_vehicle
from pydrdl.ranking.scaling import first_equal_rows
from pydrdl.strict_json import Count, Form, Positive, Rate

BLOCK = 64


class Tracks(NamedTuple):
    """K tracks of gallery images."""

    rows: Int  # gallery positions, track after track
    begin: Int  # (K,) where each track begins in rows

    @classmethod
    def of(cls, tracks: Sequence[Sequence[int]]) -> "Tracks":
        """From the gallery positions of each track."""
        begin = np.cumsum([0, *map(len, tracks)])[:-1]
        return cls(np.array([i for track in tracks for i in track], np.int64), begin)

    @property
    def first(self) -> Int:
        """(K,) gallery position of one image of each track."""
        return self.rows[self.begin]


def rank_tracks(
    query: Float32,
    gallery: Float32,
    tracks: Tracks,
    query_ids: tuple[Int, Int],
    track_ids: tuple[Int, Int],
    *,
    what: str = "ranking",
    progress: Progress = unseen,
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


class CrossCameraResult(Form):
    """What one set of features scores."""

    # Of the names, vehicles and cameras of both sides, and the tracks.
    sides_sha256: str = ""
    image_to: Literal["image", "track"]  # what is found
    queries: Positive
    gallery: Positive  # images or tracks
    vehicles: Positive  # in the gallery
    junk_pairs: Count  # of a query and a gallery item, left out
    map: Rate  # by steps, ties at their expectation
    map_trapezoid: Rate  # as Market-1501's evaluation has it
    cmc: Annotated[list[Rate], Field(min_length=5)]  # expected, ranks 1 .. 50
    ties: QueryTies  # of map


def evaluate(
    query: Side,
    gallery: Side,
    *,
    tracks: Tracks | None = None,
    progress: Progress = unseen,
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
        sides_sha256=_hash(query, gallery, tracks),
        image_to="image" if tracks is None else "track",
        queries=everyone.size,
        gallery=ids.size,
        vehicles=np.unique(ids).size,
        junk_pairs=int(junk.sum()),
        map=_map(counted),
        map_trapezoid=_map(counted, rule="trapezoid"),
        cmc=cmc_from_matches(counted, max_rank=MAX_RANK).tolist(),
        ties=QueryTies(
            queries=np.unique(counted.probe[counted.equal > 0]).size / everyone.size,
            mean_equal=float(counted.equal.mean()),
            optimistic=_map(counted, ties="optimistic"),
            pessimistic=_map(counted, ties="pessimistic"),
        ),
    )


def _map(counted: Matches, *, rule: Rule = "step", ties: Ties = "expected") -> float:
    return float(average_precision_from_matches(counted, rule=rule, ties=ties).mean())


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
