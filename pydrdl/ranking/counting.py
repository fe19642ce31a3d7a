"""The counting pass: gallery items closer than a match, in a piece of a block."""

import threading
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pydrdl.arrays import Bool, Float32, Float64, Int, Pixels
from pydrdl.ranking.scaling import squared_distances

Value = TypeVar("Value", bound=np.generic)


class Scratch(threading.local):
    """Arrays that every thread uses again; fresh memory costs more than sums."""

    def __init__(self) -> None:
        self.memory: dict[tuple[str, type[Any]], NDArray[Any]] = {}

    def array(
        self, name: str, rows: int, columns: int, kind: type[Value]
    ) -> NDArray[Value]:
        """An array of undefined content, until the next one of that name and kind."""
        held = self.memory.get((name, kind))
        if held is None or held.size < rows * columns:
            held = self.memory[name, kind] = np.empty(rows * columns, kind)
        return held[: rows * columns].reshape(rows, columns)

    def chosen(
        self, products: NDArray[Value], rows: Int, columns: Int
    ) -> NDArray[Value]:
        """Ascending rows and columns of a matrix, as a copy that may be changed."""
        kind = products.dtype.type
        some = products[rows[0] : rows[-1] + 1]
        if columns.size < some.shape[1]:
            wide = self.array("wide", len(some), columns.size, kind)
            some = np.take(some, columns, axis=1, out=wide, mode="clip")
        out = self.array("chosen", rows.size, columns.size, kind)
        return np.take(some, rows - rows[0], axis=0, out=out, mode="clip")


class Piece(NamedTuple):
    """Some probes of a trial and their pairs; n probes, T pairs, C columns.

    Columns are the distinct rows of the trial's gallery. Pairs are of a probe
    and an item of its own vehicle, in the order of the probes.
    """

    probes: Int  # (n,) rows of the probes' features
    columns: Int  # (C,) rows of the gallery's features
    places: Int  # (C,) ascending, the columns among those of all trials
    copies: Int  # (C,) how many items have that row
    row: Int  # (T,) position in probes
    item: Int  # (T,) row of the gallery's features
    column: Int  # (T,) of the item
    junk: Bool  # (T,) the item does not exist for this probe
    distance: Float64  # (T,) squared, in float64


class Keys(NamedTuple):
    """What ranks the columns of a piece, smaller is nearer, up to rounding."""

    lower: NDArray[Any]  # (n, C) no key is below; changed by counting
    upper: NDArray[Any]  # (n, C) no key is above; may be the same array
    # (T,) a column whose upper is below is nearer than the pair's item.
    low: NDArray[Any]
    high: NDArray[Any]  # (T,) one whose lower is above is farther
    exact: Bool  # (n,) all others are exactly as far

    def take_over(self, other: "Keys", probes: Bool, row: Int) -> None:
        """Replaces the keys of some probes, (n,), of a piece by others."""
        pairs = probes[row]
        self.lower[probes], self.upper[probes] = (
            other.lower[probes],
            other.upper[probes],
        )
        self.low[pairs], self.high[pairs] = other.low[pairs], other.high[pairs]
        self.exact[probes] = other.exact[probes]


class _Cut(NamedTuple):
    """Where matches divide the keys of their rows; all fields (M,)."""

    row: Int  # of each match
    low: NDArray[Any]  # as in Keys
    high: NDArray[Any]  # as in Keys
    distance: Float64  # decides between the two


def count_piece(
    piece: Piece,
    keys: Keys,
    probes: Float32,
    gallery: Float32,
    scratch: Scratch,
    limit: float = 1.0,
) -> tuple[Int, Int] | None:
    """Items of other vehicles closer to, and exactly as far as, each match: (M,).

    M is the number of pairs that are not junk. Gives up, and returns None, where a
    larger share of the keys than limit is in doubt.
    """
    matches = _take(
        _Cut(piece.row, keys.low, keys.high, piece.distance),
        np.flatnonzero(~piece.junk),
    )
    # The probe's own vehicle does not count. An item with a row of its own drops
    # out; where others have the same row, it is taken away afterwards.
    shared = piece.copies[piece.column] > 1
    own = piece.row, piece.column
    own_keys = keys.lower[own], keys.upper[own]
    keys.lower[own] = np.where(shared, own_keys[0], np.inf)
    keys.upper[own] = np.where(shared, own_keys[1], np.inf)
    closer = np.empty(matches.row.size, np.int64)
    equal = np.empty(matches.row.size, np.int64)
    # One pass for the first match of every probe, one for the second, ..
    first = np.searchsorted(matches.row, matches.row)
    turn = np.arange(matches.row.size) - first
    for number in range(int(turn.max()) + 1):
        now = np.flatnonzero(turn == number)
        cut = _take(matches, now)
        nearer, doubt, equal[now] = _sort_out(piece, keys, cut, scratch)
        if np.bitwise_count(doubt).sum(dtype=np.int64) > limit * keys.lower.size:
            return None
        less, same = _measured(piece, cut, doubt, probes, gallery)
        closer[now] = nearer + less
        equal[now] += same
    if shared.any():
        less, same = _count_own(piece, matches, np.flatnonzero(shared), own_keys)
        closer -= less
        equal -= same
    return closer, equal


