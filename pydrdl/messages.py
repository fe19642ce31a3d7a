"""Caffe's and DRDL's protobuf messages, as pycaffe installs them."""

import os

from pydrdl.pycaffe import QUIET

os.environ.setdefault(*QUIET)
try:
    from caffe.proto import caffe_pb2, drdl_pb2
except ImportError as error:
    raise ImportError(
        f"{error}\n  where: caffe.proto, a part of pycaffe built with the DRDL layers"
        "\n  next: run tools/setup.sh and source .venv/bin/activate"
    ) from error

Datum = caffe_pb2.Datum
PairIndex = drdl_pb2.PairIndex

__all__ = ["Datum", "PairIndex", "caffe_pb2", "drdl_pb2"]
