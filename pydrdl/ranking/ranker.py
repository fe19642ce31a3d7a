"""One block of probes against the gallery of every trial."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pydrdl.metrics.matches import Matches
from pydrdl.ranking.counting import Piece, Scratch, count_piece
from pydrdl.ranking.scaling import (
    dot_products,
    error_bound,
    exact_keys,
    first_equal_rows,
    make_frame,
    scale_features,
    squared_distances,
)
from pydrdl.ranking.trial import Trial

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

PASS_VALUES = 2**18  # keys counted at once: 1 MiB


class Counted(NamedTuple):
    """A trial, with room for what is counted; C columns, the distinct rows.

    Attributes:
        trial: as given.
        places: (C,) ascending positions of the columns among the candidates.
        copies: (C,) how often each occurs in the gallery.
        of_item: (G,) the column of each gallery item.
        begin: (P + 1,) where the pairs of each probe begin, and the last end.
        distance: (T,) of each pair; written.
        closer: (T,) as in Matches; written.
        equal: (T,) as in Matches; written.
    """

    trial: Trial
    places: Int
    copies: Int
    of_item: Int
    begin: Int
    distance: Float64
    closer: Int
    equal: Int

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
        self.gallery = gallery
        self.candidates = np.unique(same[_all_of([t.gallery for t in trials])])
        self.rows = _all_of([t.probes for t in trials])
        self.frame = make_frame(gallery, self.candidates)
        self.probes = scale_features(probes, self.frame)
        if probes is gallery:
            self.vectors = _rows(self.probes.scaled, self.candidates)
        else:
            used = _rows(gallery, self.candidates)
            self.vectors = scale_features(used, self.frame).scaled
        norms = np.einsum("ij,ij->i", self.vectors, self.vectors, dtype=np.float64)
        self.half_norms = (norms / 2).astype(np.float32)
        self.trials = [self._prepared(trial, same) for trial in trials]
        self.scratch = Scratch()

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

    def count(self, block: Int) -> None:
        """Counts for some searched rows, ascending, in all trials."""
        shape = block.size, len(self.vectors)
        products = self.scratch.array("products", *shape, np.float32)
        spare = self.scratch.array("spare", *shape, np.float32)
        dot_products(_rows(self.probes.scaled, block), self.vectors, products, spare)
        step = max(16, PASS_VALUES // max(t.places.size for t in self.trials))
        for counted in self.trials:
            probes = counted.trial.probes
            low, high = np.searchsorted(probes, (block[0], block[-1] + 1))
            for start in range(low, high, step):
                part = slice(start, min(start + step, high))
                rows = np.searchsorted(block, probes[part])
                self._count_part(counted, part, products, rows)

    def _count_part(
        self, counted: Counted, part: slice, products: Float32, rows: Int
    ) -> None:
        """Counts for some probes of a trial; rows are theirs in products."""
        trial = counted.trial
        probes = trial.probes[part]
        pairs = slice(counted.begin[part.start], counted.begin[part.stop])
        row = trial.probe[pairs] - part.start
        item = trial.item[pairs]
        gallery_rows = trial.gallery[item]
        distance = squared_distances(
            self.probes.rows, self.gallery, probes[row], gallery_rows
        )
        shrink = self.probes.shrink[probes]
        piece = Piece(
            keys=self._keys(counted.places, shrink, products, rows),
            probes=probes,
            columns=self.candidates[counted.places],
            copies=counted.copies,
            row=row,
            column=counted.of_item[item],
            junk=trial.junk[pairs],
            distance=distance,
            key=exact_keys(
                self.probes,
                self.gallery,
                probes[row],
                gallery_rows,
                distance,
                self.frame,
            ),
            slack=error_bound(
                self.probes.norms[probes],
                shrink,
                self.frame.radius,
                self.gallery.shape[1],
            ),
        )
        kept = np.flatnonzero(~piece.junk) + pairs.start
        counted.distance[pairs] = distance
        counted.closer[kept], counted.equal[kept] = count_piece(
            piece, self.probes, self.gallery, self.scratch
        )

    def _keys(
        self, places: Int, shrink: Float64, products: Float32, rows: Int
    ) -> Float32:
        """The keys of one trial's columns, (n, C)."""
        some = products[rows[0] : rows[-1] + 1]
        if places.size < some.shape[1]:
            keys = self.scratch.array("keys", len(some), places.size, np.float32)
            some = np.take(some, places, axis=1, out=keys, mode="clip")
        keys = self.scratch.array("own keys", rows.size, places.size, np.float32)
        np.take(some, rows - rows[0], axis=0, out=keys, mode="clip")
        half_norms = self.half_norms[places]
        if (shrink < 1).any():
            half_norms = np.multiply.outer(shrink.astype(np.float32), half_norms)
        np.subtract(half_norms, keys, out=keys)
        return keys


def _all_of(rows: Sequence[Int]) -> Int:
    """The rows that occur, ascending."""
    return np.unique(np.concatenate(rows))


def _rows(features: Float32, rows: Int) -> Float32:
    """Ascending rows, copied only where some between them are missing."""
    if rows.size and rows[-1] - rows[0] == rows.size - 1:
        return features[rows[0] : rows[-1] + 1]
    return features[rows]
