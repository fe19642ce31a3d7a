"""The losses that benchmarks/loss_layers.py times: what to compute, and the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pydrdl import reference
from pydrdl.gradcheck.case import MemoryNet
from pydrdl.gradcheck.cases import net_with_inputs, set_ids
from pydrdl.nets import layers
from pydrdl.reference import Gradient

POSITIVES, NEGATIVES = 5, 5  # the paper's sets
ROWS = POSITIVES + NEGATIVES
MARGIN = 0.37  # half of the clusters' hinges are active, and all triplets
ROOM = 1e-5  # more than rounding in float moves a squared distance
SEED = 7  # of TripletLoss's draws
CLUSTERS = ("EXACT", "CENTER_CONSTANT")
TRIPLETS = ("RANDOM", "HARD")
WAYS = (*CLUSTERS, *TRIPLETS)

Float = NDArray[Any]


@dataclass(frozen=True)
class Work:
    """One loss over one batch, and what must come out.

    Attributes:
        way: a gradient mode of CoupledClustersLoss or a sampling of TripletLoss.
        sets: of POSITIVES + NEGATIVES rows.
        features: unit vectors (sets * ROWS x D), float32.
        triplets: rows of anchor, positive, negative (T x 3); None for clusters.
        loss, gradient: by the NumPy reference, in double.
    """

    way: str
    sets: int
    features: Float
    triplets: Float | None
    loss: float
    gradient: Float

    @property
    def layer(self) -> str:
        """The layer's type."""
        return "CoupledClustersLoss" if self.way in CLUSTERS else "TripletLoss"

    @property
    def least_bytes(self) -> int:
        """What a forward and a backward pass cannot help but move.

        Forward reads every row, of RANDOM only those drawn. Backward reads the
        rows whose values are in the gradient, the positives and the nearest
        negative of every set or the triplets' rows, and writes every row.
        """
        every = len(self.features)
        if self.triplets is None:
            used = self.sets * (POSITIVES + 1)
        else:
            used = len(np.unique(self.triplets))
        first = used if self.way == "RANDOM" else every
        row_bytes = self.features[0].nbytes
        return (first + used + every) * row_bytes


def make_work(way: str, sets: int, dim: int, seed: int) -> Work:
    """Draws a batch and computes its loss and gradient in double.

    Sets in which rounding could decide which row is nearest, or which hinge is
    active, are drawn again; dim must leave room for others.
    """
    random = np.random.default_rng(seed)
    features = np.empty((sets, ROWS, dim), np.float32)
    wanted = np.arange(sets)
    while wanted.size:
        drawn = random.standard_normal((wanted.size, ROWS, dim))
        features[wanted] = drawn / np.linalg.norm(drawn, axis=2, keepdims=True)
        wanted = wanted[_closest_call(features[wanted].astype(np.float64)) < ROOM]
    return _work(way, features.reshape(-1, dim), sets)


def _closest_call(sets: Float) -> Float:
    """The smallest difference that a loss's choices hang on, of every set.

    Args:
        sets: of unit vectors (S x ROWS x D).
    """
    positive, negative = sets[:, :POSITIVES], sets[:, POSITIVES:]
    centre = positive.mean(axis=1, keepdims=True)
    to_centre = np.square(positive - centre).sum(axis=2)
    near = np.sort(np.square(negative - centre).sum(axis=2))
    distance = 2 - 2 * positive @ sets.swapaxes(1, 2)  # S x anchors x ROWS
    far, close = distance[:, :, :POSITIVES], distance[:, :, POSITIVES:]
    differences = (
        near[:, 1] - near[:, 0],
        to_centre + MARGIN - near[:, :1],
        np.diff(np.sort(far)[:, :, -2:]),
        np.diff(np.sort(close)[:, :, :2]),
        far[:, :, :, None] + MARGIN - close[:, :, None],
    )
    return np.min([abs(d).reshape(len(sets), -1).min(1) for d in differences], axis=0)


def _work(way: str, features: Float, sets: int) -> Work:
    if way in CLUSTERS:
        sizes = (features, POSITIVES, NEGATIVES, MARGIN)
        loss = reference.coupled_clusters_loss(*sizes).loss
        gradient = reference.coupled_clusters_gradient(*sizes, Gradient[way])
        return Work(way, sets, features, None, loss, gradient)
    triplets = _triplets(way, features, sets)
    apn = [features[rows].astype(np.float64) for rows in triplets.T]
    loss = reference.triplet_loss(*apn, MARGIN, sets).loss
    gradient = np.zeros(features.shape)
    parts = reference.triplet_gradient(*apn, MARGIN, sets)
    for rows, part in zip(triplets.T, parts, strict=True):
        np.add.at(gradient, rows, part)
    return Work(way, sets, features, triplets, loss, gradient)


def _triplets(way: str, features: Float, sets: int) -> Float:
    if way == "HARD":
        return reference.hard_triplets(features, POSITIVES, NEGATIVES)
    ids = set_ids(sets, POSITIVES, NEGATIVES)
    return reference.random_triplets(sets, POSITIVES, NEGATIVES, SEED, ids)


def loss_net(way: str, sets: int, dim: int) -> MemoryNet:
    """A net of this loss alone, with vehicle ids as training nets have them."""
    rows = sets * ROWS
    net = net_with_inputs({"features": (rows, dim), "ids": (rows,)})
    param: Mapping[str, Any] = {
        "positives": POSITIVES,
        "negatives": NEGATIVES,
        "margin": MARGIN,
    }
    bottoms, tops = ["features", "ids"], ["loss"]
    if way in CLUSTERS:
        more = {"coupled_clusters_loss_param": {**param, "gradient": way}}
        layers.add(net, "CoupledClustersLoss", "set_loss", bottoms, tops, **more)
    else:
        more = {"triplet_loss_param": {**param, "sampling": way, "seed": SEED}}
        layers.add(net, "TripletLoss", "set_loss", bottoms, tops, **more)
    opened = MemoryNet(net, "f32")
    opened.blobs["ids"].data[...] = set_ids(sets, POSITIVES, NEGATIVES)
    return opened
