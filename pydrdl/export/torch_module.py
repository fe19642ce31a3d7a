"""A deploy net as a module of PyTorch: a file of Python that can be read, and weights.

It is written from the graph of the ONNX model, a line for each node, and needs nothing
of this package. Weights are parameters, so that training can go on with them.
"""

import importlib.util
import io
import json
import keyword
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.export.graph import Graph
from pydrdl.export.layers import PIXELS, graph_of
from pydrdl.features.deploy_net import INPUT
from pydrdl.features.extract import Extractor

HEAD = '''\
"""{title}, as a module of PyTorch; written by drdl export, version {version}.

Net: {net}
Weights: {weights}
Images: {images}
Input: {given}.

    net = load()          # the weights lie beside this file
    {result} = net({input})
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
{made}

    def forward(self, {input}: torch.Tensor) -> torch.Tensor:
{lines}
        return {result}


def load(path: str | Path = Path(__file__).with_suffix(".pt")) -> Net:
    net = Net()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net.eval()
'''
READY = "N x {channels} x {height} x {width}, float32, BGR, made as Images says"
AS_READ = "N x {side} x {side} x 3, uint8, BGR, as OpenCV reads and resizes images"
# Constants that are no weights: factors of averages at the edges, and images' mean.
FIXED = re.compile(r"(.+\.factors|mean)(\.\d+)?")
INFINITE = "float('-inf')"
SMALLEST = float(np.finfo(np.float32).tiny)  # by which a zero row is divided


@dataclass(frozen=True)
class TorchModule:
    """A module's two files."""

    code: bytes
    weights: bytes  # of torch.save


@dataclass(frozen=True)
class _Node:
    """A node of the graph, its inputs as they stand in the code."""

    kind: str
    inputs: Sequence[str]
    constants: Mapping[int, Any]  # values of those inputs that are constant
    said: Mapping[str, Any]  # attributes


Template = Callable[[_Node], str]
_PLAIN = {
    "Relu": "F.relu({0})", "Sigmoid": "torch.sigmoid({0})", "Tanh": "torch.tanh({0})",
    "Abs": "torch.abs({0})", "Softplus": "F.softplus({0})",
    "Flatten": "torch.flatten({0}, 1)", "Mul": "{0} * {1}", "Add": "{0} + {1}",
    "Sub": "{0} - {1}", "Pow": "torch.pow({0}, {1})", "LessOrEqual": "{0} <= {1}",
    "PRelu": "torch.where({0} >= 0, {0}, {1} * {0})", "Cast": "{0}.float()",
    "Where": "torch.where({0}, {1}, {2})",
    # Where it is zero, Where drops the quotient; its gradient must be finite too.
    "Div": f"{{0}} / torch.clamp({{1}}, min={SMALLEST})",
    "GlobalMaxPool": "torch.amax({0}, (2, 3), keepdim=True)",
    "GlobalAveragePool": "torch.mean({0}, (2, 3), keepdim=True)",
}  # fmt: skip


def _conv(node: _Node) -> str:
    said, arguments = node.said, ", ".join(node.inputs)
    height, width = said["pads"][:2]
    options = f"stride={_pair(said['strides'])}, padding=({height}, {width})"
    if any(step != 1 for step in said["dilations"]):
        options += f", dilation={_pair(said['dilations'])}"
    if said["group"] != 1:
        options += f", groups={said['group']}"
    name = "conv_transpose2d" if node.kind == "ConvTranspose" else "conv2d"
    return f"F.{name}({arguments}, {options})"


def _pool(node: _Node) -> str:
    largest = node.kind == "MaxPool"
    top, left, bottom, right = node.said["pads"]
    value, options = node.inputs[0], ""
    if any(node.said["pads"]):
        filled = f", value={INFINITE}" if largest else ""
        value = f"F.pad({value}, ({left}, {right}, {top}, {bottom}){filled})"
    options = f"{_pair(node.said['kernel_shape'])}, {_pair(node.said['strides'])}"
    return f"F.{'max' if largest else 'avg'}_pool2d({value}, {options})"


