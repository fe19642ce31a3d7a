"""The caffe module, imported when a function needs it.

Evaluation and all else that computes no net work without it.
"""

import os
import sys
from typing import Any

from pydrdl.errors import InputError


def import_caffe() -> Any:
    """Returns the caffe module, quiet but for its errors.

    Raises:
        InputError: pycaffe is not installed.
    """
    os.environ.setdefault("GLOG_minloglevel", "2")  # glog reads it once, on import
    try:
        import caffe
    except ImportError as error:
        raise InputError(
            f"cannot import pycaffe: {error}",
            sys.executable,
            "run tools/setup.sh and source .venv/bin/activate",
        ) from error
    return caffe
