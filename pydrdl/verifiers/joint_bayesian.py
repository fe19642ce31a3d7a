"""Joint Bayesian (Chen et al., "Bayesian Face Revisited", ECCV 2012): EM, and scores.

A feature is x = m + mu + eps: the mean of all, what its class (vehicle, or
vehicle model) adds, mu ~ N(0, S_mu), and what the image adds, eps ~ N(0, S_eps).
Two images are compared by the logarithm of how much more probable they are
together as images of one class than as images of two.

All of it is done in the basis V where V' S_eps V = 1 and V' S_mu V = diag(l):
there the dimensions are independent, for classes of any size, and nothing is
inverted but numbers. A class of n samples with sum s has in each dimension the
posterior mean w s and the posterior variance w, w = l / (1 + n l).

The score of two images is one product of matrices. With y = V'(x - m), and each
dimension by itself:

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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pydrdl.arrays import Float32, Float64, Int
from pydrdl.errors import InputError


class Classes(NamedTuple):
    """Sufficient statistics of N centred samples in C classes."""

    sums: Float64  # (C, D) sum of each class's samples
    counts: Int  # (C,) how many they are
    scatter: Float64  # (D, D) sum of x x' over all samples

    @property
    def samples(self) -> int:
        """N."""
        return int(self.counts.sum())

    @property
    def within(self) -> Float64:
        """(D, D) scatter around the class means."""
        means = self.sums / self.counts[:, None]
        return np.asarray(self.scatter - means.T @ self.sums)


def group(samples: Float64, labels: Int) -> Classes:
    """Statistics of (N, D) samples by their (N,) labels."""
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(samples[order], starts, axis=0)
    return Classes(sums, counts.astype(np.int64), samples.T @ samples)


@dataclass(frozen=True)
class Model:
    """A fitted model; D dimensions."""

    mean: Float64  # (D,) m, the mean of all training samples
    s_mu: Float64  # (D, D) covariance between classes
    s_eps: Float64  # (D, D) covariance within a class
    # Of the training samples, a sample's mean, before each step of EM and at the end.
    log_likelihoods: tuple[float, ...] = ()


class Basis(NamedTuple):
    """Where both covariances are diagonal."""

    vectors: Float64  # (D, D) V, its columns
    ratios: Float64  # (D,) l >= 0, variance between classes over variance within


def fit(
    samples: NDArray[np.floating],
    labels: Int,
    *,
    steps: int = 100,
    tolerance: float = 1e-4,
) -> Model:
    """Fits (N, D) finite samples of (N,) classes by EM, from the empirical covariances.

    The mean is that of the samples, and stays. EM ends after so many steps, or where
    one adds less than the tolerance to the mean logarithmic likelihood of a sample.

    Raises:
        InputError: fewer than two classes, or the samples vary within their
            classes in fewer than D directions.
    """
    samples = np.asarray(samples, np.float64)
    mean = samples.mean(axis=0)
    classes = group(samples - mean, np.asarray(labels, np.int64))
    s_mu, s_eps = _start(classes)
    history: list[float] = []
    for step in range(steps + 1):
        basis = diagonalise(s_mu, s_eps)
        history.append(_log_likelihood(classes, basis, s_eps) / classes.samples)
        if step == steps or (step and history[-1] - history[-2] < tolerance):
            break
        s_mu, s_eps = _em_step(classes, basis, s_eps)
    return Model(mean, s_mu, s_eps, tuple(history))


def diagonalise(s_mu: Float64, s_eps: Float64) -> Basis:
    """A model's covariances' basis; InputError where s_eps is not positive definite."""
    try:
        ratios, vectors = linalg.eigh(s_mu, s_eps)
    except linalg.LinAlgError as error:
        raise InputError(
            "the covariance within classes has no inverse: the images of a class "
            f"do not vary in all {len(s_eps)} dimensions",
            "Joint Bayesian",
            "keep fewer principal components, or train on more images",
        ) from error
    return Basis(vectors, np.maximum(ratios, 0.0))


def log_likelihood(model: Model, samples: NDArray[np.floating], labels: Int) -> float:
    """Of (N, D) samples in their classes, together; natural logarithm."""
    centred = np.asarray(samples, np.float64) - model.mean
    basis = diagonalise(model.s_mu, model.s_eps)
    return _log_likelihood(group(centred, labels), basis, model.s_eps)


def _start(classes: Classes) -> tuple[Float64, Float64]:
    """Covariance of the class means, and of the samples around them."""
    freedom = classes.samples - len(classes.counts)
    dimensions = classes.sums.shape[1]
    if len(classes.counts) < 2 or freedom < dimensions:
        raise InputError(
            f"{classes.samples:,} samples of {len(classes.counts):,} classes leave "
            f"{freedom:,} degrees of freedom within them; {dimensions:,} dimensions "
            "need at least as many, and two classes",
            "Joint Bayesian",
            "keep fewer principal components, or train on more images of a class",
        )
    means = classes.sums / classes.counts[:, None]
    return means.T @ means / len(means), classes.within / freedom


def _weights(classes: Classes, basis: Basis) -> Float64:
    """(C, D) w of each class, computed once for each number of samples."""
    counts, place = np.unique(classes.counts, return_inverse=True)
    return np.asarray((basis.ratios / (1 + np.outer(counts, basis.ratios)))[place])


def _em_step(classes: Classes, basis: Basis, s_eps: Float64) -> tuple[Float64, Float64]:
    """One step: posteriors of mu and eps, then their mean second moments.

    The sum of (x - E mu)(x - E mu)' over a class of n is X'X - s e' - e s' +
    n e e', e = E mu; the posterior covariance of each sample's eps is mu's.
    """
    weights = _weights(classes, basis)
    sums = classes.sums @ basis.vectors
    posterior = weights * sums
    number = classes.counts[:, None]
    cross = sums.T @ posterior
    mu = posterior.T @ posterior + np.diag(weights.sum(axis=0))
    eps = basis.vectors.T @ classes.scatter @ basis.vectors
    eps += (number * posterior).T @ posterior - cross - cross.T
    eps += np.diag((number * weights).sum(axis=0))
    # Back: V^-1 = V' S_eps.
    back = s_eps @ basis.vectors
    s_mu = back @ (mu / len(classes.counts)) @ back.T
    new_eps = back @ (eps / classes.samples) @ back.T
    return (s_mu + s_mu.T) / 2, (new_eps + new_eps.T) / 2


def _log_likelihood(classes: Classes, basis: Basis, s_eps: Float64) -> float:
    """Of all samples, from their sums and scatter alone."""
    n, d = classes.samples, len(basis.ratios)
    sums = classes.sums @ basis.vectors
    counts, numbers = np.unique(classes.counts, return_counts=True)
    spread = numbers @ np.log1p(np.outer(counts, basis.ratios)).sum(axis=1)
    quadratic = np.einsum(
        "ij,ik,kj->", basis.vectors, classes.scatter, basis.vectors, optimize=True
    )
    quadratic -= (_weights(classes, basis) * sums**2).sum()
    determinant = np.linalg.slogdet(s_eps).logabsdet
    return float(
        -0.5 * (n * d * np.log(2 * np.pi) + n * determinant + spread + quadratic)
    )


@dataclass(frozen=True)
class Embedding:
    """What is left of N features, of one model."""

    vectors: Float64  # (N, D) u
    biases: Float64  # (N,) b
    constant: float  # c, summed over the dimensions; the same for all

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
