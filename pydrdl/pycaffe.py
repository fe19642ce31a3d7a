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
        raise InputError(
            f"cannot import pycaffe: {error}",
            sys.executable,
            "run tools/setup.sh and source .venv/bin/activate",
        ) from error
    return caffe


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
        raise InputError(
            "a net of the old form, `layers`",
            path,
            "write it in today's, `layer`; Caffe's upgrade_net_proto_text does",
        )
    if not net.layer:
        raise InputError("the net has no layers", path, give)
    unknown = {layer.type or "''" for layer in net.layer} - known
    if unknown:
        raise InputError(
            f"this Caffe has no layer type {', '.join(sorted(unknown))}",
            path,
            "correct the type, or build Caffe with it",
        )
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
