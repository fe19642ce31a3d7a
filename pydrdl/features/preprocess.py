"""What is done to an image before the net: the same as in training's TEST phase.

A deploy net cannot say how its input was made, so preprocess.json lies beside
it: {"resize": 256, "crop": 224, "mean": [b, g, r], "scale": 1.0}.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError

FILE_NAME = "preprocess.json"


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
    again = "mend it, or give --resize and --mean"
    content: dict[str, Any] = {}
    if path.is_file():
        try:
            content = dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise InputError(f"not a JSON object: {error}", path, again) from error
    elif resize is None or mean is None:
        raise InputError(
            "how the net's images were made in training is not known",
            path,
            "give --resize and --mean, such as --resize 256 --mean 104,117,123",
        )
    content = {"crop": input_side, "scale": 1.0} | content
    content |= {} if resize is None else {"resize": resize}
    content |= {} if mean is None else {"mean": mean}
    try:
        b, g, r = map(float, content["mean"])
        made = Preprocess(
            int(content["resize"]),
            int(content["crop"]),
            (b, g, r),
            float(content["scale"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"wrong or missing entry: {error}; expected resize, crop, mean [b, g, r] "
            "and scale",
            path,
            again,
        ) from error
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
