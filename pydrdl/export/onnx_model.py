"""A deploy net and its weights as an ONNX model, and what it computes beside Caffe.

Documented at https://onnx.ai/onnx/operators; layer by layer in layers.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.export.graph import OPSET
from pydrdl.export.layers import PIXELS, graph_of
from pydrdl.features.deploy_net import INPUT
from pydrdl.features.extract import Extractor

IR_VERSION = 9
BATCH = "N"  # of any number of images
# Operators that square, which float16 has no room for.
SQUARES = ("LRN", "ReduceL2", "LessOrEqual", "Div", "Where")
MOST_BYTES = 2**31  # of a protobuf message


def to_onnx(extractor: Extractor, net_path: Path, *, pixels: bool) -> onnx.ModelProto:
    """What an extractor's net computes, as far as the blob that it reads.

    Args:
        extractor: net, weights and how images are made.
        net_path: its prototxt.
        pixels: whether the model takes images, N x resize x resize x 3, uint8, BGR,
            and crops, centres and scales them; else N x 3 x H x W, float32, ready.

    Raises:
        InputError: a layer for which there is no rule, or too many weights.
    """
    net, graph = extractor.net, graph_of(extractor, net_path, pixels=pixels)
    side = extractor.preprocess.resize
    given = (
        helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [BATCH, side, side, 3])
        if pixels
        else helper.make_tensor_value_info(
            INPUT, TensorProto.FLOAT, [BATCH, *tuple(net.blobs[INPUT].shape)[1:]]
        )
    )
    result = graph.values[extractor.blob]
    width = tuple(net.blobs[extractor.blob].shape)[1:]
    found = helper.make_tensor_value_info(result, TensorProto.FLOAT, [BATCH, *width])
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, net_path.stem, [given], [found], graph.constants
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pydrdl",
        producer_version=__version__,
    )
    source = extractor.source.model_dump()
    said = {
        "net_sha256": source["net_sha256"],
        "weights": Path(source["weights"]).name,
        "weights_sha256": source["weights_sha256"],
        "layer": source["layer"],
        "preprocess": source["preprocess"],
        "input": json.dumps(
            "images, BGR, uint8" if pixels else "as preprocess says, BGR, float32"
        ),
    }
    helper.set_model_props(model, said)
    if model.ByteSize() >= MOST_BYTES:
        what = f"a model of {model.ByteSize():,} bytes, and ONNX takes less than 2 GiB"
        raise InputError(what, net_path, "end the net before its largest layers")
    onnx.checker.check_model(model)
    return model


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with float16 inside; inputs and outputs stay as they are."""
    from onnxruntime.transformers.float16 import (
        DEFAULT_OP_BLOCK_LIST,
        convert_float_to_float16,
    )

    apart = [*DEFAULT_OP_BLOCK_LIST, *SQUARES]
    made: onnx.ModelProto = convert_float_to_float16(
        model, keep_io_types=True, op_block_list=apart
    )
    return made


def run(model: bytes, given: NDArray[Any]) -> NDArray[Any]:
    """What onnxruntime computes with a model of to_onnx.

    Raises:
        InputError: onnxruntime does not take the model.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        (found,) = session.run(None, {session.get_inputs()[0].name: given})
    except Exception as error:  # of many kinds, none of which is documented
        what = f"onnxruntime does not run the model: {error}"
        raise InputError(what, "the model", "report this, with the net") from error
    return np.asarray(found)
