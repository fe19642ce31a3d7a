"""Principal components: fewer dimensions, in which the covariances have inverses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Projection:
    """Onto the K directions in which D-dimensional features vary most.

    Attributes:
        mean: (D,) of the training features.
        axes: (K, D) orthonormal rows, the largest variance first.
        kept: share of the training features' variance that is kept.
    """

    mean: Float64
    axes: Float64
    kept: float

    def __call__(self, features: Float32) -> Float64:
        """Projects (N, D) features to (N, K)."""
        return np.asarray((features - self.mean) @ self.axes.T)


def fit_projection(features: Float32, components: int) -> Projection:
    """Fits to (N, D) features; at most min(N - 1, D) components.

    Raises:
        InputError: no component is left, or the features do not vary.
    """
    from sklearn.decomposition import PCA

    n, d = features.shape
    components = min(components, n - 1, d)
    if components < 1:
        raise InputError(
            f"{n:,} features of {d:,} dimensions have no principal component",
            "PCA",
            "train on more images, or ask for at least one component",
        )
    if (features == features[0]).all():
        raise InputError(
            f"all {n:,} features are the same, and vary in no direction",
            "PCA",
            "check the weights and the layer: the net has collapsed",
        )
    solver = "covariance_eigh" if n > d else "full"
    pca = PCA(components, svd_solver=solver).fit(features.astype(np.float64))
    return Projection(
        pca.mean_, pca.components_, float(pca.explained_variance_ratio_.sum())
    )
