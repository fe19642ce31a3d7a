"""What Caffe computes, beside what another program does with the same net."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pydrdl.arrays import Float32, Pixels
from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError
from pydrdl.features.extract import Extractor, forward
from pydrdl.pycaffe import read_net
from pydrdl.table import plural

LEAVE_OUT = "leave the layer out of the deploy net, or end the net before it (--layer)"


def layers_until(net: Any, path: Path, blob: str) -> list[Any]:
    """The messages of the layers that a blob is made by, in order, but for inputs."""
    own = set(net._layer_names)
    messages = [one for one in read_net(path).layer if one.name in own]
    last = max(k for k, one in enumerate(messages) if blob in one.top)
    return [one for one in messages[: last + 1] if one.type != "Input"]


def refusal(program: str, what: str, message: Any) -> InputError:
    """What to raise for what a program, or its exporter, does not have."""
    where = f"layer {message.name} ({message.type})"
    return InputError(f"no {program} for {what}", where, LEAVE_OUT)


def to_compare(
    extractor: Extractor,
    count: int,
    dataset: Path | None,
    split: str,
    root: Path | None,
) -> Iterator[tuple[str, list[Pixels]]]:
    """Yields images to compare on, and what they are: drawn ones, and a split's.

    Raises:
        InputError: the data set cannot be read.
    """
    side = extractor.preprocess.resize
    random = np.random.default_rng(0)
    yield (
        "random images",
        list(random.integers(0, 256, (count, side, side, 3), np.uint8)),
    )
    if dataset is not None:
        data = open_dataset(dataset, root)
        images = images_of_split(data, split)
        some = images[:: -(-len(images) // count)]
        size = (side, side)
        yield (
            plural(len(some), "photograph"),
            [read_image(data.root, image, size) for image in some],
        )


def difference(
    extractor: Extractor,
    images: Sequence[Pixels],
    run: Callable[[NDArray[Any]], NDArray[Any]],
    *,
    pixels: bool = False,
) -> float:
    """The largest difference to what Caffe computes, over Caffe's largest value.

    Args:
        extractor: the net in Caffe.
        images: resize x resize x 3, uint8, BGR.
        run: what the other program computes of a batch; (n, ...).
        pixels: whether that is of the images as they are, not of the net's inputs.
    """
    inputs = [extractor.preprocess(image) for image in images]
    expected = forward(extractor.net, extractor.blob, inputs)
    found = run(np.stack(images if pixels else inputs)).reshape(len(images), -1)
    return largest_difference(found.astype(np.float32), expected)


def largest_difference(found: Float32, expected: Float32) -> float:
    """The largest difference over the largest value that is expected, (n, D) both.

    NaN where one of them is, and infinity where their shapes differ.
    """
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max() / np.abs(expected).max())
