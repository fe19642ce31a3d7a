"""How many pixels of an image are decoded at most.

A file of a few kilobytes may claim any number of pixels, and decoding it would fill
the memory. The bound is that of OpenCV's own variable, so that one setting holds for
our reader, for OpenCV in Python and for Caffe's.
"""

import os

VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
# 11,585 x 11,585: what the largest sensors of telephones take; 400 MB decoded.
DEFAULT = 2**27


def most_pixels() -> int:
    """The bound that holds now.

    Raises:
        ValueError: the variable holds no whole number.
    """
    text = os.environ.get(VARIABLE, str(DEFAULT))
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{VARIABLE} is {text!r}; expected a whole number of pixels")
    return int(text)


def prepare() -> None:
    """Sets the bound for OpenCV too, which reads it when it is loaded.

    OpenCV's own lines about images that it cannot decode name no file: our errors
    do, and those lines are left out.

    Raises:
        SystemExit: the variable holds no whole number, with which OpenCV would abort.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        os.environ[VARIABLE] = str(most_pixels())
    except ValueError as error:
        raise SystemExit(
            f"error: {error}\n  where: {VARIABLE}\n  next: unset it, or give a number"
            f" such as {DEFAULT}"
        ) from None