def _pair(values: Sequence[int]) -> str:
    return f"({', '.join(map(str, values))})"


def _gemm(node: _Node) -> str:
    value, weights, *bias = node.inputs
    turned = weights if node.said.get("transB") else f"{weights}.t()"
    return f"F.linear({', '.join([value, turned, *bias])})"


def _batch_norm(node: _Node) -> str:
    value, _, _, mean, variance = node.inputs  # by ones and zeros
    return (
        f"F.batch_norm({value}, {mean}, {variance}, eps={_float(node.said['epsilon'])})"
    )


def _lrn(node: _Node) -> str:
    s = node.said
    factors = ", ".join(_float(s[name]) for name in ("alpha", "beta", "bias"))
    return f"F.local_response_norm({node.inputs[0]}, {s['size']}, {factors})"


def _float(value: float) -> str:
    """All digits of a float32."""
    return f"{value:.9g}"


def _reshape(node: _Node) -> str:
    value = node.inputs[0]
    sides = [
        f"{value}.shape[{k}]" if side == 0 else str(side)
        for k, side in enumerate(node.constants[1].tolist())
    ]
    return f"torch.reshape({value}, ({', '.join(sides)}))"


def _slice(node: _Node) -> str:
    begins, ends, axes = (node.constants[k].tolist() for k in (1, 2, 3))
    cut = [":"] * (max(axes) + 1)
    for begin, end, axis in zip(begins, ends, axes, strict=True):
        cut[axis] = f"{begin}:{end}"
    return f"{node.inputs[0]}[{', '.join(cut)}]"


def _maximum(node: _Node) -> str:
    largest, *others = node.inputs
    for other in others:
        largest = f"torch.maximum({largest}, {other})"
    return largest


TEMPLATES: dict[str, Template] = {
    "AveragePool": _pool,
    "BatchNormalization": _batch_norm,
    "Concat": lambda n: f"torch.cat(({', '.join(n.inputs)},), {n.said['axis']})",
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Elu": lambda n: f"F.elu({n.inputs[0]}, {_float(n.said['alpha'])})",
    "Gemm": _gemm,
    "LRN": _lrn,
    "LeakyRelu": lambda n: f"F.leaky_relu({n.inputs[0]}, {_float(n.said['alpha'])})",
    "Max": _maximum,
    "MaxPool": _pool,
    "ReduceL2": lambda n: (
        f"torch.linalg.vector_norm({n.inputs[0]}, dim={_pair(n.said['axes'])}, "
        "keepdim=True)"
    ).replace(",), keep", "), keep"),
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": lambda n: f"torch.softmax({n.inputs[0]}, {n.said['axis']})",
    "Split": lambda n: (
        f"torch.split({n.inputs[0]}, {n.constants[1].tolist()}, {n.said['axis']})"
    ),
    "Sum": lambda n: " + ".join(n.inputs),
    "Transpose": lambda n: f"{n.inputs[0]}.permute{_pair(n.said['perm'])}",
}
for _kind, _text in _PLAIN.items():
    TEMPLATES[_kind] = lambda n, text=_text: text.format(*n.inputs)  # type: ignore[misc]


