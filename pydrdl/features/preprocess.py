"""What is done to an image before the net: the same as in training's TEST phase.

A deploy net cannot say how its input was made, so preprocess.json lies beside
it: {"resize": 256, "crop": 224, "mean": [b, g, r], "scale": 1.0}.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from pydrdl.errors import InputError
from pydrdl.files import exists
from pydrdl.strict_json import Form, declared, read_declared

# Of a channel, subtracted from values of 0 to 255.
Intensity = Annotated[float, Field(ge=0, le=255)]
FILE_NAME = "preprocess.json"
WHAT = "how images are made"
LARGEST = 2**14  # pixels of a side


class _File(Form):
    """preprocess.json; what is missing is given, or as usual."""

    model_config = ConfigDict(extra="forbid")

    resize: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    crop: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    mean: Annotated[list[Intensity], Field(min_length=3, max_length=3)] | None = None
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0


@dataclass(frozen=True)
class Preprocess:
    """From decoded pixels to the net's input.

    Attributes:
        resize: both sides of the image in the training LMDB, in pixels.
        crop: both sides of the centre crop, the net's input.
        mean: subtracted from each channel, in the order B, G, R, 0 to 255.
        scale: factor after that.
    """

    resize: int
    crop: int
    mean: tuple[float, float, float]
    scale: float = 1.0

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops, centres and scales.

        Caffe's data transformer crops from (size - crop) / 2, rounded down.

        Args:
            pixels: resize x resize x 3, uint8, BGR.

        Returns:
            3 x crop x crop float32.
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

    Args:
        net: path of the deploy net.
        input_side: height and width of its input, in pixels.
        resize: in place of the file's.
        mean: B, G, R, in place of the file's.

    Raises:
        InputError: neither a file nor both options, a damaged file, one of
            another net, or a crop larger than the image.
    """
    path = net.parent / FILE_NAME
    file = _File()
    if exists(path):
        file = read_declared(_File, path, WHAT, "mend it, or give --resize and --mean")
    elif resize is None or mean is None:
        raise InputError(
            "how the net's images were made in training is not known",
            path,
            "give --resize and --mean, such as --resize 256 --mean 104,117,123",
        )
    given = _options(resize, mean)
    resize_to = file.resize if given.resize is None else given.resize
    means = file.mean if given.mean is None else given.mean
    if resize_to is None or means is None:
        name = "resize" if resize_to is None else "mean"
        raise InputError(
            f"cannot read {WHAT}: {name} is missing", path, f"add it, or give --{name}"
        )
    b, g, r = means
    crop = input_side if file.crop is None else file.crop
    made = Preprocess(resize_to, crop, (b, g, r), file.scale)
    if made.crop != input_side:
        raise InputError(
            f"crop {made.crop}, but the net's input is {input_side} x {input_side}",
            path,
            "generate both again with the same size",
        )
    if made.crop > made.resize:
        raise InputError(
            f"images of {made.resize} pixels do not hold a crop of {made.crop}",
            path if resize is None else f"--resize {resize}",
            "resize to at least the crop",
        )
    return made


def _options(resize: int | None, mean: Sequence[float] | None) -> _File:
    """What was given in place of the file's."""
    content = {"resize": resize, "mean": None if mean is None else list(mean)}
    try:
        return declared(_File, content)
    except ValueError as error:
        raise InputError(
            f"not how images can be made: {error}",
            "--resize, --mean",
            "give them such as --resize 256 --mean 104,117,123",
        ) from error
