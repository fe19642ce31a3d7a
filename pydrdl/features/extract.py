"""Images through a deploy net: the features that the protocols rank."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pydrdl.arrays import Float32, Floats
from pydrdl.datasets.dataset import Image, images_sha256
from pydrdl.datasets.images import Note, read_image
from pydrdl.errors import InputError
from pydrdl.features import deploy_net
from pydrdl.features.file import (
    FeatureRows,
    FeatureSet,
    Source,
    check_features,
    write_in_pieces,
)
from pydrdl.features.partial import PartialFeatures, discard, partial_path
from pydrdl.files import exists, file_sha256, refuse_existing
from pydrdl.parallel import Progress, behind, in_batches, in_order, unseen


class Batches(Protocol):
    """Computes features; Extractor.batches is one, but for two of its arguments."""

    def __call__(
        self, images: Sequence[Image], *, progress: Progress, note: Note | None
    ) -> Iterable[Float32]:
        """Yields a batch at a time, in order."""


MOST_HALF = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Extractor:
    """A deploy net with its weights, and how its images are made."""

    net: Any  # a caffe.Net
    blob: str  # what is read of it
    preprocess: deploy_net.Preprocess  # from an image to its input
    source: Source  # all of that, as a features file says it
    device: str  # "cpu" or "gpu"

    @property
    def width(self) -> int:
        """Values of a feature."""
        return int(self.net.blobs[self.blob].data[0].size)

    def __call__(self, inputs: Sequence[Float32], names: Sequence[str]) -> Float32:
        """Features (n, D) of n inputs of 3 x H x W.

        Raises:
            InputError: they cannot be ranked; names are those of the images.
        """
        features = forward(self.net, self.blob, inputs)
        check_features(features, names, f"{self.source.net}, blob {self.blob!r}")
        return features

    def batches(
        self,
        images: Sequence[Image],
        root: Path,
        batch: int,
        progress: Progress = unseen,
        note: Note | None = None,
    ) -> Iterator[Float32]:
        """Yields the features of so many images at a time; see extract()."""
        made = decoded(images, root, self.preprocess, 4 * batch, note=note)
        pixels = progress(made, "images", len(images))
        names = in_batches((image.path for image in images), batch)
        for group, paths in zip(in_batches(pixels, batch), names, strict=True):
            yield self(group, paths)


def open_extractor(
    net_path: Path,
    *,
    weights: Path | None = None,
    untrained: int | None = None,
    layer: str | None = None,
    resize: int | None = None,
    mean: Sequence[float] | None = None,
    gpu: int | None = None,
    backward: bool = False,
) -> Extractor:
    """Opens a net to compute features with.

    Args:
        net_path: deploy net.
        weights: its weights.
        untrained: in place of weights, the seed of a net that was not trained.
        layer: the blob to read; None takes the last layer's top.
        resize: side in pixels before the crop; None reads preprocess.json.
        mean: B, G, R; None reads preprocess.json.
        gpu: number of the GPU; None computes on the CPU.
        backward: see open_net.

    Raises:
        InputError: neither or both of weights and untrained, no such layer, and
            what open_net and read_preprocess refuse.
    """
    if (weights is None) == (untrained is None):
        what = "expected either weights or a net that was not trained"
        raise InputError(what, "--weights, --untrained", "give one of the two")
    net = deploy_net.open_net(
        net_path, weights=weights, untrained=untrained, gpu=gpu, backward=backward
    )
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
        preprocess=preprocess.to_json(),
    )
    return Extractor(net, blob, preprocess, source, "cpu" if gpu is None else "gpu")


def extract(
    images: Sequence[Image],
    root: Path,
    extractor: Extractor,
    *,
    batch: int = 32,
    progress: Progress = unseen,
    note: Note | None = None,
) -> FeatureSet:
    """Computes the features of images, all of which then lie in memory.

    Args:
        images: which ones, in the order of the result.
        root: the folder that their paths are relative to.
        extractor: the net, and how images are made.
        batch: images of one forward pass.
        progress: shows how far it is.
        note: is told of images whose damage leaves them decodable.

    Raises:
        InputError: images that cannot be read, or features that cannot be ranked.
    """
    parts = extractor.batches(images, root, batch, progress, note)
    return FeatureSet(np.concatenate([*parts]), *rows_of(images, extractor.source))


def extract_to(
    path: Path,
    images: Sequence[Image],
    root: Path,
    extractor: Extractor,
    *,
    batch: int = 32,
    half: bool = False,
    dataset: str = "",
    split: str = "",
    overwrite: bool = False,
    progress: Progress = unseen,
    note: Note | None = None,
    batches: Batches | None = None,
) -> str:
    """Computes the features of any number of images into a file, see extract().

    No more than a few batches are in memory. What is done is kept beside the file;
    an extraction that was stopped goes on from there, to the same bytes.

    Args:
        path: the HDF5 file to make.
        images: which ones, in the order of the result.
        root: the folder that their paths are relative to.
        extractor: the net, and how images are made.
        batch: images of one forward pass.
        half: keep float16: half the size, and about three digits of each value.
        dataset: name of the data set, kept with the features.
        split: name of the split, kept with the features.
        overwrite: whether to replace what stands there.
        progress: shows how far it is.
        note: is told of images whose damage leaves them decodable.
        batches: computes them in place of extractor.batches, such as
            features.spread.batches by the workers of a cluster.

    Returns: FeatureSet.sha256 of what the file holds.

    Raises:
        InputError: as in extract(), the file exists or cannot be written, or what
            was kept is of other inputs.
    """
    refuse_output(path, overwrite=overwrite)
    partial = partial_path(path)
    kept = partial_features(
        partial, images, root, extractor, batch, np.float16 if half else np.float32
    )
    left = images[kept.rows :]

    def keep(part: Float32) -> None:
        kept.append(halved(part, extractor.source) if half else part)

    if batches is None:
        batches = functools.partial(extractor.batches, root=root, batch=batch)
    # The disk takes a batch while the net computes the next.
    for _ in behind(keep, batches(left, progress=progress, note=note)):
        pass
    said = {"dataset": dataset, "split": split}
    source = extractor.source.model_copy(update=said)
    digest = write_in_pieces(
        path,
        rows_of(images, source),
        extractor.width,
        kept.whole(),
        half=half,
        overwrite=overwrite,
    )
    discard(partial)
    return digest


def refuse_output(path: Path, *, overwrite: bool = False) -> None:
    """Refuses an output that cannot be made, before anything takes long.

    Raises:
        InputError: it exists, or has no folder to lie in.
    """
    refuse_existing(path, overwrite=True)  # a folder, that is
    if exists(path) and not overwrite:  # killed between the two last steps
        discard(partial_path(path))
    refuse_existing(path, overwrite=overwrite)


def partial_features(
    partial: Path,
    images: Sequence[Image],
    root: Path,
    extractor: Extractor,
    batch: int,
    dtype: type[np.floating[Any]],
) -> PartialFeatures:
    """Opens what is kept of an extraction, which all of these are inputs of."""
    source = extractor.source
    inputs = {
        "images_sha256": images_sha256(images),
        "root": str(Path(root).resolve()),
        "net_sha256": source.net_sha256,
        "weights": source.weights_sha256 or source.weights,
        "layer": source.layer,
        "preprocess": source.preprocess,
        "device": extractor.device,
    }
    width = extractor.width
    return PartialFeatures(partial, inputs, width, batch, len(images), dtype)


def halved(features: Float32, source: Source) -> Floats:
    """The features as float16, of which the largest is 65,504.

    Raises:
        InputError: a value is larger.
    """
    largest = float(abs(features).max())
    if largest > MOST_HALF:
        raise InputError(
            f"a feature holds {largest:,.0f}, more than half precision takes "
            f"({MOST_HALF:,.0f})",
            f"{source.net}, blob {source.layer!r}",
            "leave out --half",
        )
    return features.astype(np.float16)


def rows_of(images: Sequence[Image], source: Source) -> FeatureRows:
    """What a features file says of images."""
    return FeatureRows(
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
