"""Whether Caffe can compute on a GPU."""

from pydrdl import children


def why_no_gpu(number: int = 0) -> str | None:
    """Caffe's reason for not taking this GPU; None if it takes it.

    Caffe ends the process on such a GPU, so another process asks.
    """
    probe = f"import caffe; caffe.set_mode_gpu(); caffe.set_device({number})"
    done = children.python(probe)
    if done.returncode == 0:
        return None
    text = done.stderr.decode(errors="replace")
    fatal = [line for line in text.splitlines() if "] " in line]
    return fatal[0].split("] ", 1)[1] if fatal else "Caffe cannot use it"
