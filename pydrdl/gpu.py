"""Whether Caffe can compute on a GPU."""

import subprocess
import sys


def why_no_gpu(number: int = 0) -> str | None:
    """Caffe's reason for not taking this GPU; None if it takes it.

    Caffe ends the process on such a GPU, so another process asks.
    """
    probe = f"import caffe; caffe.set_mode_gpu(); caffe.set_device({number})"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return None
    fatal = [line for line in done.stderr.splitlines() if "] " in line]
    return fatal[0].split("] ", 1)[1] if fatal else "Caffe cannot use it"
