"""Joint Bayesian's score of two images, as one product of matrices.

In the basis of joint_bayesian.py, y = V'(x - m), and each dimension by itself:

    r(y1, y2) = c + g y1 y2 - a (y1^2 + y2^2) / 2,
    g = l / (1 + 2 l),  a = l^2 / ((1 + l) (1 + 2 l)),
    c = log(1 + l) - log(1 + 2 l) / 2.

(Chen et al. write r = x1'A x1 + x2'A x2 - 2 x1'G x2, which is twice this
without c.) G is negative semidefinite, g >= 0. So with u = sqrt(g) y and
b = sum(a y^2) / 2,

    r = c + u1 u2 - b1 - b2:

a dot product and a number for each image. To rank a gallery for a probe is to
find the nearest by L2 too, with one coordinate more: see as_points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.baselines.joint_bayesian import Model, diagonalise

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Embedding:
    """What is left of N features, of one model.

    Attributes:
        vectors: (N, D) u.
        biases: (N,) b.
        constant: c, summed over the dimensions; the same for all.
    """

    vectors: Float64
    biases: Float64
    constant: float

    def rows(self, which: Int) -> "Embedding":
        """The embedding of some of the features."""
        return Embedding(self.vectors[which], self.biases[which], self.constant)


def embed(model: Model, samples: NDArray[np.floating]) -> Embedding:
    """Embeds (N, D) samples."""
    basis = diagonalise(model.s_mu, model.s_eps)
    ratios = basis.ratios
    y = (np.asarray(samples, np.float64) - model.mean) @ basis.vectors
    g = ratios / (1 + 2 * ratios)
    a = ratios**2 / ((1 + ratios) * (1 + 2 * ratios))
    constant = float((np.log1p(ratios) - np.log1p(2 * ratios) / 2).sum())
    return Embedding(y * np.sqrt(g), (y**2 @ a) / 2, constant)


def score_pairs(first: Embedding, second: Embedding) -> Float64:
    """Log likelihood ratio of each pair of rows: (N,)."""
    products = np.einsum("ij,ij->i", first.vectors, second.vectors)
    return np.asarray(first.constant + products - first.biases - second.biases)


def score_block(probes: Embedding, gallery: Embedding) -> Float64:
    """Log likelihood ratio of every probe and gallery image: (P, G)."""
    scores = probes.vectors @ gallery.vectors.T
    scores -= probes.biases[:, None]
    scores -= gallery.biases - gallery.constant
    return np.asarray(scores)


def as_points(embedding: Embedding) -> tuple[Float32, Float32]:
    """The images as probes and as gallery items, both (N, D + 1).

    For each probe the gallery in ascending order of squared L2 distance is the
    gallery in descending order of r: |p - q|^2 = |u1|^2 + 2 h - 2 (r - c + b1),
    p = (u1, 0), q = (u2, sqrt(2 h - |u2|^2 + 2 b2)), where h is a number that
    makes all roots real. An evaluator by L2 distance thus ranks by r.
    """
    room = 2 * embedding.biases - np.einsum("ij,ij->i", *[embedding.vectors] * 2)
    last = np.sqrt(room - room.min(initial=0.0))
    columns = (np.zeros_like(last), last)
    probes, gallery = (
        np.column_stack([embedding.vectors, column]).astype(np.float32)
        for column in columns
    )
    return probes, gallery
