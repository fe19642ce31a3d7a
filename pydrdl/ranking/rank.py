"""Ranking by blocks of probes, one a thread, against the gallery of every trial."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from pydrdl.arrays import Bool, Float32, Float64, Int
from pydrdl.metrics.matches import Matches
from pydrdl.parallel import Progress, unseen
from pydrdl.ranking.counting import Keys, Piece, Scratch, count_piece
from pydrdl.ranking.keys import Keys32, Keys64
from pydrdl.ranking.scaling import first_equal_rows, squared_distances


@dataclass(frozen=True)
class Trial:
    """Who is searched for among whom."""

    probes: Int  # (P,) ascending rows of the probes' features
    gallery: Int  # (G,) rows of the gallery's features
    # (T,) ascending: for each pair of a probe and a gallery item of the same vehicle,
    # the position in probes.
    probe: Int
    item: Int  # (T,) its position in gallery
    # (T,) the item does not exist for this probe; otherwise it is a match, of which
    # every probe has one.
    junk: Bool

    def check(self, probes: int, gallery: int) -> None:
        """Raises ValueError where it does not fit so many rows, or lacks a match."""
        for rows, size, what in (
            (self.probes, probes, "a probe lies outside the features"),
            (self.gallery, gallery, "a gallery item lies outside the features"),
            (self.item, self.gallery.size, "a match lies outside the gallery"),
        ):
            if rows.size and not 0 <= rows.min() <= rows.max() < size:
                raise ValueError(f"{what} of {size}")
        if (np.diff(self.probes) <= 0).any() or (np.diff(self.probe) < 0).any():
            raise ValueError("the probes do not ascend")
        matched = np.bincount(self.probe[~self.junk], minlength=self.probes.size)
        lost = np.flatnonzero(matched == 0)
        if lost.size:
            raise ValueError(
                f"{lost.size} probes have no match; the first is {lost[0]}"
            )


def same_vehicle(
    probe_ids: Int,
    gallery_ids: Int,
    probe_cameras: Int | None = None,
    gallery_cameras: Int | None = None,
) -> tuple[Int, Int, Bool]:
    """The pairs of a Trial: probe, item and junk.

    Args:
        probe_ids: (P,) vehicle of each probe.
        gallery_ids: (G,) vehicle of each gallery item.
        probe_cameras: (P,) where items of the same vehicle and camera are junk.
        gallery_cameras: (G,) as above.
    """
    order = np.argsort(gallery_ids, kind="stable")
    ordered = gallery_ids[order]
    first = np.searchsorted(ordered, probe_ids, "left")
    count = np.searchsorted(ordered, probe_ids, "right") - first
    probe = np.repeat(np.arange(len(probe_ids)), count)
    item = order[
        np.arange(probe.size) - np.repeat(np.cumsum(count) - count - first, count)
    ]
    if probe_cameras is None or gallery_cameras is None:
        return probe, item, np.zeros(probe.size, bool)
    return probe, item, probe_cameras[probe] == gallery_cameras[item]


PASS_VALUES = 2**18  # keys counted at once: 1 MiB
# Where float32 leaves a larger share of keys in doubt, float64 is quicker.
MOST_DOUBT = 1 / 64


class Counted(NamedTuple):
    """A trial, with room for what is counted; C columns, the distinct rows."""

    trial: Trial  # as given
    places: Int  # (C,) ascending positions of the columns among the candidates
    copies: Int  # (C,) how often each occurs in the gallery
    of_item: Int  # (G,) the column of each gallery item
    begin: Int  # (P + 1,) where the pairs of each probe begin, and the last end
    distance: Float64  # (T,) of each pair; written
    closer: Int  # (T,) as in Matches; written
    equal: Int  # (T,) as in Matches; written

    def matches(self) -> Matches:
        """What was written, without junk."""
        kept = ~self.trial.junk
        return Matches(
            self.trial.probe[kept],
            self.distance[kept],
            self.closer[kept],
            self.equal[kept],
        )


class Ranker:
    """Features and trials, ready for blocks of searched rows in any order."""

    def __init__(
        self, probes: Float32, gallery: Float32, trials: Sequence[Trial]
    ) -> None:
        same = first_equal_rows(gallery)
        self.probes, self.gallery = probes, gallery
        self.candidates = np.unique(same[_all_of([t.gallery for t in trials])])
        self.rows = _all_of([t.probes for t in trials])
        self.trials = [self._prepared(trial, same) for trial in trials]
        self.scratch = Scratch()
        self.keys32 = Keys32(probes, gallery, self.candidates)
        self._keys64: Keys64 | None = None
        self._lock = Lock()

    def _prepared(self, trial: Trial, same: Int) -> Counted:
        distinct, of_item, copies = np.unique(
            same[trial.gallery], return_inverse=True, return_counts=True
        )
        pairs = trial.probe.size
        return Counted(
            trial,
            np.searchsorted(self.candidates, distinct),
            copies,
            of_item.reshape(-1),
            np.searchsorted(trial.probe, np.arange(trial.probes.size + 1)),
            np.empty(pairs),
            np.empty(pairs, np.int64),
            np.empty(pairs, np.int64),
        )

    def count(self, rows: Int) -> None:
        """Counts for some searched rows, ascending, in all trials."""
        block = _Block(self, rows)
        step = max(16, PASS_VALUES // max(t.places.size for t in self.trials))
        for counted in self.trials:
            probes = counted.trial.probes
            low, high = np.searchsorted(probes, (rows[0], rows[-1] + 1))
            for start in range(low, high, step):
                self._count_part(counted, slice(start, min(start + step, high)), block)

    def _count_part(self, counted: Counted, part: slice, block: "_Block") -> None:
        """Counts for some probes of a trial."""
        pairs = slice(counted.begin[part.start], counted.begin[part.stop])
        piece = self._piece(counted, part, pairs)
        found = None
        if self._keys64 is None:
            found = self._counted(piece, block.keys32(piece), MOST_DOUBT)
        if found is None:
            found = self._counted(piece, self._near_keys(piece, block), 1.0)
        assert found is not None  # all may be in doubt
        kept = np.flatnonzero(~piece.junk) + pairs.start
        counted.distance[pairs] = piece.distance
        counted.closer[kept], counted.equal[kept] = found

    def _piece(self, counted: Counted, part: slice, pairs: slice) -> Piece:
        trial = counted.trial
        probes, row = trial.probes[part], trial.probe[pairs] - part.start
        item = trial.item[pairs]
        return Piece(
            probes=probes,
            columns=self.candidates[counted.places],
            places=counted.places,
            copies=counted.copies,
            row=row,
            item=trial.gallery[item],
            column=counted.of_item[item],
            junk=trial.junk[pairs],
            distance=squared_distances(
                self.probes, self.gallery, probes[row], trial.gallery[item]
            ),
        )

    def _counted(
        self, piece: Piece, keys: Keys, limit: float
    ) -> tuple[Int, Int] | None:
        return count_piece(piece, keys, self.probes, self.gallery, self.scratch, limit)

    def _near_keys(self, piece: Piece, block: "_Block") -> Keys:
        keys = block.keys64(piece)
        far = self.keys32.far(piece.probes)
        if far.any():
            keys.take_over(block.keys32(piece), far, piece.row)
        return keys

    def keys64(self) -> Keys64:
        """Made when a block needs it; all that follow then begin with it."""
        with self._lock:
            if self._keys64 is None:
                self._keys64 = Keys64(self.probes, self.gallery, self.candidates)
            return self._keys64


class _Block:
    """Searched rows, ascending, and their products with all columns, once needed."""

    def __init__(self, ranker: Ranker, rows: Int) -> None:
        self._ranker, self._rows = ranker, rows

    @cached_property
    def _products32(self) -> Float32:
        return self._ranker.keys32.products(self._rows, self._ranker.scratch)

    @cached_property
    def _products64(self) -> Float64:
        return self._ranker.keys64().products(self._rows, self._ranker.scratch)

    def keys32(self, piece: Piece) -> Keys:
        """Keys of a piece whose probes are among the rows."""
        rows = np.searchsorted(self._rows, piece.probes)
        ranker = self._ranker
        return ranker.keys32.of(piece, self._products32, rows, ranker.scratch)

    def keys64(self, piece: Piece) -> Keys:
        """As keys32."""
        products = self._products64
        rows = np.searchsorted(self._rows, piece.probes)
        ranker = self._ranker
        return ranker.keys64().of(piece, products, rows, ranker.scratch)


def _all_of(rows: Sequence[Int]) -> Int:
    """The rows that occur, ascending."""
    return np.unique(np.concatenate(rows))


BLOCK_VALUES = 2**22  # products of one thread at a time: 16 MiB
BLOCK_ROWS = 512  # more make the GEMM hardly faster
FIRST_ROWS = 64  # may show that float32 will not do: little is then lost


def count_closer(
    probes: Float32, gallery: Float32, match: Int, *, block: int = BLOCK_ROWS
) -> Matches:
    """Ranks every probe's match among the gallery by squared L2 distance: all (P,).

    Args:
        probes: (P, D) finite features, of any norm.
        gallery: (G, D) finite features.
        match: (P,) gallery row that shows the probe's vehicle.
        block: probes of one GEMM; memory grows with block x G.

    Raises:
        ValueError: shapes do not fit, or a match lies outside the gallery.
    """
    if match.shape != probes.shape[:1]:
        raise ValueError(f"match of shape {match.shape}; expected {probes.shape[:1]}")
    everyone = np.arange(len(probes))
    trial = Trial(
        everyone,
        np.arange(len(gallery)),
        everyone,
        np.asarray(match, np.int64),
        np.zeros(len(probes), bool),
    )
    (found,) = rank_matches(probes, gallery, [trial], block=block)
    return found


def rank_matches(
    probes: Float32,
    gallery: Float32,
    trials: Sequence[Trial],
    *,
    block: int = BLOCK_ROWS,
    what: str = "ranking",
    progress: Progress = unseen,
) -> list[Matches]:
    """Ranks every match of every trial by squared L2 distance.

    Args:
        probes: (N, D) finite features, of any norm.
        gallery: (M, D) finite features; may be the same array.
        trials: rows of the two.
        block: the most probes of one GEMM.
        what: for the progress bar.
        progress: wraps the blocks.

    Returns:
        For each trial its matches, in the order of its pairs.

    Raises:
        ValueError: shapes or rows do not fit, or a probe has no match.
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"probes of shape {probes.shape}, gallery of shape {gallery.shape}; "
            "expected (P, D) and (G, D)"
        )
    for trial in trials:
        trial.check(len(probes), len(gallery))
    ranker = Ranker(probes, gallery, trials)
    size = min(block, max(64, BLOCK_VALUES // ranker.candidates.size))
    first = min(FIRST_ROWS, size)
    ends = [first, *range(first + size, ranker.rows.size, size)]
    blocks = [part for part in np.split(ranker.rows, ends) if part.size]
    for _ in progress(_in_threads(ranker.count, blocks), what, len(blocks)):
        pass
    return [counted.matches() for counted in ranker.trials]


def _in_threads(work: Callable[[Int], None], blocks: Sequence[Int]) -> Iterator[None]:
    """As many threads as BLAS would take, each with a block and a BLAS of its own.

    Counting is then as parallel as multiplying; NumPy lets other threads run.
    """
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    threads = min([pool["num_threads"] for pool in pools], default=1)
    with (
        threadpool_limits(1 if threads > 1 else None, user_api="blas"),
        ThreadPoolExecutor(threads) as pool,
    ):
        try:
            yield from pool.map(work, blocks)
        finally:
            pool.shutdown(cancel_futures=True)
