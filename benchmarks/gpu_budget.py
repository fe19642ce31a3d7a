"""What an iteration of the paper's net asks of an H200: computed, nothing measured.

Of every layer's kernels: the additions and multiplications, the bytes that they read
and write in the GPU's memory, and how many are launched. Caches are left out: what a
kernel writes, the next reads from memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import measured
from rich.table import Table
from tables_of_gpu_budget import SCHEMA, TOGETHER, bound, seconds
from typer import Option

from pydrdl import cli
from pydrdl.messages import caffe_pb2
from pydrdl.pycaffe import net_of, read_net

NET = Path(__file__).parents[1] / "prototxt/mixed_difference/train_val.prototxt"
FLOAT = 4  # bytes

# NVIDIA's data sheet of the H200 SXM: dense, without sparsity. What of them kernels
# of this kind reach is assumed, not measured.
GPU = {
    "float": 67e12,
    "tf32": 494.5e12,
    "memory": 4.8e12,
    "bus": 64e9,
    "reached_float": 0.67,
    "reached_tf32": 0.42,
    "reached_memory": 0.85,
}


@dataclass
class Cost:
    """Of one or more kernels.

    Attributes:
        flop: of products that tensor cores can take.
        bytes: read and written in the GPU's memory.
        launches: of kernels.
    """

    flop: float = 0
    bytes: float = 0
    launches: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.flop + other.flop,
            self.bytes + other.bytes,
            self.launches + other.launches,
        )

    def __sub__(self, other: "Cost") -> "Cost":
        return self + Cost(-other.flop, -other.bytes, -other.launches)


@dataclass(frozen=True)
class Layer:
    """What a layer's cost depends on.

    Attributes:
        ins, outs: numbers in its bottoms and tops.
        weights: numbers in its weights, without the bias.
        outputs: channels of the top.
        tops: how many.
        gradient: whether the bottom's gradient is wanted.
    """

    ins: int
    outs: int
    weights: int
    outputs: int
    tops: int
    gradient: bool


def _product(layer: Layer, apart: int) -> tuple[Cost, Cost]:
    """A convolution or an inner product: forward and backward.

    Args:
        layer: of which.
        apart: launches that only hold streams together, in each direction.
    """
    flop = 2.0 * layer.outs * layer.weights / layer.outputs
    moved = FLOAT * (layer.ins + layer.weights + layer.outs)
    forward = Cost(flop, moved, 1 + apart) + _bias(layer)
    # The gradient of weights is added to what is there.
    backward = Cost(flop, moved + FLOAT * layer.weights, 1 + apart)
    backward += Cost(0, FLOAT * layer.outs, 1)  # of the bias
    if layer.gradient:
        backward += Cost(flop, moved, 1)
    return forward, backward


FUSED = ("Convolution", "ReLU", "LRN", "Pooling")  # drdl::FusedLayers


def _bias(convolution: Layer) -> Cost:
    """Of a kernel that adds it to what the convolution has computed."""
    return Cost(0, 2 * FLOAT * convolution.outs, 1)


def _together(convolution: Layer, pooling: Layer) -> tuple[Cost, Cost]:
    """All that follows a convolution up to its pooling, in one kernel each way.

    Of each maximum the place is written, and read.
    """
    forward = Cost(0, FLOAT * (convolution.outs + 2 * pooling.outs), 1)
    backward = Cost(0, FLOAT * 2 * (convolution.outs + pooling.outs), 1)
    return forward, backward


def _passes(forward: tuple[int, int, int], backward: tuple[int, int, int]) -> Any:
    """A layer without weights: times that (bottom, top) is moved, and launches."""

    def cost(layer: Layer) -> tuple[Cost, Cost]:
        def one(ins: int, outs: int, launches: int) -> Cost:
            return Cost(0, FLOAT * (ins * layer.ins + outs * layer.outs), launches)

        return one(*forward), one(*backward)

    return cost


KINDS: Mapping[str, Callable[[Layer], tuple[Cost, Cost]]] = {
    "Convolution": lambda layer: _product(layer, 1),
    "InnerProduct": lambda layer: _product(layer, 0),
    "ReLU": _passes((1, 1, 1), (1, 2, 1)),
    "LRN": _passes((1, 1, 1), (2, 2, 1)),
    # By Caffe's kernels: the place of each maximum is written, and read.
    "Pooling": _passes((1, 2, 1), (2, 2, 2)),
    # Random numbers are written, then read by the kernel of each direction.
    "Dropout": _passes((2, 2, 2), (2, 1, 1)),
    "Concat": _passes((1, 1, 2), (1, 1, 2)),
    "Split": lambda layer: (
        Cost(),
        Cost(0, FLOAT * (layer.outs + layer.ins), layer.tops - 1),
    ),
    "SoftmaxWithLoss": _passes((5, 1, 7), (4, 1, 4)),
    "L2Normalize": _passes((1, 1, 1), (0, 3, 1)),
    "CoupledClustersLoss": _passes((2, 1, 3), (2, 1, 1)),
}


def _with_inputs(net: Any) -> tuple[Any, int]:
    """The training net with its data layer as plain inputs; and images in a batch."""
    kept = caffe_pb2.NetParameter(name=net.name, force_backward=False)
    images = 0
    for layer in net.layer:
        if any(rule.phase == caffe_pb2.TEST for rule in layer.include):
            continue
        if layer.type != "PairSetData":
            added = kept.layer.add()
            added.CopyFrom(layer)
            for kind in ("convolution_param", "inner_product_param"):
                getattr(added, kind).ClearField("weight_filler")
            continue
        sets = layer.pair_set_data_param
        images = sets.sets * (sets.positives + sets.negatives)
        side = layer.transform_param.crop_size
        data = kept.layer.add(name=layer.name, type="Input", top=layer.top)
        for shape in ((images, 3, side, side), (images,), (images,)):
            data.input_param.shape.add(dim=shape)
    return kept, images


def budget_of(path: Path) -> dict[str, Any]:
    """The budget of one iteration, as written with --json.

    Raises:
        InputError: no net, no pycaffe.
    """
    param, images = _with_inputs(read_net(path))
    net = net_of(param, caffe_pb2.TRAIN, path)
    kinds: dict[str, list[Cost]] = {}
    learned = 0
    parameters = 0
    layers: list[tuple[str, Layer]] = []
    for i, layer in enumerate(net.layers):
        if layer.type == "Input":
            continue
        bottoms = [net._blob_names[b] for b in net._bottom_ids(i)]
        tops = [net._blob_names[t] for t in net._top_ids(i)]
        count = lambda blobs: sum(net.blobs[blob].count for blob in blobs)  # noqa: E731
        of = Layer(
            ins=net.blobs[bottoms[0]].count if "Loss" in layer.type else count(bottoms),
            outs=count(tops),
            weights=layer.blobs[0].count if len(layer.blobs) else 0,
            outputs=net.blobs[tops[0]].shape[1] if len(layer.blobs) else 0,
            tops=len(tops),
            gradient="data" not in bottoms,
        )
        learned += sum(blob.count for blob in layer.blobs)
        parameters += len(layer.blobs)
        directions = kinds.setdefault(layer.type, [Cost(), Cost()])
        layers.append((layer.type, of))
        for at, cost in enumerate(KINDS[layer.type](of)):
            directions[at] += cost
    fused_before = _fuse(layers, kinds)
    pixels = net.blobs["data"].count
    return {
        "schema": SCHEMA,
        "command": measured.command(),
        "net": param.name,
        "images": images,
        "parameters": learned,
        "gpu": GPU,
        "kinds": {
            kind: {"forward": asdict(a), "backward": asdict(b)}
            for kind, (a, b) in kinds.items()
        },
        "fused_before": asdict(fused_before),
        "transform": asdict(Cost(0, pixels * (1 + FLOAT), 1)),
        # data, gradient and history are read and written, in one kernel; before:
        # clearing, decay, momentum, update.
        "step": asdict(Cost(0, 6 * FLOAT * learned, parameters)),
        "step_before": asdict(Cost(0, 11 * FLOAT * learned, 4 * parameters)),
        "bus": {"bytes": pixels, "bytes_before": FLOAT * pixels},
        # Counted in caffe_layers/test/cuda_on_cpu/test_training.cpp, whose small net
        # has layers of all these kinds; "before" with its test's first failure.
        "waits": {"now": 1, "before": 13},
    }


def _fuse(layers: list[tuple[str, Layer]], kinds: dict[str, list[Cost]]) -> Cost:
    """Puts groups of layers together; returns what they cost before."""
    before, together = Cost(), kinds.setdefault(TOGETHER, [Cost(), Cost()])
    for i in range(len(layers) - len(FUSED) + 1):
        group = layers[i : i + len(FUSED)]
        if tuple(kind for kind, _ in group) != FUSED:
            continue
        convolution, pooling = group[0][1], group[-1][1]
        kinds["Convolution"][0] -= _bias(convolution)
        before += _bias(convolution)
        for kind, layer in group[1:]:
            for at, cost in enumerate(KINDS[kind](layer)):
                kinds[kind][at] -= cost
                before += cost
        for at, cost in enumerate(_together(convolution, pooling)):
            together[at] += cost
    for kind in [k for k, costs in kinds.items() if not any(c.launches for c in costs)]:
        del kinds[kind]
    return before


def gpu_budget(
    net: Annotated[Path, Option(help="A training net with PairSetData.")] = NET,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Compute what an iteration asks of a GPU, and the least time that it takes.

    Example: python benchmarks/gpu_budget.py
    """
    content = budget_of(net)
    table = Table("", "GFLOP", "GB", "launches", "ms at least")
    for kind, (flop, moved, launches) in bound(content).items():
        least = 1e3 * seconds(content, flop, moved, "tf32")
        table.add_row(
            kind,
            f"{flop / 1e9:,.0f}",
            f"{moved / 1e9:.2f}",
            str(launches),
            f"{least:.2f}",
        )
    cli.console.print(table)
    if json is not None:
        cli.write_json(json, content)


if __name__ == "__main__":
    cli.run(gpu_budget)
