"""`caffe train`, begun or taken up again, until its last iteration."""

import os
import re
import signal
import sys
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from pydrdl import parallel
from pydrdl.errors import InputError, writing
from pydrdl.files import exists, files_in, read_bytes, write_text
from pydrdl.messages import caffe_pb2
from pydrdl.reproduce.runner import failure

LOG = "caffe.log"  # in a run's folder


def command(
    solver: Path, *, weights: Path | None = None, gpu: str = ""
) -> tuple[str, ...]:
    """The command that trains from the beginning.

    Args:
        solver: the solver's prototxt.
        weights: a caffemodel to start from.
        gpu: as the caffe command takes it, such as "0" or "all"; "" for none.
    """
    words = ["caffe", "train", "--solver", str(solver)]
    if weights is not None:
        words += ["--weights", str(weights)]
    if gpu:
        words += ["--gpu", gpu]
    return tuple(words)


def train_into(
    solver: Path, output: Path, *, weights: Path | None = None, gpu: str = ""
) -> Path:
    """Trains to max_iter in a folder that appears when training is over.

    Works in `<output>.partial/`, with a copy of the solver that snapshots there
    and a log, caffe.log. A run that was stopped goes on from its newest whole
    snapshot.

    Args:
        solver: the solver's prototxt; its snapshot_prefix gives the file names.
        output: the folder to make, with all snapshots.
        weights: a caffemodel to start from.
        gpu: as the caffe command takes it; "" for none.

    Returns:
        The last caffemodel.

    Raises:
        InputError: the output exists, the solver cannot be used, or the
            command failed.
    """
    if exists(output):
        raise InputError("the output exists", output, "delete it, or name another")
    partial = output.with_name(output.name + ".partial")
    message = _read(solver)
    prefix = partial / Path(message.snapshot_prefix).name
    message.snapshot_prefix = str(prefix)
    copy = partial / solver.name
    with writing("the solver", copy):
        partial.mkdir(parents=True, exist_ok=True)
        write_text(copy, text_format.MessageToString(message))
    last = train(copy, partial / LOG, weights=weights, gpu=gpu)
    with writing("the training", output):
        partial.rename(output)
    return output / last.name


def train(
    solver: Path, log: Path, *, weights: Path | None = None, gpu: str = ""
) -> Path:
    """Trains to max_iter, from the newest whole snapshot where there is one.

    Args:
        solver: the solver's prototxt, with max_iter and snapshot_prefix.
        log: what the command prints is appended here.
        weights: a caffemodel to start from; without effect on a resume.
        gpu: as the caffe command takes it; "" for none.

    Returns:
        The last caffemodel.

    Raises:
        InputError: the solver cannot be used, or the command failed.
    """
    last = final_weights(solver)
    newest = newest_snapshot(solver)
    if newest is not None and newest == last.with_suffix(".solverstate"):
        return last
    words = list(command(solver, weights=weights, gpu=gpu))
    if newest is not None:
        words = [*command(solver, gpu=gpu), "--snapshot", str(newest)]
    # The command that was installed beside this interpreter comes first.
    others = os.environ.get("PATH", os.defpath)
    path = f"{Path(sys.executable).parent}{os.pathsep}{others}"
    code = parallel.run(
        words,
        log,
        # The log is what training curves are drawn from.
        env=os.environ | {"PATH": path, "GLOG_minloglevel": "0"},
        stop=signal.SIGINT,  # by which Caffe writes a snapshot first
    )
    if code or not exists(last):
        raise failure(f"training by {solver}", code, log)
    return last


def final_weights(solver: Path) -> Path:
    """The caffemodel that training to the end leaves.

    Raises:
        InputError: the solver cannot be read, or lacks a prefix or max_iter.
    """
    message = _read(solver)
    return Path(f"{message.snapshot_prefix}_iter_{message.max_iter}.caffemodel")


def newest_snapshot(solver: Path) -> Path | None:
    """The solverstate of the latest whole snapshot; None without one.

    A snapshot is whole when its solverstate, written after the caffemodel, has
    its last field: a killed run may leave either cut off.
    """
    prefix = Path(_read(solver).snapshot_prefix)
    pattern = re.compile(re.escape(prefix.name) + r"_iter_(\d+)\.solverstate")
    found = [
        (int(match[1]), path)
        for path in files_in(prefix.parent, "*.solverstate")
        if (match := pattern.fullmatch(path.name))
    ]
    for _, path in sorted(found, reverse=True):
        if exists(path.with_suffix(".caffemodel")) and _is_whole(path):
            return path
    return None


def _is_whole(solverstate: Path) -> bool:
    data = read_bytes(solverstate, "a snapshot", "check the path")
    try:
        state = caffe_pb2.SolverState.FromString(data)
    except DecodeError:
        return False
    # Fields are written by their number, current_step last.
    return bool(state.HasField("current_step"))


def _read(solver: Path) -> "caffe_pb2.SolverParameter":
    message = caffe_pb2.SolverParameter()
    data = read_bytes(solver, "the solver", "check the path")
    try:
        text_format.Parse(data.decode(), message)
    except (UnicodeDecodeError, text_format.ParseError, RecursionError) as error:
        raise InputError(
            f"cannot read the solver: {error}", solver, "check the file"
        ) from error
    if not (message.snapshot_prefix and message.max_iter):
        raise InputError(
            "the solver names no snapshot_prefix or no max_iter",
            solver,
            "add both; tools/make_nets.py writes such solvers",
        )
    return message
