"""The caffe module, imported when a function needs it.

Evaluation and all else that computes no net work without it.
"""

import os
import sys
from typing import Any

from pydrdl import parallel
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


# Whether Caffe can compute on a GPU.


def why_no_gpu(number: int = 0) -> str | None:
    """Caffe's reason for not taking this GPU; None if it takes it.

    Caffe ends the process on such a GPU, so another process asks.
    """
    probe = f"import caffe; caffe.set_mode_gpu(); caffe.set_device({number})"
    done = parallel.python(probe)
    if done.returncode == 0:
        return None
    text = done.stderr.decode(errors="replace")
    fatal = [line for line in text.splitlines() if "] " in line]
    return fatal[0].split("] ", 1)[1] if fatal else "Caffe cannot use it"
