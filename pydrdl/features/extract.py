"""Images through a deploy net: the features that the protocols rank."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image, images_sha256
from pydrdl.datasets.images import Note, read_image
from pydrdl.errors import InputError
from pydrdl.features import deploy_net
from pydrdl.features.file import FeatureSet, PartialFeatures, Source, check_features
from pydrdl.files import file_sha256
from pydrdl.parallel import Progress, behind, in_order, unseen

Item = TypeVar("Item")


def extract(
    images: Sequence[Image],
    root: Path,
    net_path: Path,
    *,
    weights: Path | None = None,
    untrained: int | None = None,
    layer: str | None = None,
    resize: int | None = None,
    mean: Sequence[float] | None = None,
    batch: int = 32,
    gpu: int | None = None,
    dataset: str = "",
    split: str = "",
    partial: Path | None = None,
    progress: Progress = unseen,
    note: Note | None = None,
) -> FeatureSet:
    """Computes the features of images.

    Args:
        images: which ones, in the order of the result.
        root: the folder that their paths are relative to.
        net_path: deploy net.
        weights: its weights.
        untrained: in place of weights, the seed of a net that was not trained.
        layer: the blob to read; None takes the last layer's top.
        resize: side in pixels before the crop; None reads preprocess.json.
        mean: B, G, R; None reads preprocess.json.
        batch: images of one forward pass.
        gpu: number of the GPU; None computes on the CPU.
        dataset: name of the data set, kept with the features.
        split: name of the split, kept with the features.
        partial: a file that keeps what is done, for the next call to go on
            from; the caller deletes it when the features are safe. None: none.
        progress: shows how far it is.
        note: is told of images whose damage leaves them decodable.

    Raises:
        InputError: neither or both of weights and untrained, no such layer,
            images that cannot be read, features that cannot be ranked, a
            partial file of other inputs, and what open_net and read_preprocess refuse.
    """
    if (weights is None) == (untrained is None):
        what = "expected either weights or a net that was not trained"
        raise InputError(what, "--weights, --untrained", "give one of the two")
    net = deploy_net.open_net(net_path, weights=weights, untrained=untrained, gpu=gpu)
    preprocess = deploy_net.read_preprocess(
        net_path, net.blobs[deploy_net.INPUT].shape[2], resize=resize, mean=mean
    )
    blob = deploy_net.last_top(net) if layer is None else layer
    if blob not in net.blobs:
        what = f"the net has no blob {blob!r}; it has {', '.join(net.blobs)}"
        raise InputError(what, net_path, "name one of them with --layer")
    source = Source(
        net=str(net_path),
        net_sha256=file_sha256(net_path),
        weights=str(weights) if weights else f"untrained, seed {untrained}",
        weights_sha256=file_sha256(weights) if weights else "",
        layer=blob,
        dataset=dataset,
        split=split,
        preprocess=preprocess.to_json(),
    )
    kept = None
    if partial is not None:
        # All that the features depend on, the files' places left out.
        inputs = {
            "images_sha256": images_sha256(images),
            "root": str(Path(root).resolve()),
            "net_sha256": source.net_sha256,
            "weights": source.weights_sha256 or source.weights,
            "layer": source.layer,
            "preprocess": source.preprocess,
            "device": "cpu" if gpu is None else "gpu",
        }
        width = net.blobs[blob].data[0].size
        kept = PartialFeatures(partial, inputs, width, batch, len(images))
    parts = [kept.read()] if kept else []
    left = images[kept.rows if kept else 0 :]
    made = decoded(left, root, preprocess, 4 * batch, note=note)
    pixels = progress(made, "images", len(left))

    def computed() -> Iterator[Float32]:
        names = in_batches((image.path for image in left), batch)
        for group, paths in zip(in_batches(pixels, batch), names, strict=True):
            part = forward(net, blob, group)
            check_features(part, paths, f"{net_path}, blob {blob!r}")
            yield part

    def keep(part: Float32) -> Float32:
        if kept:
            kept.append(part)
        return part

    # The disk takes a batch while the net computes the next.
    parts.extend(behind(keep, computed()))
    return FeatureSet(
        np.concatenate(parts),
        tuple(image.path for image in images),
        np.array([image.vehicle_id for image in images], np.int64),
        np.array([image.model_id for image in images], np.int64),
        np.array([image.camera_id for image in images], np.int64),
        source,
    )


def forward(net: Any, blob: str, inputs: Sequence[Float32]) -> Float32:
    """Sends n arrays of 3 x H x W through a caffe.Net, as far as a blob is written.

    Returns:
        (n, D), a copy of the blob; whatever follows the first axis is flattened.
    """
    shape = (len(inputs), *inputs[0].shape)
    if tuple(net.blobs[deploy_net.INPUT].shape) != shape:
        net.blobs[deploy_net.INPUT].reshape(*shape)
        net.reshape()
    np.stack(inputs, out=net.blobs[deploy_net.INPUT].data)
    writers = [name for name, tops in net.top_names.items() if blob in tops]
    net.forward(end=writers[-1])
    return np.array(net.blobs[blob].data, np.float32).reshape(len(inputs), -1)


def decoded(
    images: Iterable[Image],
    root: Path,
    preprocess: deploy_net.Preprocess,
    window: int,
    note: Note | None = None,
) -> Iterator[Float32]:
    """Yields the net's inputs in order, decoded by threads ahead of their use.

    Images are decoded without the interpreter lock, and pycaffe (ours) computes
    without it: they are read while the net works. window of them are decoded or
    wait at any time; several batches, or the threads have nothing to do during a pass.

    Raises:
        InputError: an image is missing or damaged.
    """
    size = (preprocess.resize, preprocess.resize)

    def decode(image: Image) -> Float32:
        return preprocess(read_image(root, image, size, note))

    return in_order(decode, images, None, window)


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yields lists of size items; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
