"""The custom layers, each alone, and the demo's whole net.

A layer stands behind inputs that make its gradient large.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from pydrdl import reference
from pydrdl.arrays import Float64
from pydrdl.gradcheck.case import (
    BlobRef,
    Case,
    Coordinates,
    Function,
    Limits,
    MemoryNet,
    Point,
    representable,
)
from pydrdl.messages import caffe_pb2
from pydrdl.nets import layers, structures
from pydrdl.reference import Gradient

SETS, POSITIVES, NEGATIVES, DIM = 3, 4, 3, 5
MARGIN, SPREAD = 80.0, 12.0  # gradients grow with the spread; all exceed 1
ROWS = POSITIVES + NEGATIVES
WEIGHT = 1.5  # of every loss, to be seen in its gradient
SEED = 7  # of TripletLoss's draws
SET_PARAM = {"positives": POSITIVES, "negatives": NEGATIVES, "margin": MARGIN}
TRIPLETS = 6  # of three bottoms
NORMALIZED = 8  # rows of L2Normalize


def layer_cases() -> Iterator[Case]:
    """Every custom layer that has a gradient, in every mode."""
    yield from (_coupled_clusters(mode) for mode in Gradient)
    yield from (_set_triplets(sampling) for sampling in ("RANDOM", "HARD"))
    yield _three_bottoms()
    yield from (_l2_normalize(in_place) for in_place in (False, True))


def net_with_inputs(shapes: Mapping[str, Sequence[int]]) -> Any:
    """A NetParameter of Input layers, which wants their gradients too."""
    net = caffe_pb2.NetParameter(name="gradcheck", force_backward=True)
    net.state.phase = caffe_pb2.TRAIN
    for name, shape in shapes.items():
        param = {"shape": [{"dim": list(shape)}]}
        layers.add(net, "Input", f"{name}_input", tops=name, input_param=param)
    return net


def set_ids(sets: int, positives: int, negatives: int) -> Float64:
    """Vehicle ids in the layout that the set losses ask for."""
    ids = [
        [s + 1] * positives + [100 * (s + 1) + n for n in range(negatives)]
        for s in range(sets)
    ]
    return np.array(ids, np.float64).ravel()


def _normal(rng: Generator, spread: float, *shape: int) -> Float64:
    return representable(spread * rng.standard_normal(shape))


def _set_case(kind: str, mode: str, param: dict[str, Any], **more: Any) -> Case:
    """A set loss, by its positives' and its negatives' features."""
    net = net_with_inputs({"features": (SETS * ROWS, DIM), "ids": (SETS * ROWS,)})
    bottoms = ["features", "ids"]
    layers.add(net, kind, "loss", bottoms, loss_weight=[WEIGHT], **param)
    index = np.arange(SETS * ROWS * DIM).reshape(SETS, ROWS, DIM)
    positives, negatives = index[:, :POSITIVES].ravel(), index[:, POSITIVES:].ravel()

    def draw(rng: Generator) -> Point:
        features = _normal(rng, SPREAD, SETS * ROWS, DIM)
        ids = set_ids(SETS, POSITIVES, NEGATIVES)
        return Point({BlobRef("features"): features, BlobRef("ids"): ids})

    both = {"positives": positives, "negatives": negatives}
    parts = {n: [Coordinates(BlobRef("features"), at)] for n, at in both.items()}
    return Case(kind, mode, net, draw, parts, **more)


def _coupled_clusters(mode: Gradient) -> Case:
    """Eq. (6), and what each mode says its derivative is."""
    sizes = (POSITIVES, NEGATIVES, MARGIN)

    def frozen(features: Float64) -> Function:
        centres = reference.centres(features, POSITIVES, NEGATIVES)
        return lambda x: (
            WEIGHT * reference.coupled_clusters_loss(x, *sizes, centres).loss
        )

    def formula(features: Float64) -> Float64:
        return WEIGHT * reference.coupled_clusters_gradient(features, *sizes, mode)

    def mixed(net: MemoryNet) -> bool:
        """Whether a set has several active positives and one that is not."""
        sets = np.split(net.blobs["features"].data, SETS)
        active = [
            reference.coupled_clusters_loss(s, *sizes).active_fraction for s in sets
        ]
        return any(1 / POSITIVES < share < 1 for share in active)

    param = {"coupled_clusters_loss_param": SET_PARAM | {"gradient": mode.value}}
    return _set_case(
        "CoupledClustersLoss",
        mode.value,
        param,
        mixed=mixed,
        frozen=frozen if mode is Gradient.CENTER_CONSTANT else None,
        formula=formula if mode is Gradient.PAPER else None,
    )


def _set_triplets(sampling: str) -> Case:
    """Eq. (3) over triplets that the layer takes from sets."""

    def mixed(net: MemoryNet) -> bool:
        features = np.array(net.blobs["features"].data)
        if sampling == "HARD":
            rows = reference.hard_triplets(features, POSITIVES, NEGATIVES)
        else:
            ids = net.blobs["ids"].data
            rows = reference.random_triplets(SETS, POSITIVES, NEGATIVES, SEED, ids)
        return _both_kinds(*(features[column] for column in rows.T))

    param = SET_PARAM | {"sampling": sampling, "seed": SEED}
    more = {"triplet_loss_param": param}
    return _set_case("TripletLoss", sampling, more, mixed=mixed)


def _three_bottoms() -> Case:
    """Eq. (3) over given triplets."""
    names = ("anchor", "positive", "negative")
    net = net_with_inputs(dict.fromkeys(names, (TRIPLETS, DIM)))
    layers.add(
        net,
        "TripletLoss",
        "loss",
        names,
        loss_weight=[WEIGHT],
        triplet_loss_param={"margin": MARGIN},
    )

    def draw(rng: Generator) -> Point:
        return Point({BlobRef(n): _normal(rng, SPREAD, TRIPLETS, DIM) for n in names})

    return Case(
        "TripletLoss",
        "THREE_BOTTOMS",
        net,
        draw,
        {name: [Coordinates(BlobRef(name))] for name in names},
        mixed=lambda net: _both_kinds(*(net.blobs[name].data for name in names)),
    )


def _both_kinds(anchor: Float64, positive: Float64, negative: Float64) -> bool:
    loss = reference.triplet_loss(anchor, positive, negative, MARGIN, 1)
    return 0 < loss.active_fraction < 1


def _l2_normalize(in_place: bool) -> Case:
    """A weighted sum of unit vectors."""
    shape = (NORMALIZED, DIM)
    top = "x" if in_place else "y"
    net = net_with_inputs({"x": shape})
    layers.add(net, "L2Normalize", "unit", "x", top, loss_weight=[1.0])

    def draw(rng: Generator) -> Point:
        x = _normal(rng, 0.5, *shape)
        return Point({BlobRef("x"): x}, _normal(rng, 1, *shape))

    mode = "IN_PLACE" if in_place else "OUT_OF_PLACE"
    parts = {"x": [Coordinates(BlobRef("x"))]}
    return Case("L2Normalize", mode, net, draw, parts, top=top)


# The demo's mixed difference net, end to end through its three losses.

# Of the input, pixels. The demo's 64 has so many ReLUs that most steps cross
# the kink of one.
SIDE = 24
TRAINING = structures.Training(
    train_lmdb="",
    test_lmdb="",
    num_models=4,
    sets=2,
    positives=3,
    negatives=3,
    margin=0.5,  # features of noise have hinges of both kinds
    gradient="EXACT",  # the other modes are no derivatives
)
IMAGES = TRAINING.sets * (TRAINING.positives + TRAINING.negatives)
EMBEDDINGS = ("ccl_lower_unit", "ccl_unit")
# Gradients of weights in front of batch normalisation do not grow with their
# inputs. A switch of one in thousands of ReLUs is as common as small.
NET_LIMITS = Limits(f32=1e-4, floor=1e-2, skipped=0.3)


def net_case(samples: int) -> Case:
    """The net with batches of noise; batch normalisation in its TRAIN phase.

    samples are checked of each learned layer's parameters, and of input values.
    """
    data, ids = (IMAGES, 3, SIDE, SIDE), (IMAGES,)
    net = net_with_inputs({"data": data, "vehicle_id": ids, "model_id": ids})
    backbone = replace(structures.DEMO, crop=SIDE)
    whole = structures.train_val_net("mixed_difference", backbone, TRAINING)
    net.layer.extend(layer for layer in whole.layer if layer.type != "PairSetData")
    sizes = (TRAINING.positives, TRAINING.negatives)

    def draw(rng: Generator) -> Point:
        labels = rng.integers(0, TRAINING.num_models, IMAGES)
        labels[rng.integers(IMAGES)] = -1  # an image without label
        return Point(
            {
                BlobRef("data"): _normal(rng, 1, *data),
                BlobRef("vehicle_id"): set_ids(TRAINING.sets, *sizes),
                BlobRef("model_id"): labels.astype(np.float64),
            }
        )

    def mixed(net: MemoryNet) -> bool:
        """Whether both coupled clusters losses have hinges of both kinds."""
        losses = (
            reference.coupled_clusters_loss(
                net.blobs[name].data, *sizes, TRAINING.margin
            )
            for name in EMBEDDINGS
        )
        return all(0 < loss.active_fraction < 1 for loss in losses)

    parts = {"data": [Coordinates(BlobRef("data"), samples=samples)]}
    for layer in net.layer:
        if layer.param:  # a bias in front of batch normalisation has no effect
            weights = Coordinates(BlobRef(layer.name, 0), samples=samples)
            few = max(1, samples // 4)
            bias = Coordinates(BlobRef(layer.name, 1), samples=few)
            parts[layer.name] = [weights, bias]
    mode = TRAINING.gradient
    return Case("mixed_difference", mode, net, draw, parts, NET_LIMITS, mixed=mixed)
