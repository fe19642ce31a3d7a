"""Which parts of two photographs make their features near or far.

Of the squared distance d = |f(a) - f(b)|^2, the net is asked in reverse, from
dd/df(a) = 2 (f(a) - f(b)) and dd/df(b) = -2 (f(a) - f(b)). Two maps come of it:

- the gradient: how much d would change with a pixel, |dd/dx|^2 over its channels
  (Simonyan et al., ICLR workshop 2014);
- class activation (Grad-CAM, Selvaraju et al., ICCV 2017): channels A_k of a blob
  weighed by the mean w_k of dd/dA_k, sum_k w_k A_k. Its sign is kept: where it is
  positive the photographs are made far, where it is negative near.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pydrdl.arrays import Float32, Pixels
from pydrdl.datasets.images import resized
from pydrdl.errors import InputError, explain
from pydrdl.features.deploy_net import INPUT, Preprocess
from pydrdl.features.extract import Extractor

CONVOLUTIONS = ("Convolution", "Deconvolution")
ROUNDING = 1e-10  # of squared norms: less apart is nothing but rounding
OTHER_BLOB = "name another with --blob"


@dataclass(frozen=True)
class Maps:
    """Of one photograph, over the net's input: crop x crop."""

    gradient: Float32  # not negative
    activation: Float32 | None  # signed; None where the net has no such blob


@dataclass(frozen=True)
class Explanation:
    """Of two photographs."""

    distance: float  # squared L2, of their features
    blobs: tuple[str, ...]  # that activation is of
    maps: tuple[Maps, Maps]


def input_of(pixels: Pixels, preprocess: Preprocess) -> Float32:
    """The net's input, 3 x crop x crop, of a photograph of any size (BGR)."""
    return preprocess(resized(pixels, (preprocess.resize, preprocess.resize)))


def explain_pair(
    extractor: Extractor,
    inputs: tuple[Float32, Float32],
    names: Sequence[str],
    blobs: Sequence[str] = (),
) -> Explanation:
    """Computes the maps of two photographs.

    Args:
        extractor: opened to go backward.
        inputs: of the net, each 3 x crop x crop.
        names: of the two, for messages.
        blobs: to take activations of, which are added; none takes what the last
            convolutions compute, in each of the net's branches.

    Raises:
        InputError: features that cannot be ranked or are the same, a blob that is
            not there, has no height and width or no part in the feature, or a layer
            that cannot go backward.
    """
    net = extractor.net
    first, second = extractor(inputs, names).astype(np.float64)
    apart = first - second
    distance = float(apart @ apart)
    if distance <= ROUNDING * float(first @ first + second @ second):
        raise InputError(
            "the two have the same feature: no part of them makes a difference",
            " and ".join(names),
            "give two other photographs",
        )
    chosen = tuple(blobs) or last_convolutions(net, extractor.blob)
    for blob in chosen:
        _refuse_flat(net, blob, extractor)
    kept = {blob: np.array(net.blobs[blob].data) for blob in chosen}
    top = np.stack([2 * apart, -2 * apart])
    net.blobs[extractor.blob].diff[...] = top.reshape(net.blobs[extractor.blob].shape)
    gradients = _backward(extractor, chosen)
    side = extractor.preprocess.crop
    added: Float32 | None = None
    for blob in chosen:
        weights = gradients[blob].mean(axis=(2, 3), keepdims=True)
        of_blob = (weights * kept[blob]).sum(axis=1)
        wide = np.stack([_widened(one, side) for one in of_blob])
        added = wide if added is None else added + wide
    squares = np.asarray(np.square(gradients[INPUT]).sum(axis=1), np.float32)
    maps = [Maps(squares[k], None if added is None else added[k]) for k in range(2)]
    return Explanation(distance, chosen, (maps[0], maps[1]))


def last_convolutions(net: Any, blob: str) -> tuple[str, ...]:
    """Convolutions' blobs that make a blob without a further convolution between.

    In the net's order; none where no convolution has a part in it.
    """
    kinds = dict(zip(net._layer_names, net.layers, strict=True))
    carried: dict[str, dict[str, None]] = {}  # by blob, in order
    for name, tops in net.top_names.items():
        if kinds[name].type in CONVOLUTIONS:
            made = [dict.fromkeys([top]) for top in tops]
        else:
            below = [carried.get(bottom, {}) for bottom in net.bottom_names[name]]
            made = [{one: None for part in below for one in part}] * len(tops)
        carried.update(zip(tops, made, strict=True))
    return tuple(carried[blob])


def placed(values: Float32, preprocess: Preprocess, size: tuple[int, int]) -> Float32:
    """A map as it lies over the whole photograph, of size (height, width).

    Outside of the crop, which the net does not see, it is zero.
    """
    edge = (preprocess.resize - preprocess.crop) // 2
    end = edge + preprocess.crop
    whole = np.zeros((preprocess.resize, preprocess.resize), np.float32)
    whole[edge:end, edge:end] = values
    wide = cv2.resize(whole, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


def _refuse_flat(net: Any, blob: str, extractor: Extractor) -> None:
    where = extractor.source.net
    if blob not in net.blobs:
        wide = [name for name, one in net.blobs.items() if len(one.shape) == 4]
        held = ", ".join(name for name in wide if "_split_" not in name)
        raise InputError(
            f"the net has no blob {blob!r}; with height and width it has {held}",
            where,
            OTHER_BLOB,
        )
    shape = tuple(net.blobs[blob].shape)
    if len(shape) != 4 or shape[2] * shape[3] == 1:
        what = f"blob {blob!r} has no height and width: it is of shape {shape[1:]}"
        raise InputError(what, where, OTHER_BLOB)


def _writer(net: Any, blob: str) -> int:
    """The last layer that writes a blob, by its number."""
    writers = [k for k, tops in enumerate(net.top_names.values()) if blob in tops]
    return writers[-1]


def _backward(extractor: Extractor, blobs: Sequence[str]) -> dict[str, Float32]:
    """The gradients at blobs, as their last layers left them, and at the input.

    Layers may work in place: behind them, a blob holds the gradient at its values of
    before. So the way down stops above each blob's last layer.
    """
    net = extractor.net
    names = list(net._layer_names)
    below = _writer(net, extractor.blob)  # the layer that is next to go backward
    found: dict[str, Float32] = {}
    for blob in sorted({*blobs, INPUT}, key=lambda b: _writer(net, b), reverse=True):
        last = _writer(net, blob) + 1
        if below >= last:
            try:
                net.backward(start=names[below], end=names[last])
            except (RuntimeError, SystemError) as error:
                told = explain(error)
                what = told.what if told else str(error)
                raise InputError(
                    f"the net cannot go backward: {what}",
                    f"{extractor.source.net}: {told.where if told else 'a layer'}",
                    "end the net before that layer (--layer)",
                ) from error
            below = last - 1
        gradients = np.array(net.blobs[blob].diff, np.float32)
        if not gradients.any():
            what = f"blob {blob!r} has no part in blob {extractor.blob!r}"
            raise InputError(what, extractor.source.net, OTHER_BLOB)
        found[blob] = gradients
    return found


def _widened(values: Float32, side: int) -> Float32:
    """A map of a blob over the net's input, side x side."""
    wide = cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)
