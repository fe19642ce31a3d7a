"""The custom layers, each alone behind inputs that make its gradient large."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from pydrdl import reference
from pydrdl.gradcheck.case import (
    Case,
    Float,
    Function,
    Limits,
    MemoryNet,
    Part,
    Piece,
    Place,
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


def net_with_inputs(shapes: dict[str, Sequence[int]]) -> Any:
    """A NetParameter of Input layers, which wants their gradients too."""
    net = caffe_pb2.NetParameter(name="gradcheck", force_backward=True)
    net.state.phase = caffe_pb2.TRAIN
    for name, shape in shapes.items():
        layers.add(net, "Input", f"{name}_input", [], [name], input_param=_shape(shape))
    return net


def set_ids(sets: int, positives: int, negatives: int) -> Float:
    """Vehicle ids in the layout that the set losses ask for."""
    ids = [
        [s + 1] * positives + [100 * (s + 1) + n for n in range(negatives)]
        for s in range(sets)
    ]
    return np.array(ids, np.float64).ravel()


def _shape(shape: Sequence[int]) -> dict[str, Any]:
    return {"shape": [{"dim": list(shape)}]}


def _set_net(kind: str, **param: Any) -> Any:
    rows = SETS * ROWS
    net = net_with_inputs({"features": (rows, DIM), "ids": (rows,)})
    layers.add(
        net,
        kind,
        "loss",
        ["features", "ids"],
        ["loss"],
        loss_weight=[WEIGHT],
        **param,
    )
    return net


def _draw_sets(rng: Generator) -> Point:
    features = representable(SPREAD * rng.standard_normal((SETS * ROWS, DIM)))
    ids = set_ids(SETS, POSITIVES, NEGATIVES)
    return Point({Place("features"): features, Place("ids"): ids})


def _set_parts() -> tuple[Part, Part]:
    """The positives' and the negatives' components of the features."""
    index = np.arange(SETS * ROWS * DIM).reshape(SETS, ROWS, DIM)
    positives, negatives = index[:, :POSITIVES], index[:, POSITIVES:]
    place = Place("features")
    return (
        Part("positives", (Piece(place, positives.ravel()),)),
        Part("negatives", (Piece(place, negatives.ravel()),)),
    )


def _coupled_clusters(mode: Gradient) -> Case:
    """Eq. (6), and what each mode says its derivative is."""
    sizes = (POSITIVES, NEGATIVES, MARGIN)

    def frozen(features: Float) -> Function:
        centres = reference.centres(features, POSITIVES, NEGATIVES)
        return lambda x: (
            WEIGHT * reference.coupled_clusters_loss(x, *sizes, centres).loss
        )

    def formula(features: Float) -> Float:
        return WEIGHT * reference.coupled_clusters_gradient(features, *sizes, mode)

    def mixed(net: MemoryNet) -> bool:
        """Whether a set has several active positives and one that is not."""
        sets = np.split(net.blobs["features"].data, SETS)
        active = [
            reference.coupled_clusters_loss(s, *sizes).active_fraction for s in sets
        ]
        return any(1 / POSITIVES < share < 1 for share in active)

    param = SET_PARAM | {"gradient": mode.value}
    return Case(
        "CoupledClustersLoss",
        mode.value,
        _set_net("CoupledClustersLoss", coupled_clusters_loss_param=param),
        _draw_sets,
        _set_parts(),
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
    return Case(
        "TripletLoss",
        sampling,
        _set_net("TripletLoss", triplet_loss_param=param),
        _draw_sets,
        _set_parts(),
        mixed=mixed,
    )


def _three_bottoms() -> Case:
    """Eq. (3) over given triplets."""
    names = ("anchor", "positive", "negative")
    shape = (TRIPLETS, DIM)
    net = net_with_inputs(dict.fromkeys(names, shape))
    param = {"margin": MARGIN}
    layers.add(
        net,
        "TripletLoss",
        "loss",
        names,
        ["loss"],
        loss_weight=[WEIGHT],
        triplet_loss_param=param,
    )

    def draw(rng: Generator) -> Point:
        return Point(
            {
                Place(name): representable(SPREAD * rng.standard_normal(shape))
                for name in names
            }
        )

    return Case(
        "TripletLoss",
        "THREE_BOTTOMS",
        net,
        draw,
        tuple(Part(name, (Piece(Place(name)),)) for name in names),
        mixed=lambda net: _both_kinds(*(net.blobs[name].data for name in names)),
    )


def _both_kinds(anchor: Float, positive: Float, negative: Float) -> bool:
    loss = reference.triplet_loss(anchor, positive, negative, MARGIN, 1)
    return 0 < loss.active_fraction < 1


def _l2_normalize(in_place: bool) -> Case:
    """A weighted sum of unit vectors."""
    shape = (NORMALIZED, DIM)
    top = "x" if in_place else "y"
    net = net_with_inputs({"x": shape})
    layers.add(net, "L2Normalize", "unit", ["x"], [top], loss_weight=[1.0])

    def draw(rng: Generator) -> Point:
        x = representable(0.5 * rng.standard_normal(shape))
        return Point({Place("x"): x}, representable(rng.standard_normal(shape)))

    return Case(
        "L2Normalize",
        "IN_PLACE" if in_place else "OUT_OF_PLACE",
        net,
        draw,
        (Part("x", (Piece(Place("x")),)),),
        top=top,
    )


# The demo's mixed difference net, end to end through its three losses.


LAYER = "mixed_difference"
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
LIMITS = Limits(f32=1e-4, floor=1e-2, skipped=0.3)


def net_case(samples: int) -> Case:
    """The net with batches of noise; batch normalisation in its TRAIN phase.

    Args:
        samples: parameters to check of each learned layer, and input values.
    """
    message = _message()
    learned = [layer for layer in message.layer if layer.param]
    data = Part("data", (Piece(Place("data"), samples=samples),))
    return Case(
        LAYER,
        TRAINING.gradient,
        message,
        _draw,
        (data, *(_parameters(layer, samples) for layer in learned)),
        LIMITS,
        mixed=_mixed,
    )


def _message() -> Any:
    """The demo's train net, with inputs in place of its data layers."""
    backbone = replace(structures.DEMO, crop=SIDE)
    net = net_with_inputs(
        {
            "data": (IMAGES, 3, SIDE, SIDE),
            "vehicle_id": (IMAGES,),
            "model_id": (IMAGES,),
        }
    )
    whole = structures.train_val_net("mixed_difference", backbone, TRAINING)
    net.layer.extend(layer for layer in whole.layer if layer.type != "PairSetData")
    return net


def _parameters(layer: Any, samples: int) -> Part:
    """Mostly weights; a bias in front of batch normalisation has no effect."""
    weights = Piece(Place(layer.name, 0), samples=samples)
    bias = Piece(Place(layer.name, 1), samples=max(1, samples // 4))
    return Part(layer.name, (weights, bias))


def _draw(rng: Generator) -> Point:
    labels = rng.integers(0, TRAINING.num_models, IMAGES)
    labels[rng.integers(IMAGES)] = -1  # an image without label
    return Point(
        {
            Place("data"): representable(rng.standard_normal((IMAGES, 3, SIDE, SIDE))),
            Place("vehicle_id"): set_ids(
                TRAINING.sets, TRAINING.positives, TRAINING.negatives
            ),
            Place("model_id"): labels.astype(np.float64),
        }
    )


def _mixed(net: MemoryNet) -> bool:
    """Whether both coupled clusters losses have hinges of both kinds."""
    sizes = (TRAINING.positives, TRAINING.negatives, TRAINING.margin)
    shares = [
        reference.coupled_clusters_loss(net.blobs[name].data, *sizes).active_fraction
        for name in EMBEDDINGS
    ]
    return all(0 < share < 1 for share in shares)