def to_torch(extractor: Extractor, net_path: Path, *, pixels: bool) -> TorchModule:
    """What an extractor's net computes, as far as the blob that it reads.

    Args:
        extractor: net, weights and how images are made.
        net_path: its prototxt.
        pixels: whether the module takes images, as to_onnx has it.

    Raises:
        InputError: a layer for which there is no rule.
    """
    graph = graph_of(extractor, net_path, pixels=pixels)
    held = {one.name: numpy_helper.to_array(one) for one in graph.constants}
    names = _Names()
    given = names.of(PIXELS if pixels else INPUT)
    state: dict[str, Any] = {}
    made, lines = [], []
    for node in graph.nodes:
        made += _registered(node, graph, held, names, state)
        inputs = [_argument(name, graph, held, names) for name in node.input]
        constants = {k: held[n] for k, n in enumerate(node.input) if n in held}
        said = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        text = TEMPLATES[node.op_type](_Node(node.op_type, inputs, constants, said))
        lines.append(f"{', '.join(map(names.of, node.output))} = {text}")
    shape = tuple(extractor.net.blobs[INPUT].shape)
    ready = READY.format(channels=shape[1], height=shape[2], width=shape[3])
    code = HEAD.format(
        title=net_path.parent.name.replace('"', "'"),
        version=__version__,
        net=extractor.source.net_sha256,
        weights=extractor.source.weights_sha256 or "none",
        images=json.dumps(json.loads(extractor.source.preprocess)),
        given=AS_READ.format(side=extractor.preprocess.resize) if pixels else ready,
        input=given,
        made="\n".join(f"        {line}" for line in made) or "        pass",
        lines="\n".join(f"        {line}" for line in lines),
        result=names.of(graph.values[extractor.blob]),
    )
    memory = io.BytesIO()
    torch.save(state, memory)
    return TorchModule(code.encode(), memory.getvalue())


class _Names:
    """Names of values as Python takes them; no two are alike."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._taken = {"self", "torch", "nn", "F", "Path"}

    def of(self, name: str) -> str:
        """The same for the same."""
        if name not in self._known:
            plain = re.sub(r"\W", "_", name, flags=re.ASCII)
            if plain[:1].isdigit() or keyword.iskeyword(plain) or not plain:
                plain = f"_{plain}"
            while plain in self._taken:
                plain += "_"
            self._taken.add(plain)
            self._known[name] = plain
        return self._known[name]


def _argument(name: str, graph: Graph, held: Mapping[str, Any], names: _Names) -> str:
    """An input as it stands in the code; a number stands there itself."""
    if name in graph.scalars:
        return _float(held[name].item())
    return f"self.{names.of(name)}" if name in held else names.of(name)


def _registered(
    node: NodeProto,
    graph: Graph,
    held: Mapping[str, Any],
    names: _Names,
    state: dict[str, Any],
) -> list[str]:
    """The lines that make a node's parameters and buffers, whose values join state."""
    lines = []
    own = list(node.input)
    if node.op_type == "BatchNormalization":
        own = own[3:]
    for name in own:
        if name not in held or name in graph.scalars or names.of(name) in state:
            continue
        if held[name].dtype.kind == "i":  # of shapes, which stand in the code
            continue
        place, array = names.of(name), held[name]
        state[place] = torch.from_numpy(array.copy())
        empty = f"torch.empty({', '.join(map(str, array.shape))})"
        fixed = node.op_type == "BatchNormalization" or FIXED.fullmatch(name)
        lines.append(
            f'self.register_buffer("{place}", {empty})'
            if fixed
            else f"self.{place} = nn.Parameter({empty})"
        )
    return lines


def run(made: TorchModule, given: NDArray[Any]) -> NDArray[Any]:
    """What PyTorch computes with a module of to_torch.

    Raises:
        InputError: PyTorch does not run the module.
    """
    try:
        net = loaded(made)
        with torch.no_grad():
            found = net(torch.from_numpy(given))
    except Exception as error:  # of many kinds, by what the net holds
        what = f"PyTorch does not run the module: {error}"
        raise InputError(what, "the module", "report this, with the net") from error
    return np.asarray(found.numpy())


def loaded(made: TorchModule) -> Any:
    """The module, from files as a user has them."""
    with tempfile.TemporaryDirectory(prefix="drdl-") as folder:
        path = Path(folder) / "exported.py"
        path.write_bytes(made.code)
        path.with_suffix(".pt").write_bytes(made.weights)
        spec = importlib.util.spec_from_file_location("exported", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.load()
