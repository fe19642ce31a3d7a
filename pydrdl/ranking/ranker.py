"""One block of probes against the gallery of every trial."""

from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pydrdl.metrics.matches import Matches
from pydrdl.ranking.counting import Keys, Piece, count_piece
from pydrdl.ranking.keys32 import Keys32
from pydrdl.ranking.keys64 import Keys64
from pydrdl.ranking.scaling import first_equal_rows, squared_distances
from pydrdl.ranking.scratch import Scratch
from pydrdl.ranking.trial import Trial

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

PASS_VALUES = 2**18  # keys counted at once: 1 MiB
# Where float32 leaves a larger share of keys in doubt, float64 is quicker.
MOST_DOUBT = 1 / 64


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
