"""How exactly the CPU engine convolves, beside upstream's code, against doubles.

Winograd's filters and tiles grow on their way through the transforms, so that its
results are rounded more than those of a plain product.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import measured
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.gradcheck.case import MemoryNet
from pydrdl.gradcheck.cases import net_with_inputs
from pydrdl.messages import caffe_pb2
from pydrdl.pycaffe import read_net

SCHEMA = "drdl.bench_engine_errors/1"
ROOT = Path(__file__).parents[1]
# Nets, their layers of 3 x 3 filters, and one that goes another way; planes' sides.
LAYERS = {
    ("mixed_difference", "conv2"): 26,
    ("mixed_difference", "conv3"): 13,
    ("mixed_difference", "conv4"): 13,
    ("demo/mixed_difference", "conv2"): 16,
    ("demo/mixed_difference", "conv4"): 8,
}
PASSES = ("top", "bottom diff", "weights diff")
Numbers = NDArray[np.float64]


def _layer(net: str, name: str) -> tuple[Any, int]:
    """A convolution, and its bottom's channels: the outputs of the last one before."""
    message = read_net(ROOT / "prototxt" / net / "train_val.prototxt")
    channels = 3
    for layer in message.layer:
        if layer.name == name:
            return layer, channels
        if layer.type == "Convolution":
            channels = layer.convolution_param.num_output
    raise AssertionError(f"{net} has no layer {name}")


def _passes(
    layer: Any, engine: str, precision: Any, drawn: Mapping[str, Numbers]
) -> dict[str, Numbers]:
    """What a layer computes of given numbers, by name of PASSES."""
    message = net_with_inputs({"data": drawn["data"].shape})
    message.layer.add().CopyFrom(layer)
    own = message.layer[-1]
    own.bottom[:], own.top[:] = ["data"], ["top"]
    parameters = caffe_pb2.ConvolutionParameter
    own.convolution_param.engine = getattr(parameters, engine)
    net = MemoryNet(message, precision)
    for name, number in (("weights", 0), ("bias", 1)):
        if number < len(net.params[layer.name]):
            blob = net.params[layer.name][number]
            blob.data[...] = drawn[name].reshape(blob.data.shape)
    net.blobs["data"].data[...] = drawn["data"]
    net.forward()
    net.blobs["top"].diff[...] = drawn["gradient"]
    net.backward()
    found = (
        net.blobs["top"].data,
        net.blobs["data"].diff,
        net.params[layer.name][0].diff,
    )
    return {
        name: np.array(values, np.float64)
        for name, values in zip(PASSES, found, strict=True)
    }


def _errors(images: int, seed: int) -> Iterator[dict[str, Any]]:
    for (net, name), side in LAYERS.items():
        layer, channels = _layer(net, name)
        p = layer.convolution_param
        kernel, outputs = p.kernel_size[0], p.num_output
        stride, pad = p.stride[0] if p.stride else 1, p.pad[0] if p.pad else 0
        top = (side + 2 * pad - kernel) // stride + 1
        random = np.random.default_rng(seed)

        def normal(*shape: int, random: np.random.Generator = random) -> Numbers:
            # As float has them, so that all start from the same numbers.
            return random.standard_normal(shape).astype(np.float32).astype(np.float64)

        fan_in = channels * kernel * kernel
        weights = normal(outputs, fan_in) * np.sqrt(2 / fan_in)
        drawn = {
            "data": np.maximum(normal(images, channels, side, side), 0),  # a ReLU's
            "weights": weights.astype(np.float32).astype(np.float64),
            "bias": normal(outputs),
            "gradient": normal(images, outputs, top, top),
        }
        exact = _passes(layer, "CAFFE", "f64", drawn)
        for engine in ("CAFFE", "DEFAULT"):
            got = _passes(layer, engine, "f32", drawn)
            for way in PASSES:
                error = got[way] - exact[way]
                scale = np.sqrt(np.mean(exact[way] ** 2))
                yield {
                    "net": net,
                    "layer": name,
                    "kernel": kernel,
                    "pass": way,
                    "engine": engine,
                    "rms": float(np.sqrt(np.mean(error**2)) / scale),
                    "largest": float(np.abs(error).max() / scale),
                }


def measure(
    images: Annotated[int, Option(min=1, help="In a batch.")] = 30,
    seed: Annotated[int, Option(help="Of the numbers.")] = 1,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Measure errors over the root mean square of the exact result.

    Example: python benchmarks/engine_errors.py
    """
    machine = measured.machine(measured.NUMPY)
    errors = list(_errors(images, seed))
    table = Table("", "pass", "engine", "rms", "largest", box=box.SIMPLE_HEAD)
    for row in errors:
        name = f"{row['net']} {row['layer']}"
        found = f"{row['rms']:.1e}", f"{row['largest']:.1e}"
        table.add_row(name, row["pass"], row["engine"], *found)
    cli.console.print(table)
    if json is not None:
        measured.write(json, SCHEMA, machine, images=images, errors=errors)


if __name__ == "__main__":
    cli.run(measure)
