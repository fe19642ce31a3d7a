"""Extraction by the workers of a cluster, to the same bytes as by one machine.

Batches are those of one machine, since sums depend on them.
"""

import hashlib
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.cluster import Cluster, drawn_photograph
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import Note, decode, pass_on, resized
from pydrdl.errors import InputError
from pydrdl.features.extract import Extractor, decoded, open_extractor
from pydrdl.features.file import Source
from pydrdl.parallel import Progress, in_batches, unseen

# A batch of images, and what there was to note of some.
Made = tuple[Float32, list[tuple[Image, str]]]
# Of a Source, what must be the same everywhere, and the path of what differs then.
SAME = {
    "net_sha256": "net", "weights_sha256": "weights", "layer": "net",
    "preprocess": "net",
}  # fmt: skip

_opened: dict[str, Extractor] = {}  # of this process, by a task's key


@dataclass(frozen=True)
class Extraction:
    """What a worker does: a batch of images through the net; see cluster.Task.

    Attributes:
        options: of open_extractor.
        source: what the net is on the machine that asks.
        root: the folder of the images.
        batch: images of one forward pass.
        key: of this run.
    """

    options: Mapping[str, Any]
    source: Source
    root: Path
    batch: int
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    @staticmethod
    def of(
        net: Path,
        options: Mapping[str, Any],
        extractor: Extractor,
        root: Path,
        batch: int,
    ) -> "Extraction":
        """What an extractor does that these options have opened."""
        weights = options["weights"]
        paths = {"net_path": net.resolve(), "weights": weights and weights.resolve()}
        return Extraction(
            {**options, **paths}, extractor.source, Path(root).resolve(), batch
        )

    def prepare(self) -> str:
        """Opens the net; gives the digest of what it computes of a drawn batch.

        Raises:
            InputError: net, weights or preprocessing are others than on the machine
                that asks, and what open_extractor refuses.
        """
        extractor = open_extractor(**self.options)
        for name, path in SAME.items():
            found, wanted = getattr(extractor.source, name), getattr(self.source, name)
            if found != wanted:
                raise InputError(
                    f"a worker has another {name.replace('_', ' ')}: {found}; here "
                    f"it is {wanted}",
                    f"{getattr(extractor.source, path)} on {platform.node()}",
                    "give all machines the same files under the same path",
                )
        _opened[self.key] = extractor
        return computed_digest(extractor, self.batch)

    def __call__(self, images: Sequence[Image]) -> Made:
        """Computes the features of at most so many images as a batch has."""
        extractor = _opened[self.key]
        noted: list[tuple[Image, str]] = []
        pixels = decoded(
            images,
            self.root,
            extractor.preprocess,
            len(images),
            note=lambda image, damage: noted.append((image, damage)),
        )
        return extractor([*pixels], [image.path for image in images]), noted

    def batches(
        self,
        cluster: Cluster,
        extractor: Extractor,
        images: Sequence[Image],
        *,
        progress: Progress = unseen,
        note: Note | None = None,
    ) -> Iterator[Float32]:
        """As Extractor.batches, by the workers of a cluster.

        Raises:
            InputError: as Extractor.batches does, and what Cluster.in_order refuses.
        """
        expected = computed_digest(extractor, self.batch)
        groups = in_batches(progress(images, "images", len(images)), self.batch)
        for features, noted in cluster.in_order(self, expected, groups):
            pass_on(noted, note)
            yield features


def computed_digest(extractor: Extractor, batch: int) -> str:
    """SHA-256 of the features of a drawn batch, and of a drawn photograph as read."""
    side = extractor.preprocess.resize
    pixels = resized(decode(drawn_photograph()).pixels, (side, side))
    first = extractor.preprocess(pixels)
    random = np.random.default_rng(0)
    inputs = [first] + [
        random.standard_normal(first.shape, np.float32) * 64 for _ in range(batch - 1)
    ]
    features = extractor(inputs, ["a drawn photograph"] * batch)
    return hashlib.sha256(pixels.tobytes() + features.tobytes()).hexdigest()
