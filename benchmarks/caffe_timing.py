"""Nets that are timed: their input from a file, and what `caffe time` says of them."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from whole_commands import run

from pydrdl.errors import InputError

ROOT = Path(__file__).parents[1]
CAFFE = Path(sys.executable).with_name("caffe")
LOG = {"GLOG_minloglevel": "0", "GLOG_logtostderr": "1"}
_FORWARD = re.compile(r"Average Forward pass: (\S+) ms")


def feed(layer: Any, arrays: Mapping[str, Any], folder: Path) -> None:
    """Turns a net's data layer into one that reads these arrays, as one batch.

    `caffe time` would leave zeros in an Input layer: the processor predicts the
    branches of ReLU and max pooling then, and a pass is quicker than it ever is in
    use.

    Args:
        layer: of the net's message.
        arrays: by the name of a top; as many rows each as the batch has images.
        folder: for the file that the net reads, when it is made.
    """
    (images,) = {len(array) for array in arrays.values()}
    path = folder / "inputs.h5"
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array, np.float32)
    listed = path.with_suffix(".txt")
    listed.write_text(f"{path}\n")
    del layer.param[:]
    for name in ("include", "transform_param", "pair_set_data_param", "input_param"):
        layer.ClearField(name)
    layer.type = "HDF5Data"
    layer.hdf5_data_param.source = str(listed)
    layer.hdf5_data_param.batch_size = images


def caffe_time(
    net: Path,
    iterations: int,
    phase: str,
    *,
    caffe: Path = CAFFE,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The log of `caffe time`.

    Raises:
        InputError: it failed.
    """
    words = [str(caffe), "time", "--model", str(net), "--phase", phase]
    words += ["--iterations", str(iterations)]
    return run(words, ROOT, environment={**LOG, **(environment or {})})[2]


def forward_seconds(log: str) -> float:
    """Of one pass, in the mean.

    Raises:
        InputError: the log of `caffe time` does not say.
    """
    found = _FORWARD.search(log)
    if found is None:
        raise InputError(
            "caffe time gave no forward pass", "its log", "run it to see its log"
        )
    return float(found[1]) / 1000
