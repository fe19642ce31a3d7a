"""Keys in float64, for searches whose distances hardly differ.

Float32 leaves a pair in doubt where its key is within the error bound of a match's.
Of features in clusters, beside outliers or of few values that is nearly every pair,
and to measure each again takes far longer than products in float64 do: these err 2^29
times less. Features are centred on medians, which outliers do not move, and inside a
very tight cluster on one of its members.

Ties remain. Where all features are whole multiples of one step, and lie close enough
together, no sum is rounded at all: of 0s and 1s, of whole numbers, of values next to
each other. Keys are then equal where distances are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pydrdl.ranking.clusters import find_clusters
from pydrdl.ranking.counting import Keys, Piece
from pydrdl.ranking.scaling import CHUNK, ROWS, dot_products
from pydrdl.ranking.scratch import Scratch

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

UNIT = 2.0**-53  # of rounding
MEDIANS_OF = 255  # gallery rows; odd, so that a median is a value that occurs
# Two norms of so many steps in all: the square of their sum is below 2^53 steps^2,
# and so is every sum of products or squares.
EXACT = 2.0**26


class _Norms(NamedTuple):
    """Of n vectors.

    Attributes:
        squares: (n,) squared norms.
        cluster: (n,) the tight cluster that it lies in, or -1.
        inside: (n,) squared norms of differences from the cluster's leader.
    """

    squares: Float64
    cluster: Int
    inside: Float64

    def of(self, rows: Int) -> "_Norms":
        """Those of some vectors."""
        return _Norms(self.squares[rows], self.cluster[rows], self.inside[rows])


class Keys64:
    """Probes and columns; keys are half their squared distances.

    Args:
        probes: (N, D) finite features.
        gallery: (G, D) finite features; may be the same array.
        columns: (C,) rows of the gallery.
    """

    def __init__(self, probes: Float32, gallery: Float32, columns: Int) -> None:
        self._probes, self._gallery, self._columns = probes, gallery, columns
        some = columns[:: -(-columns.size // MEDIANS_OF)]
        some = some[: some.size - 1 + some.size % 2]
        middle = some.size // 2
        self._centre = np.partition(gallery[some], middle, axis=0)[middle]
        self._vectors = np.empty((columns.size, gallery.shape[1]))
        squares = np.empty(columns.size)
        for part in _parts(columns.size):
            self._vectors[part] = _minus(gallery[columns[part]], self._centre)
            squares[part] = _squared_norms(self._vectors[part])
        self._radius = float(np.sqrt(squares.max()))
        self._step = _step(gallery, columns, self._radius / EXACT)
        self._clusters = find_clusters(self._vectors, squares)
        self._column = _Norms(
            squares, np.full(columns.size, -1), np.zeros(columns.size)
        )
        for number, members in enumerate(self._clusters.members):
            rows = _minus(gallery[columns[members]], self._leader(number))
            self._column.cluster[members] = number
            self._column.inside[members] = _squared_norms(rows)
        # Of the probes whose products were made.
        count = len(probes)
        self._probe = _Norms(np.zeros(count), np.full(count, -1), np.zeros(count))
        self._exact = np.zeros(count, bool)

    def products(self, probes: Int, scratch: Scratch) -> Float64:
        """Half the squared distances of some probes to all columns: (n, C)."""
        features = self._probes[probes]
        rows = _minus(features, self._centre)
        squares = self._probe.squares[probes] = _squared_norms(rows)
        if self._step > 0:
            self._exact[probes] = self._is_exact(features, squares)
        shape = probes.size, len(self._vectors)
        out = scratch.array("products", *shape, np.float64)
        spare = scratch.array("spare", *shape, np.float64)
        _half_distances(rows, self._vectors, squares, self._column.squares, out, spare)
        cluster = self._clusters.nearest(out[:, self._clusters.leaders], squares)
        self._probe.cluster[probes] = cluster
        for number in np.unique(cluster[cluster >= 0]):
            here = np.flatnonzero(cluster == number)
            self._measure_inside(number, probes[here], here, out)
        return out

    def _measure_inside(
        self, number: int, probes: Int, rows: Int, out: Float64
    ) -> None:
        """Replaces what out has, in some rows, of one tight cluster's columns."""
        members, leader = self._clusters.members[number], self._leader(number)
        own = _minus(self._probes[probes], leader)
        squares = self._probe.inside[probes] = _squared_norms(own)
        others = _minus(self._gallery[self._columns[members]], leader)
        found, spare = np.empty((2, rows.size, members.size))
        _half_distances(
            own, others, squares, self._column.inside[members], found, spare
        )
        out[np.ix_(rows, members)] = found

    def _leader(self, number: int) -> Float32:
        leader: Float32 = self._gallery[self._columns[self._clusters.leaders[number]]]
        return leader

    def of(self, piece: Piece, products: Float64, rows: Int, scratch: Scratch) -> Keys:
        """The keys of a piece, as Keys32.of."""
        exact = self._exact[piece.probes]
        keys = scratch.chosen(products, rows, piece.places)
        pair = piece.row, piece.column
        own = keys[pair]
        if exact.all():
            return Keys(keys, keys, own, own.copy(), exact)
        slack = self._slack(piece)
        slack[exact] = 0
        # A squared distance, which decides, is the sum of D + 3 rounded numbers.
        decided = 2 * (self._vectors.shape[1] + 8) * UNIT * piece.distance
        reach = slack[pair] + np.where(exact[piece.row], 0, decided)
        lower = scratch.array("lower", len(keys), piece.places.size, np.float64)
        np.subtract(keys, slack, out=lower)
        np.add(keys, slack, out=keys)
        return Keys(lower, keys, own - reach, own + reach, exact)

    def _slack(self, piece: Piece) -> Float64:
        """How much a key may err, (n, C)."""
        probes, columns = self._probe.of(piece.probes), self._column.of(piece.places)
        slack = np.add.outer(self._bound(probes.squares), self._bound(columns.squares))
        for number in np.unique(probes.cluster[probes.cluster >= 0]):
            rows = np.flatnonzero(probes.cluster == number)
            members = np.flatnonzero(columns.cluster == number)
            slack[np.ix_(rows, members)] = np.add.outer(
                self._bound(probes.inside[rows]), self._bound(columns.inside[members])
            )
        return slack

    def _bound(self, squares: Float64) -> Float64:
        """The share of an error bound that a vector has, from its squared norm.

        With n roundings one after the other, u each, half a distance errs by at most
        n u (|p|^2 + |g|^2 + 2 |p| |g|) / 2 (see error_bound): n u (|p|^2 + |g|^2).
        """
        width = self._vectors.shape[1]
        terms = min(width, CHUNK) + width // CHUNK + 8
        return np.asarray(2 * terms * UNIT * squares)

    def _is_exact(self, features: Float32, squares: Float64) -> Bool:
        """Of which of (n, D) probes no key is rounded, (n,)."""
        wanted = (np.sqrt(squares) + self._radius) / EXACT
        step = 2.0 ** np.ceil(np.log2(np.maximum(wanted, np.finfo(np.float32).tiny)))
        multiples = features / step[:, None]
        return np.asarray(
            (step <= self._step) & (multiples == np.rint(multiples)).all(axis=1)
        )


