"""The demo's mixed difference net, end to end through its three losses."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from pydrdl import reference
from pydrdl.gradcheck.case import Case, Part, Piece, Place, Point, representable
from pydrdl.gradcheck.layer_cases import net_with_inputs, set_ids
from pydrdl.gradcheck.memory_net import MemoryNet
from pydrdl.gradcheck.verdict import Limits
from pydrdl.nets import structures

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
