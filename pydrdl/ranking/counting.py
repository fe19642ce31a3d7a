"""The counting pass: gallery items closer than a match, in a piece of a block."""

import threading
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pydrdl.ranking.scaling import Scaled, squared_distances

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)


class Scratch(threading.local):
    """Arrays that every thread uses again; fresh memory costs more than sums."""

    def __init__(self) -> None:
        self.memory: dict[str, NDArray[Any]] = {}

    def array(
        self, name: str, rows: int, columns: int, kind: type[Value]
    ) -> NDArray[Value]:
        """An array of undefined content, until the next one of that name."""
        held = self.memory.get(name)
        if held is None or held.size < rows * columns:
            held = self.memory[name] = np.empty(rows * columns, kind)
        return held[: rows * columns].reshape(rows, columns)


class Piece(NamedTuple):
    """Some probes of a trial and their pairs; n probes, T pairs, C columns.

    Columns are the distinct rows of the trial's gallery. Pairs are of a probe
    and an item of its own vehicle, in the order of the probes.

    Attributes:
        keys: (n, C) float32, smaller is nearer; changed here.
        probes: (n,) rows of the probes' features.
        columns: (C,) rows of the gallery's features.
        copies: (C,) how many items have that row.
        row: (T,) position in probes.
        column: (T,) of the item.
        junk: (T,) the item does not exist for this probe.
        distance: (T,) exact.
        key: (T,) exact.
        slack: (n,) how much a float32 key may err.
    """

    keys: Float32
    probes: Int
    columns: Int
    copies: Int
    row: Int
    column: Int
    junk: Bool
    distance: Float64
    key: Float64
    slack: Float64


class _Cut(NamedTuple):
    """Where matches divide the keys of their rows; all fields (M,).

    Attributes:
        row: of each match.
        low: keys below are certainly nearer than the match.
        high: keys above are certainly farther.
        distance: exact; decides between the two.
    """

    row: Int
    low: Float32
    high: Float32
    distance: Float64


def count_piece(
    piece: Piece, probes: Scaled, gallery: Float32, scratch: Scratch
) -> tuple[Int, Int]:
    """Items of other vehicles closer to, and exactly as far as, each match: (M,).

    M is the number of pairs that are not junk.
    """
    # The float64 key lies in a range of float32 ones that is safe to compare.
    slack = piece.slack[piece.row]
    below, above = np.float32(-np.inf), np.float32(np.inf)
    matches = _take(
        _Cut(
            piece.row,
            np.nextafter((piece.key - slack).astype(np.float32), below),
            np.nextafter((piece.key + slack).astype(np.float32), above),
            piece.distance,
        ),
        np.flatnonzero(~piece.junk),
    )
    # The probe's own vehicle does not count. An item with a row of its own drops
    # out; where others have the same row, it is taken away afterwards.
    shared = np.flatnonzero(piece.copies[piece.column] > 1)
    own_keys = piece.keys[piece.row, piece.column]
    piece.keys[piece.row, piece.column] = np.where(
        piece.copies[piece.column] > 1, own_keys, np.inf
    )
    closer = np.empty(matches.row.size, np.int64)
    equal = np.empty(matches.row.size, np.int64)
    # One pass for the first match of every probe, one for the second, ..
    first = np.searchsorted(matches.row, matches.row)
    turn = np.arange(matches.row.size) - first
    for number in range(int(turn.max()) + 1):
        now = np.flatnonzero(turn == number)
        cut = _take(matches, now)
        closer[now], equal[now] = _count(piece, cut, probes, gallery, scratch)
    if shared.size:
        less, same = _count_own(piece, matches, shared, own_keys)
        closer -= less
        equal -= same
    return closer, equal


def _take(cut: _Cut, chosen: Int) -> _Cut:
    return _Cut(
        cut.row[chosen], cut.low[chosen], cut.high[chosen], cut.distance[chosen]
    )


def _count(
    piece: Piece, cut: _Cut, probes: Scaled, gallery: Float32, scratch: Scratch
) -> tuple[Int, Int]:
    """Counts with one cut for each of some rows, (M,)."""
    keys = piece.keys if cut.row.size == len(piece.keys) else piece.keys[cut.row]
    mask = scratch.array("mask", len(keys), piece.copies.size, np.bool_)
    nearer = np.packbits(np.less(keys, cut.low[:, None], out=mask), axis=1)
    closer = _weigh(nearer, mask, piece.copies)
    doubt = np.packbits(np.less_equal(keys, cut.high[:, None], out=mask), axis=1)
    doubt ^= nearer
    match, column = _set_bits(doubt)
    far = squared_distances(
        probes.rows, gallery, piece.probes[cut.row[match]], piece.columns[column]
    )
    equal = np.zeros_like(closer)
    copies = piece.copies[column]
    less, same = far < cut.distance[match], far == cut.distance[match]
    np.add.at(closer, match[less], copies[less])
    np.add.at(equal, match[same], copies[same])
    return closer, equal


def _weigh(bits: NDArray[np.uint8], mask: Bool, copies: Int) -> Int:
    """The number of items in the true columns of each row."""
    if copies.size == copies.sum():
        return np.asarray(np.bitwise_count(bits).sum(axis=1, dtype=np.int64))
    # Exact in float32 below 2^24 items.
    return np.asarray(mask.astype(np.float32) @ copies.astype(np.float32), np.int64)


def _set_bits(bits: NDArray[np.uint8]) -> tuple[Int, Int]:
    """Row and column of what is set; few are."""
    place = np.flatnonzero(bits)
    which, bit = np.nonzero(np.unpackbits(bits.ravel()[place, None], axis=1))
    row, byte = np.divmod(place[which], bits.shape[1])
    return row, byte * 8 + bit


def _count_own(
    piece: Piece, matches: _Cut, shared: Int, own_keys: Float32
) -> tuple[Int, Int]:
    """What items of the probe's own vehicle added to the counts of its matches.

    They were counted by their column, so they are judged as it was.
    """
    begin = np.searchsorted(matches.row, piece.row[shared], "left")
    count = np.searchsorted(matches.row, piece.row[shared], "right") - begin
    own = np.repeat(shared, count)
    match = np.arange(own.size) - np.repeat(np.cumsum(count) - count - begin, count)
    clear = own_keys[own] < matches.low[match]
    doubt = ~clear & (own_keys[own] <= matches.high[match])
    far, limit = piece.distance[own], matches.distance[match]
    size = matches.row.size
    return (
        np.bincount(match[clear | (doubt & (far < limit))], minlength=size),
        np.bincount(match[doubt & (far == limit)], minlength=size),
    )
