"""The caffe module, imported when a function needs it, and nets built with it.

Evaluation and all else that computes no net work without it.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydrdl import parallel
from pydrdl.errors import InputError, explain
from pydrdl.files import read_bytes

# Caffe ends the process, or raises.
_TAKE_GPU = """
import sys, caffe
try:
    caffe.set_mode_gpu()
    caffe.set_device(int(sys.argv[1]))
except RuntimeError as error:
    sys.exit(str(error))
"""
QUIET = ("GLOG_minloglevel", "2")  # glog reads it once, when caffe is imported


def import_caffe() -> Any:
    """Returns the caffe module, quiet but for its errors.

    Raises:
        InputError: pycaffe is not installed.
    """
    os.environ.setdefault(*QUIET)
    try:
        import caffe
    except ImportError as error:
        what = f"cannot import pycaffe: {error}"
        advice = "run tools/setup.sh and source .venv/bin/activate"
        raise InputError(what, sys.executable, advice) from error
    return caffe


def why_no_gpu(number: int = 0) -> str | None:
    """Caffe's reason for not taking this GPU; None if it takes it.

    Caffe ends the process on such a GPU, so another process asks.
    """
    done = parallel.python(_TAKE_GPU, str(number))
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").splitlines()
    fatal = [line.split("] ", 1)[1] for line in lines if "] " in line]
    return (fatal or lines or ["Caffe cannot use it"])[0]


def refuse_no_gpu(number: int) -> None:
    """Raises InputError where Caffe does not take this GPU; see why_no_gpu."""
    if (reason := why_no_gpu(number)) is not None:
        what = f"no GPU {number}: {reason}"
        advice = "leave the option out, or build Caffe with CUDA (CMake preset cuda)"
        raise InputError(what, f"--gpu {number}", advice)


def read_net(path: Path) -> Any:
    """Reads a net's prototxt: NetParameter.

    Raises:
        InputError: no such file, not a net, no layers, layers of the old form, or
            of a type that this Caffe does not have.
    """
    known = set(import_caffe().layer_type_list())
    from caffe.proto import caffe_pb2
    from google.protobuf import text_format

    net = caffe_pb2.NetParameter()
    give = "give a net's .prototxt"
    try:
        text_format.Parse(read_bytes(path, "the net", give).decode(), net)
    except UnicodeDecodeError as error:
        raise InputError("not a net: it is no text", path, give) from error
    except (text_format.ParseError, RecursionError) as error:
        raise InputError(
            f"not a net: {error}", path, "correct the line and column named above"
        ) from error
    if net.layers:
        what = "a net of the old form, `layers`"
        advice = "write it in today's, `layer`; Caffe's upgrade_net_proto_text does"
        raise InputError(what, path, advice)
    if not net.layer:
        raise InputError("the net has no layers", path, give)
    unknown = {layer.type or "''" for layer in net.layer} - known
    if unknown:
        what = f"this Caffe has no layer type {', '.join(sorted(unknown))}"
        raise InputError(what, path, "correct the type, or build Caffe with it")
    return net


def open_net(path: Path, phase: int, where: object = None) -> Any:
    """Builds the net of a prototxt, which read_net has read, in a phase: caffe.Net.

    Raises:
        InputError: Caffe cannot build it, with Caffe's reason; it names where, or else
            the path.
    """
    caffe = import_caffe()
    try:
        return caffe.Net(str(path), phase)
    except (RuntimeError, SystemError) as error:
        told = explain(error) or InputError(
            f"Caffe cannot build the net: {error}", "a layer", "see what it says"
        )
        raise InputError(
            told.what, f"{where or path}: {told.where}", told.next_step
        ) from error


def net_of(message: Any, phase: int, where: object) -> Any:
    """Builds the net of a NetParameter; as open_net."""
    from google.protobuf import text_format

    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text_format.MessageToString(message))
        file.flush()
        return open_net(Path(file.name), phase, where)
