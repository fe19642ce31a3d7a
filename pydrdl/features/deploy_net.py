"""A deploy net, opened with weights that fit it, and how its images are made.

Caffe only logs layers that the weights do not hold: a net with a renamed layer would
be evaluated on random numbers. Here that is an error. An HDF5 file is never parsed in
this process, nor by Caffe in it, unless its seal says that it is whole.

A net cannot say how its input was made, so preprocess.json lies beside it, as
training's TEST phase has it:
{"resize": 256, "crop": 224, "mean": [b, g, r], "scale": 1.0}.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from pydrdl import pycaffe
from pydrdl.arrays import Float32, Pixels
from pydrdl.errors import InputError
from pydrdl.features.hdf5 import HEAD, load_hdf5, looks_like_hdf5
from pydrdl.files import exists, open_bytes
from pydrdl.nets.caffemodel import blob_shape, fits, read_weights
from pydrdl.strict_json import Form, declared, read_declared

Shape = tuple[int, ...]
INPUT = "data"
WEIGHTS = "the weights"
OTHERWISE = "check the path"
NAMED = 8  # layers that an error names


def open_net(
    path: Path,
    *,
    weights: Path | None = None,
    untrained: int | None = None,
    gpu: int | None = None,
    backward: bool = False,
) -> Any:
    """Opens a deploy net in the TEST phase.

    Args:
        path: prototxt with an Input layer whose blob "data" is 1 x 3 x H x W.
        weights: caffemodel, or its HDF5 form.
        untrained: in place of weights, the seed of the net's own fillers.
        gpu: number of the GPU; None computes on the CPU.
        backward: whether it computes gradients down to the input, which Caffe leaves
            out where there is no loss.

    Returns:
        A caffe.Net.

    Raises:
        InputError: no such file, no such layer type, no such input, a net that
            Caffe cannot build, weights that do not fit the net, or no such GPU.
    """
    caffe = pycaffe.import_caffe()
    message = pycaffe.read_net(path)
    if gpu is None:
        caffe.set_mode_cpu()
    else:
        pycaffe.refuse_no_gpu(gpu)
        caffe.set_mode_gpu()
        caffe.set_device(gpu)
    if untrained is not None:
        caffe.set_random_seed(untrained)
    if backward:
        message.force_backward = True
        net = pycaffe.net_of(message, caffe.TEST, path)
    else:
        net = pycaffe.open_net(path, caffe.TEST)
    shape = tuple(net.blobs[INPUT].shape) if INPUT in net.inputs else ()
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        what = f"input {INPUT!r} of shape {shape or 'none'}; expected 1 x 3 x H x H"
        raise InputError(what, path, "use a deploy net with an Input layer")
    if weights is not None:
        load_weights(net, weights)
    return net


def last_top(net: Any) -> str:
    """Name of the last layer's first top: what the net is there to compute."""
    tops = next(tops for tops in reversed(net.top_names.values()) if tops)
    return str(tops[0])


def load_weights(net: Any, path: Path) -> None:
    """Gives a caffe.Net the weights of a caffemodel, or of its HDF5 form.

    Raises:
        InputError: no such file, not weights, cut off, damaged, or of another net.
    """
    wanted = {
        name: [tuple(blob.data.shape) for blob in blobs]
        for name, blobs in net.params.items()
    }
    with open_bytes(path, WEIGHTS, OTHERWISE) as file:
        hdf5 = looks_like_hdf5(file.read(HEAD))
    if hdf5:
        arrays = read_hdf5_weights(path)
        check_weights(
            wanted, {n: [b.shape for b in bs] for n, bs in arrays.items()}, path
        )
        for name, blobs in net.params.items():
            for blob, values in zip(blobs, arrays[name], strict=True):
                blob.data[...] = values.reshape(blob.data.shape)
        return
    layers = read_weights(path).items()
    check_weights(wanted, {n: [*map(blob_shape, x.blobs)] for n, x in layers}, path)
    net.copy_from(str(path))


def read_hdf5_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    """Blobs of a .caffemodel.h5 by layer: data/<layer>/<number of the blob>.

    Raises:
        InputError: it is damaged, or holds no weights.
    """
    again = "copy it again from where it was whole, or take an earlier snapshot"
    content, _ = load_hdf5(path, WEIGHTS, OTHERWISE, again)
    numbered: dict[str, dict[int, NDArray[Any]]] = {}
    for name, values in content.numbers.items():
        place, _, number = name.rpartition("/")
        if place.startswith("data/") and number.isdecimal():
            numbered.setdefault(place[5:], {})[int(number)] = values
    if not numbered:
        raise InputError(
            "it holds no weights", path, "give a .caffemodel.h5 that Caffe wrote"
        )
    return {
        name: [blobs[number] for number in sorted(blobs)]
        for name, blobs in numbered.items()
    }


