"""Features made ready for distances by float32 products with a known error.

Centred on the gallery's mean and scaled so that no gallery row is longer than 1,
|p - g|^2 = |p|^2 + 2 (|g|^2 / 2 - p g), and only the bracket, the key of g, ranks
the gallery. Float32 alone would misplace near ties (and everything, where |x|^2
dwarfs the distances); error_bound says by how much a key may err.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pydrdl.arrays import Float32, Float64, Int

Real = TypeVar("Real", np.float32, np.float64)

ROWS = 256  # converted to float64 at once
PAIR_VALUES = 2**15  # measured at once: more would leave the processor's cache
CHUNK = 256  # dimensions of one GEMM: fewer err less, but are more sums to add
# A probe farther than that from the gallery's mean would overflow float32: its
# keys are shrunk, which leaves their order as it is.
LARGEST_NORM = 2.0**10


class Frame(NamedTuple):
    """What a gallery's features are centred and scaled by."""

    mean: Float64  # (D,) of the gallery
    scale: float  # power of two, so that scaling is exact
    radius: float  # the largest norm of a scaled gallery row, at most 1


class Scaled(NamedTuple):
    """N features in a frame."""

    rows: Float32  # (N, D) as given
    scaled: Float32  # (N, D) (row - mean) * scale * shrink
    norms: Float64  # (N,) of (row - mean) * scale
    shrink: Float64  # (N,) 1, but for rows far outside the gallery


def make_frame(gallery: Float32, used: Int) -> Frame:
    """The frame of the used rows of (G, D) finite features."""
    parts = [used[start : start + ROWS] for start in range(0, used.size, ROWS)]
    total = np.zeros(gallery.shape[1])
    for part in parts:
        total += gallery[part].sum(axis=0, dtype=np.float64)
    mean = total / used.size
    largest = 0.0
    for part in parts:
        centred = gallery[part] - mean
        largest = max(largest, float(np.einsum("ij,ij->i", centred, centred).max()))
    radius = float(np.sqrt(largest))
    scale = float(2.0 ** -np.ceil(np.log2(radius))) if radius > 0 else 1.0
    return Frame(mean, scale, radius * scale)


def scale_features(features: Float32, frame: Frame) -> Scaled:
    """Puts (N, D) finite features into a frame."""
    scaled = np.empty(features.shape, np.float32)
    norms = np.empty(len(features))
    shrink = np.empty(len(features))
    for start in range(0, len(features), ROWS):
        part = slice(start, start + ROWS)
        centred = (features[part] - frame.mean) * frame.scale
        norms[part] = np.sqrt(np.einsum("ij,ij->i", centred, centred))
        shrink[part] = np.minimum(1.0, LARGEST_NORM / np.maximum(norms[part], 1.0))
        centred *= shrink[part, None]
        scaled[part] = centred
    return Scaled(features, scaled, norms, shrink)


def exact_keys(
    probes: Scaled, gallery: Float32, p: Int, g: Int, distance: Float64, frame: Frame
) -> Float64:
    """Keys of gallery rows g, (N,), for probes p, in float64, from squared_distances.

    The gallery is as given, and the frame is that of its features.
    """
    norms = probes.norms[p]
    keys = (distance * frame.scale**2 - norms * norms) / 2
    # So far outside, the difference of the squares has no digits left.
    outside = np.flatnonzero(probes.shrink[p] < 1)
    for start in range(0, outside.size, ROWS):
        i = outside[start : start + ROWS]
        near = (gallery[g[i]] - frame.mean) * frame.scale
        far = (probes.rows[p[i]] - frame.mean) * frame.scale
        keys[i] = np.einsum("ij,ij->i", near / 2 - far, near)
    return np.asarray(keys * probes.shrink[p])


def dot_products(
    a: NDArray[Real], b: NDArray[Real], out: NDArray[Real], spare: NDArray[Real]
) -> None:
    """All products of rows of a (N, D) and b (M, D), into out (N, M).

    spare (N, M) is overwritten where D > CHUNK.
    """
    np.matmul(a[:, :CHUNK], b[:, :CHUNK].T, out=out)
    for start in range(CHUNK, a.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        np.matmul(a[:, part], b[:, part].T, out=spare)
        out += spare


def error_bound(norms: Float64, shrink: Float64, radius: float, width: int) -> Float64:
    """Bounds |key by dot_products - exact_keys|, for some probes: (N,).

    A float32 dot product of n terms errs in any order of summation by at most
    n u |p| |g| / (1 - n u), u = 2^-24 (Higham, Accuracy and Stability of
    Numerical Algorithms, Sec. 3.1): here n terms of a chunk, then the chunks.
    The other roundings add a few u.

    Args:
        norms: (N,) of the probes, not shrunk.
        shrink: (N,) of the probes.
        radius: largest norm of a gallery row.
        width: D.

    Raises:
        ValueError: D is too large for such a bound.
    """
    u = 2.0**-24
    terms = min(width, CHUNK) + width // CHUNK + 4
    if terms * u >= 0.25:
        raise ValueError(f"{width} dimensions are too many for float32 products")
    dot = terms * u / (1 - terms * u) * norms * shrink * radius
    rest = 8 * u * shrink * radius * (norms + radius)
    # Of exact_keys; beyond LARGEST_NORM it multiplies instead.
    double = 2.0**-52 * width * (np.minimum(norms, LARGEST_NORM) + radius) ** 2
    return np.asarray(dot + rest + double)


def squared_distances(a: Float32, b: Float32, i: Int, j: Int) -> Float64:
    """Squared L2 distance of row i of a to row j of b, in float64: (N,).

    The sum of squared differences, in an order that depends on D alone.
    """
    found = np.empty(len(i))
    pairs = max(1, PAIR_VALUES // a.shape[1])
    for start in range(0, len(i), pairs):
        part = slice(start, start + pairs)
        difference = a[i[part]].astype(np.float64)
        difference -= b[j[part]]
        difference *= difference
        found[part] = difference.sum(axis=1)
    return found


def first_equal_rows(features: Float32) -> Int:
    """For each of N rows the first row that equals it: (N,).

    Identical rows are measured once: a collapsed net costs no more than another.
    """
    bits = np.ascontiguousarray(features).view(np.uint32)
    # A sum of whole numbers has one value in any order. -0 equals 0.
    check = np.empty(len(features), np.uint64)
    for start in range(0, len(features), ROWS):
        part = bits[start : start + ROWS]
        part = np.where(part == 0x80000000, 0, part)
        check[start : start + ROWS] = part.sum(axis=1, dtype=np.uint64)
    _, place, copies = np.unique(check, return_inverse=True, return_counts=True)
    first = np.arange(len(features))
    alike = np.flatnonzero(copies[place] > 1)
    if alike.size:
        rows = np.ascontiguousarray(features[alike]) + np.float32(0)
        keys = rows.view(np.dtype((np.void, rows.shape[1] * 4))).ravel()
        _, where, which = np.unique(keys, return_index=True, return_inverse=True)
        first[alike] = alike[where[which]]
    return first