def _take(cut: _Cut, chosen: Int) -> _Cut:
    return _Cut(
        cut.row[chosen], cut.low[chosen], cut.high[chosen], cut.distance[chosen]
    )


def _sort_out(
    piece: Piece, keys: Keys, cut: _Cut, scratch: Scratch
) -> tuple[Int, Pixels, Int]:
    """Sorts columns by their keys, with one cut for each of some rows.

    Returns:
        Items that are nearer, (M,); columns in doubt, (M, C) bits; items that are
        exactly as far, (M,).
    """
    lower, upper = keys.lower, keys.upper
    if cut.row.size < len(lower):
        lower = lower[cut.row]
        upper = lower if keys.lower is keys.upper else upper[cut.row]
    mask = scratch.array("mask", len(lower), piece.copies.size, np.bool_)
    below = np.packbits(np.less(upper, cut.low[:, None], out=mask), axis=1)
    nearer = _weigh(below, mask, piece.copies)
    doubt = np.packbits(np.less_equal(lower, cut.high[:, None], out=mask), axis=1)
    equal = np.zeros_like(nearer)
    exact = keys.exact[cut.row]
    if exact.any():
        equal[exact] = (_weigh(doubt, mask, piece.copies) - nearer)[exact]
        doubt[exact] = below[exact]
    doubt ^= below
    return nearer, doubt, equal


def _measured(
    piece: Piece, cut: _Cut, doubt: Pixels, probes: Float32, gallery: Float32
) -> tuple[Int, Int]:
    """Of the items in doubt, those that are nearer and those as far: (M,)."""
    match, column = _set_bits(doubt)
    far = squared_distances(
        probes, gallery, piece.probes[cut.row[match]], piece.columns[column]
    )
    copies, size = piece.copies[column], cut.row.size
    closer, equal = np.zeros((2, size), np.int64)
    less, same = far < cut.distance[match], far == cut.distance[match]
    np.add.at(closer, match[less], copies[less])
    np.add.at(equal, match[same], copies[same])
    return closer, equal


def _weigh(bits: Pixels, mask: Bool, copies: Int) -> Int:
    """The number of items in the true columns of each row."""
    if copies.size == copies.sum():
        return np.asarray(np.bitwise_count(bits).sum(axis=1, dtype=np.int64))
    # Exact in float32 below 2^24 items.
    return np.asarray(mask.astype(np.float32) @ copies.astype(np.float32), np.int64)


def _set_bits(bits: Pixels) -> tuple[Int, Int]:
    """Row and column of what is set; few are."""
    place = np.flatnonzero(bits)
    which, bit = np.nonzero(np.unpackbits(bits.ravel()[place, None], axis=1))
    row, byte = np.divmod(place[which], bits.shape[1])
    return row, byte * 8 + bit


def _count_own(
    piece: Piece,
    matches: _Cut,
    shared: Int,
    own_keys: tuple[NDArray[Any], NDArray[Any]],
) -> tuple[Int, Int]:
    """What items of the probe's own vehicle added to the counts of its matches.

    They were counted by their column, so they are judged as it was.
    """
    begin = np.searchsorted(matches.row, piece.row[shared], "left")
    count = np.searchsorted(matches.row, piece.row[shared], "right") - begin
    own = np.repeat(shared, count)
    match = np.arange(own.size) - np.repeat(np.cumsum(count) - count - begin, count)
    lower, upper = (keys[own] for keys in own_keys)
    clear = upper < matches.low[match]
    doubt = ~clear & (lower <= matches.high[match])
    far, limit = piece.distance[own], matches.distance[match]
    size = matches.row.size
    return (
        np.bincount(match[clear | (doubt & (far < limit))], minlength=size),
        np.bincount(match[doubt & (far == limit)], minlength=size),
    )