def _parts(size: int) -> list[slice]:
    return [slice(start, start + ROWS) for start in range(0, size, ROWS)]


def _minus(features: Float32, point: Float32) -> Float64:
    """(n, D), rounded where a float64 does not hold the difference."""
    return np.subtract(features, point, dtype=np.float64)


def _squared_norms(rows: Float64) -> Float64:
    """(n,), in chunks as the products."""
    total = np.zeros(len(rows))
    for start in range(0, rows.shape[1], CHUNK):
        part = rows[:, start : start + CHUNK]
        total += np.einsum("ij,ij->i", part, part)
    return total


def _half_distances(
    a: Float64, b: Float64, a_squares: Float64, b_squares: Float64,
    out: Float64, spare: Float64,
) -> None:  # fmt: skip
    """Half the squared distances of rows of a to rows of b, into out (N, M)."""
    dot_products(a, b, out, spare)
    np.subtract(b_squares / 2, out, out=out)
    out += a_squares[:, None] / 2


def _step(features: Float32, rows: Int, least: float) -> float:
    """The largest power of two of which all values of some rows are multiples.

    Infinity for zeros; 0 where it is below the least that is of use.
    """
    step = np.inf
    for part in _parts(rows.size):
        fraction, exponent = np.frexp(features[rows[part]].astype(np.float64))
        whole = (fraction * 2.0**53).astype(np.int64)
        lowest = (whole & -whole).astype(np.float64)
        steps = np.ldexp(lowest, exponent - 53)[lowest > 0]
        step = min(step, float(steps.min(initial=np.inf)))
        if step < least:
            return 0.0
    return step
