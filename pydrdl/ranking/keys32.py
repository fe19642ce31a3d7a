"""Keys in float32: half the price of float64, and mostly enough."""

import numpy as np
from numpy.typing import NDArray

from pydrdl.ranking.counting import Keys, Piece
from pydrdl.ranking.scaling import (
    dot_products,
    error_bound,
    exact_keys,
    make_frame,
    scale_features,
)
from pydrdl.ranking.scratch import Scratch

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


class Keys32:
    """Probes and columns in the frame of the columns.

    Args:
        probes: (N, D) finite features.
        gallery: (G, D) finite features; may be the same array.
        columns: (C,) ascending rows of the gallery.
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
