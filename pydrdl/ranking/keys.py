"""What ranks a gallery for a block of probes: keys in float32, and in float64.

Float32 costs half and is mostly enough. It leaves a pair in doubt where its key is
within the error bound of a match's; of features in tight clusters, beside outliers or
of few values, that is nearly every pair.
"""

from typing import NamedTuple

import numpy as np

from pydrdl.arrays import Bool, Float32, Float64, Int
from pydrdl.ranking.counting import Keys, Piece, Scratch
from pydrdl.ranking.scaling import (
    CHUNK,
    ROWS,
    dot_products,
    error_bound,
    exact_keys,
    make_frame,
    scale_features,
)


class Keys32:
    """(N, D) probes and (C,) ascending rows of a (G, D) gallery, in the frame of these.

    Both are finite features, and may be the same array.
    """

    def __init__(self, probes: Float32, gallery: Float32, columns: Int) -> None:
        self._gallery = gallery
        self._frame = make_frame(gallery, columns)
        self._probes = scale_features(probes, self._frame)
        if probes is gallery:
            self._vectors = _rows(self._probes.scaled, columns)
        else:
            used = _rows(gallery, columns)
            self._vectors = scale_features(used, self._frame).scaled
        norms = np.einsum("ij,ij->i", self._vectors, self._vectors, dtype=np.float64)
        self._half_norms = (norms / 2).astype(np.float32)

    def far(self, probes: Int) -> Bool:
        """Whether some probes lie far from the whole gallery: (n,).

        Of them these keys tell more than the sum of squares in float64.
        """
        return np.asarray(self._probes.shrink[probes] < 1)

    def products(self, probes: Int, scratch: Scratch) -> Float32:
        """Products of some probes, ascending, with all columns: (n, C)."""
        shape = probes.size, len(self._vectors)
        out = scratch.array("products", *shape, np.float32)
        spare = scratch.array("spare", *shape, np.float32)
        dot_products(_rows(self._probes.scaled, probes), self._vectors, out, spare)
        return out

    def of(self, piece: Piece, products: Float32, rows: Int, scratch: Scratch) -> Keys:
        """The keys of a piece.

        Args:
            piece: some probes of a trial.
            products: what products() gave for a block.
            rows: (n,) where the piece's probes are in it.
            scratch: of this thread.
        """
        shrink = self._probes.shrink[piece.probes]
        keys = scratch.chosen(products, rows, piece.places)
        half_norms = self._half_norms[piece.places]
        if (shrink < 1).any():
            half_norms = np.multiply.outer(shrink.astype(np.float32), half_norms)
        np.subtract(half_norms, keys, out=keys)
        own = exact_keys(
            self._probes,
            self._gallery,
            piece.probes[piece.row],
            piece.item,
            piece.distance,
            self._frame,
        )
        slack = error_bound(
            self._probes.norms[piece.probes],
            shrink,
            self._frame.radius,
            self._gallery.shape[1],
        )[piece.row]
        # The float64 key lies in a range of float32 ones that is safe to compare.
        below, above = np.float32(-np.inf), np.float32(np.inf)
        return Keys(
            keys,
            keys,
            np.nextafter((own - slack).astype(np.float32), below),
            np.nextafter((own + slack).astype(np.float32), above),
            np.zeros(piece.probes.size, bool),
        )


def _rows(features: Float32, rows: Int) -> Float32:
    """Ascending rows, copied only where some between them are missing."""
    if rows.size and rows[-1] - rows[0] == rows.size - 1:
        return features[rows[0] : rows[-1] + 1]
    return features[rows]


# Tight clusters of features, as a net that has collapsed onto a few points leaves.
#
# Inside one, distances are so small beside the features that float64 products lose
# them; of differences from a member they do not.


TRIED = 64  # columns; of clusters with fewer than 1/64 of all, some are not found
SMALLEST = 1 / 128  # share of the columns; pairs in a smaller one are soon measured
TIGHT = 2.0**-30  # square of the distance over the sum of the squared norms


class Clusters(NamedTuple):
    """K clusters."""

    leaders: Int  # (K,) columns
    members: tuple[Int, ...]  # for each cluster ascending columns, each in one at most

    def nearest(self, half_distances: Float64, squares: Float64) -> Int:
        """The cluster that each of n rows lies in, -1 for none: (n,).

        Args:
            half_distances: (n, K) half the squared distances to the leaders.
            squares: (n,) squared norms.
        """
        if not self.leaders.size:
            return np.full(len(squares), -1)
        best = half_distances.argmin(axis=1)
        near = half_distances.min(axis=1) <= TIGHT / 2 * squares
        return np.asarray(np.where(near, best, -1))


def find_clusters(vectors: Float64, squares: Float64) -> Clusters:
    """Looks for tight clusters around some of (C, D) centred columns."""
    count = len(vectors)
    tried = np.arange(0, count, -(-count // TRIED))
    products = vectors[tried] @ vectors.T
    distances = squares[tried, None] + squares - 2 * products
    near = distances <= TIGHT * (squares[tried, None] + squares)
    free = np.ones(count, bool)
    leaders, members = [], []
    for leader, row in zip(tried, near, strict=True):
        found = np.flatnonzero(row & free)
        if found.size > 1 and found.size >= SMALLEST * count:
            leaders.append(leader)
            members.append(found)
            free[found] = False
    return Clusters(np.array(leaders, np.int64), tuple(members))


# Keys in float64, for searches whose distances hardly differ.
#
# To measure each pair in doubt again takes far longer than products in float64 do:
# these err 2^29 times less. Features are centred on medians, which outliers do not
# move, and inside a very tight cluster on one of its members.
#
# Ties remain. Where all features are whole multiples of one step, and lie close enough
# together, no sum is rounded at all: of 0s and 1s, of whole numbers, of values next to
# each other. Keys are then equal where distances are.


UNIT = 2.0**-53  # of rounding
MEDIANS_OF = 255  # gallery rows; odd, so that a median is a value that occurs
# Two norms of so many steps in all: the square of their sum is below 2^53 steps^2,
# and so is every sum of products or squares.
EXACT = 2.0**26


class _Norms(NamedTuple):
    """Of n vectors."""

    squares: Float64  # (n,) squared norms
    cluster: Int  # (n,) the tight cluster that it lies in, or -1
    inside: Float64  # (n,) squared norms of differences from the cluster's leader

    def of(self, rows: Int) -> "_Norms":
        """Those of some vectors."""
        return _Norms(self.squares[rows], self.cluster[rows], self.inside[rows])


class Keys64:
    """As Keys32; keys are half the squared distances."""

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
