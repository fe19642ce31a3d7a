"""What the tests of PairSetData and of the caffe command share."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from google.protobuf import text_format
from numpy.typing import NDArray

os.environ.setdefault("GLOG_minloglevel", "2")
caffe = pytest.importorskip("caffe", reason="pycaffe is not installed")

from pydrdl import messages
from pydrdl.datasets import Image
from pydrdl.lmdb import pair_index
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.nets import prototxt, structures

# The losses of each structure's net.
HEADS = {
    "mixed_difference": ("model_loss", "ccl_lower_loss", "ccl_loss"),
    "ccl": ("ccl_loss",),
    "triplet": ("triplet_loss",),
}
Pixels = NDArray[np.uint8]
# Of a fleet in small: images and model by vehicle id.
VEHICLES = {5: (2, 0), 6: (3, 1), 7: (1, -1), 8: (2, 1), 9: (2, 2), 12: (3, 0)}


@dataclass(frozen=True)
class Fleet:
    """Photographs on disk, every one with pixels of its own.

    Attributes:
        root: their folder.
        images: sorted by vehicle.
    """

    root: Path
    images: tuple[Image, ...]

    def pictures(self, vehicle_id: int) -> list[Pixels]:
        """All photographs of a vehicle as OpenCV reads the files."""
        files = [i.path for i in self.images if i.vehicle_id == vehicle_id]
        return [cv2.imread(str(self.root / file)) for file in files]

    def model_id(self, vehicle_id: int) -> int:
        return next(i.model_id for i in self.images if i.vehicle_id == vehicle_id)

    def listed(self, name: str = "all.txt", step: int = 1) -> Path:
        """Writes a list of every step-th image beside them; returns its path."""
        path = self.root / name
        path.write_text(image_list(self.images[::step]))
        return path

    def build(
        self,
        lmdb: Path,
        quality: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> Path:
        """Makes an image LMDB of them, of pixels unless a JPEG quality is given."""
        build_image_lmdb(self.images, self.root, lmdb, size=size, jpeg_quality=quality)
        return lmdb


def image_list(images: Iterable[Image]) -> str:
    """As tools take it: a line of path, vehicle and model for each."""
    return "".join(f"{i.path} {i.vehicle_id} {i.model_id}\n" for i in images)


def linear_net(outputs: int) -> str:
    """A deploy net of 12 x 12 pixels and random weights, over within a moment."""
    return f"""
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: 12 dim: 12 }} }} }}
layer {{ name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param {{ num_output: {outputs}
    weight_filler {{ type: "gaussian" std: 0.1 }}
    bias_filler {{ type: "gaussian" std: 0.5 }} }} }}
"""


def write_linear_net(folder: Path, outputs: int) -> None:
    """Writes deploy.prototxt of such a net, and what it does to images."""
    (folder / "deploy.prototxt").write_text(linear_net(outputs))
    settings = {"resize": 12, "crop": 12, "mean": [104, 117, 123]}
    (folder / "preprocess.json").write_text(json.dumps(settings))


def make_fleet(
    root: Path, vehicles: dict[int, tuple[int, int]], height: int, width: int
) -> Fleet:
    """Draws vehicles, given as id: (images, model).

    Blue and green hold the vehicle's and the image's number in their upper
    bits; noise below and in red tells one place of the image from another.
    """
    images = []
    for number, (vehicle_id, (count, model_id)) in enumerate(sorted(vehicles.items())):
        for image in range(count):
            noise = np.random.default_rng((vehicle_id, image))
            coarse = noise.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3))
            pixels = cv2.resize(coarse.astype(np.uint8), (width, height))
            pixels[..., 0] = pixels[..., 0] // 16 + 16 * number
            pixels[..., 1] = pixels[..., 1] // 16 + 16 * image
            path = f"{vehicle_id}_{image}.png"
            root.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / path), pixels)
            images.append(Image(path, vehicle_id, model_id))
    return Fleet(root, tuple(images))


def write_index(lmdb_folder: Path, index: pair_index.PairIndex) -> None:
    (lmdb_folder / pair_index.FILE_NAME).write_bytes(pair_index.to_bytes(index))


def write_nets(
    base: prototxt.Family, lmdb: Path, folder: Path, **schedule: object
) -> None:
    """Writes a family's nets for an LMDB, with one small set a batch."""
    training = replace(
        base.training,
        train_lmdb=str(lmdb),
        test_lmdb=str(lmdb),
        sets=1,
        positives=2,
        negatives=2,
    )
    own = prototxt.own_family(
        base, str(folder), training, structures.Schedule(**({"display": 1} | schedule))
    )
    for name, text in prototxt.prototxt_files(own):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def read_weights(caffemodel: Path) -> dict[str, list[NDArray[np.float32]]]:
    """The blobs of each layer that has any."""
    net = messages.caffe_pb2.NetParameter.FromString(caffemodel.read_bytes())
    return {
        layer.name: [np.array(blob.data, np.float32) for blob in layer.blobs]
        for layer in net.layer
        if layer.blobs
    }


def read_net(path: Path) -> "messages.caffe_pb2.NetParameter":
    return text_format.Parse(path.read_text(), messages.caffe_pb2.NetParameter())


def logged(log: str, top: str) -> list[float]:
    """The values of a net output that a log shows, in order."""
    return [float(v) for v in re.findall(rf"output #\d+: {top} = (\S+)", log)]