def check_weights(
    wanted: Mapping[str, Sequence[Shape]],
    found: Mapping[str, Sequence[Shape]],
    where: object,
) -> None:
    """Requires every learnable layer of a net in a weights file, by blobs' shapes.

    Raises:
        InputError: a layer is absent or has other shapes.
    """
    again = "give the weights of this net, or the deploy net of these weights"
    absent = [name for name in wanted if name not in found]
    if absent:
        held = ", ".join([*found][:NAMED])
        if len(found) > NAMED:
            held += f" and {len(found) - NAMED} more"
        raise InputError(
            f"{len(absent)} of the net's {len(wanted)} learnable layers are not in the "
            f"weights: {', '.join(absent)}; these hold {held}",
            where,
            again,
        )
    for name, shapes in wanted.items():
        if len(shapes) != len(found[name]) or not all(map(fits, found[name], shapes)):
            raise InputError(
                f"layer {name!r} has blobs {list(shapes)}; "
                f"the weights hold {list(found[name])}",
                where,
                again,
            )


# What is done to an image before the net.

FILE_NAME = "preprocess.json"
PREPROCESS = "how images are made"
EXAMPLE = "such as --resize 256 --mean 104,117,123"
Side = Annotated[int, Field(ge=1, le=2**14)]
# Of a channel, subtracted from values of 0 to 255.
Intensity = Annotated[float, Field(ge=0, le=255)]


class PreprocessFile(Form):
    """preprocess.json; what is missing is given, or as usual."""

    model_config = ConfigDict(extra="forbid")

    resize: Side | None = None
    crop: Side | None = None
    mean: Annotated[list[Intensity], Field(min_length=3, max_length=3)] | None = None
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0


@dataclass(frozen=True)
class Preprocess:
    """From decoded pixels to the net's input."""

    resize: int  # both sides of the image in the training LMDB, in pixels
    crop: int  # both sides of the centre crop, the net's input
    # Subtracted from each channel, in the order B, G, R, 0 to 255.
    mean: tuple[float, float, float]
    scale: float = 1.0  # factor after that

    def __call__(self, pixels: Pixels) -> Float32:
        """Crops, centres and scales resize x resize x 3 BGR to 3 x crop x crop.

        Caffe's data transformer crops from (size - crop) / 2, rounded down.
        """
        top, left = ((side - self.crop) // 2 for side in pixels.shape[:2])
        cut = pixels[top : top + self.crop, left : left + self.crop]
        mean = np.array(self.mean, np.float32)
        values = (cut.astype(np.float32) - mean) * np.float32(self.scale)
        return np.ascontiguousarray(values.transpose(2, 0, 1))

    def to_json(self) -> str:
        """The text of preprocess.json."""
        return json.dumps(asdict(self))


def read_preprocess(
    net: Path,
    input_side: int,
    *,
    resize: int | None = None,
    mean: Sequence[float] | None = None,
) -> Preprocess:
    """Reads preprocess.json beside a deploy net; what is given goes before it.

    Raises:
        InputError: neither a file nor both options, a damaged file, one of
            another net, or a crop larger than the image.
    """
    path = net.parent / FILE_NAME
    options = {"resize": resize, "mean": None if mean is None else list(mean)}
    file = PreprocessFile()
    if exists(path):
        again = "mend it, or give --resize and --mean"
        file = read_declared(PreprocessFile, path, PREPROCESS, again)
    elif None in options.values():
        what = "how the net's images were made in training is not known"
        raise InputError(what, path, f"give --resize and --mean, {EXAMPLE}")
    try:
        given = declared(PreprocessFile, options)
    except ValueError as error:
        what = f"not how images can be made: {error}"
        raise InputError(what, "--resize, --mean", f"give them {EXAMPLE}") from error
    file = file.model_copy(
        update=given.model_dump(exclude_none=True, exclude={"scale"})
    )
    if file.resize is None or file.mean is None:
        name = "resize" if file.resize is None else "mean"
        what = f"cannot read {PREPROCESS}: {name} is missing"
        raise InputError(what, path, f"add it, or give --{name}")
    b, g, r = file.mean
    made = Preprocess(file.resize, file.crop or input_side, (b, g, r), file.scale)
    if made.crop != input_side:
        what = f"crop {made.crop}, but the net's input is {input_side} x {input_side}"
        raise InputError(what, path, "generate both again with the same size")
    if made.crop > made.resize:
        what = f"images of {made.resize} pixels do not hold a crop of {made.crop}"
        advice = "resize to at least the crop"
        raise InputError(what, path if resize is None else f"--resize {resize}", advice)
    return made
