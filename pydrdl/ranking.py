"""How many gallery items are closer to a probe than its match, exactly.

The work is one float32 GEMM and one counting pass for each block of probes; the
P x G distances never exist at once. Float32 alone would misplace near ties (and
everything, where |x|^2 dwarfs the distances), so it only sorts out the clear
cases: whatever lies within the rounding error bound of the match is measured
again in float64, as the sum of squared differences. The counts therefore equal
those of float64 for any BLAS and any number of threads. (Where float64 itself
cannot tell two distances apart, the clear cases still follow their exact order.)
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

RECHECK_ROWS = 4096  # pairs measured in float64 at once: 32 MiB at 1024-d
LARGEST_NORM = 2.0**30  # of a probe, where no gallery norm exceeds 1


class Counts(NamedTuple):
    """For each probe, other gallery items against its match; both (P,).

    Attributes:
        closer: items nearer than the match.
        equal: items exactly as far as the match, itself not counted.
    """

    closer: Int
    equal: Int


class _Gallery(NamedTuple):
    """The distinct gallery rows, prepared; U of them.

    Identical rows are measured once: a collapsed net costs no more than another.

    Attributes:
        rows: (U, D) as given.
        scaled: (U, D) (row - mean) * scale, so that no norm exceeds 1.
        half_norms: (U,) |scaled row|^2 / 2.
        copies: (U,) how often the row occurs.
        mean: (D,) float64.
        scale: power of two, so that scaling is exact.
        radius: largest norm of a scaled row.
    """

    rows: Float32
    scaled: Float32
    half_norms: Float32
    copies: Int
    mean: Float64
    scale: float
    radius: float


def squared_distances(a: Float32, b: Float32) -> Float64:
    """Squared L2 distance of row i of a to row i of b, in float64: (N,)."""
    difference = a.astype(np.float64) - b
    difference *= difference
    return np.asarray(difference.sum(axis=1))


def count_closer(
    probes: Float32, gallery: Float32, match: Int, *, block: int = 512
) -> Counts:
    """Ranks every probe's match among the gallery by squared L2 distance.

    Args:
        probes: (P, D) finite features, of any norm.
        gallery: (G, D) finite features.
        match: (P,) gallery row that shows the probe's vehicle.
        block: probes of one GEMM; memory grows with block x G.

    Raises:
        ValueError: shapes do not fit, or a match lies outside the gallery.
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"probes of shape {probes.shape}, gallery of shape {gallery.shape}; "
            "expected (P, D) and (G, D)"
        )
    if match.shape != probes.shape[:1]:
        raise ValueError(f"match of shape {match.shape}; expected {probes.shape[:1]}")
    if match.size and not 0 <= match.min() <= match.max() < len(gallery):
        raise ValueError(f"a match lies outside the gallery of {len(gallery)}")
    prepared, place = _prepare(gallery)
    closer, equal = np.zeros(len(probes), np.int64), np.zeros(len(probes), np.int64)
    products = np.empty((block, len(prepared.rows)), np.float32)
    for start in range(0, len(probes), block):
        part = slice(start, start + block)
        rows = np.ascontiguousarray(probes[part], np.float32)
        closer[part], equal[part] = _count_block(
            rows, prepared, place[match[part]], products[: len(rows)]
        )
    return Counts(closer, equal)


def _prepare(gallery: Float32) -> tuple[_Gallery, Int]:
    """The distinct rows, and for each gallery row its place among them: (G,)."""
    gallery = np.ascontiguousarray(gallery, np.float32) + np.float32(0)  # -0 is 0
    keys = gallery.view(np.dtype((np.void, gallery.shape[1] * 4))).ravel()
    _, first, place, copies = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    rows = gallery[first]
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    largest = float(np.sqrt(np.einsum("ij,ij->i", centred, centred).max()))
    scale = 2.0 ** -np.ceil(np.log2(largest)) if largest > 0 else 1.0
    centred *= scale
    norms = np.einsum("ij,ij->i", centred, centred)
    prepared = _Gallery(
        rows=rows,
        scaled=centred.astype(np.float32),
        half_norms=(norms / 2).astype(np.float32),
        copies=copies.astype(np.int64),
        mean=mean,
        scale=float(scale),
        radius=float(np.sqrt(norms.max())),
    )
    return prepared, place.reshape(-1).astype(np.int64)


def _count_block(
    probes: Float32, gallery: _Gallery, match: Int, products: Float32
) -> tuple[Int, Int]:
    """Counts for the probes of one block; products (block, U) is scratch.

    With p and g centred, |p - g|^2 = |p|^2 + 2 (|g|^2 / 2 - p g), and only the
    bracket ranks the gallery.
    """
    centred = (probes - gallery.mean) * gallery.scale
    norms = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    # A probe far outside the gallery would overflow float32: shrink its bracket,
    # whose order stays the same.
    shrink = np.minimum(1.0, LARGEST_NORM / np.maximum(norms, 1.0))
    p = centred * shrink[:, None]
    half_norms = gallery.half_norms
    if (shrink < 1).any():
        half_norms = np.multiply.outer(shrink.astype(np.float32), half_norms)
    np.matmul(p.astype(np.float32), gallery.scaled.T, out=products)
    keys = np.subtract(half_norms, products, out=products)
    g = gallery.scaled[match].astype(np.float64)
    own = shrink * gallery.half_norms[match] - np.einsum("ij,ij->i", p, g)
    slack = _error_bound(probes.shape[1], norms * shrink, shrink, gallery.radius)
    low = np.nextafter((own - slack).astype(np.float32), np.float32(-np.inf))
    high = np.nextafter((own + slack).astype(np.float32), np.float32(np.inf))
    clear = keys < low[:, None]
    closer = _weighted_count(clear, gallery.copies)
    unclear = keys <= high[:, None]
    unclear ^= clear
    equal = gallery.copies[match] - 1
    unclear[np.arange(len(match)), match] = False
    target = squared_distances(probes, gallery.rows[match])
    # Flat: np.nonzero of two dimensions costs a tenth of the GEMM.
    i, j = np.divmod(np.flatnonzero(unclear), unclear.shape[1])
    for start in range(0, i.size, RECHECK_ROWS):
        a, b = i[start : start + RECHECK_ROWS], j[start : start + RECHECK_ROWS]
        d = squared_distances(probes[a], gallery.rows[b])
        np.add.at(closer, a[d < target[a]], gallery.copies[b[d < target[a]]])
        np.add.at(equal, a[d == target[a]], gallery.copies[b[d == target[a]]])
    return closer, equal


def _error_bound(
    dimensions: int, norms: Float64, shrink: Float64, radius: float
) -> Float64:
    """Bounds |float32 key - true key| plus the match's own error, (block,).

    A float32 dot product in any order of summation errs by at most
    D u |p| |g| / (1 - D u), u = 2^-24 (Higham, Accuracy and Stability of
    Numerical Algorithms, Sec. 3.1); the other roundings add a few u.
    """
    u = 2.0**-24
    factor = (dimensions + 32) * u
    if factor >= 0.5:
        raise ValueError(f"{dimensions} dimensions are too many for float32 products")
    return factor / (1 - factor) * radius * (norms + shrink * radius)


def _weighted_count(mask: NDArray[np.bool_], weights: Int) -> Int:
    """The sum of the weights of each row's true entries: (rows,)."""
    if (weights == 1).all():
        return np.asarray(np.count_nonzero(mask, axis=1), np.int64)
    # Exact in float32 below 2^24 gallery items.
    total = mask.astype(np.float32) @ weights.astype(np.float32)
    return np.asarray(total, np.int64)
