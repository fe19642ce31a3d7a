"""The kit's nets and solvers, for tools/gpu_kit.sh: python nets.py FOLDER [--mini].

paper   the paper's net, as prototxt/mixed_difference, on the kit's LMDB
exact   the same, of which a resumed training gives the same bits on a GPU: without
        dropout, whose numbers a snapshot does not hold, and without cuDNN's layers,
        which add in any order
losses  each loss at two sizes of a batch, and a copy of as many features

--mini writes the demo's net and small batches in their place, for a CPU.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from pydrdl.messages import caffe_pb2
from pydrdl.nets import layers, structures
from pydrdl.nets.prototxt import PATHS, VEHICLEID

POSITIVES, NEGATIVES = 5, 5
# Half of the clusters' hinges are active, and all triplets (benchmarks/loss_work.py).
MARGIN = 0.37


def exact(net: Any) -> Any:
    """The net with Caffe's own convolutions and pooling, which add in one order."""
    for layer in net.layer:
        if layer.type == "Convolution":
            layer.convolution_param.engine = caffe_pb2.ConvolutionParameter.CAFFE
        elif layer.type == "Pooling":
            layer.pooling_param.engine = caffe_pb2.PoolingParameter.CAFFE
    return net


def losses(sizes: tuple[int, ...], dim: int) -> Any:
    """A net of the losses alone, of batches of so many sets, D = dim.

    The features of the smallest batch are drawn; the others repeat them.
    """
    net = caffe_pb2.NetParameter(name="losses", force_backward=True)
    rows = POSITIVES + NEGATIVES
    drawn = dummy(net, "drawn", (sizes[0] * rows, dim), type="gaussian", std=dim**-0.5)
    for sets in sizes:
        features = f"features_{sets}"
        times = {"axis": 0, "tiles": sets // sizes[0]}
        layers.add(net, "Tile", features, drawn, tile_param=times)
        layers.add(net, "AbsVal", f"copy_{sets}", features)
        ids = vehicle_ids(net, sets)
        for way in ("EXACT", "CENTER_CONSTANT", "RANDOM", "HARD"):
            param = {"positives": POSITIVES, "negatives": NEGATIVES, "margin": MARGIN}
            if way in ("RANDOM", "HARD"):
                kind, field, param = "Triplet", "triplet", param | {"sampling": way}
            else:
                kind, field = "CoupledClusters", "coupled_clusters"
                param |= {"gradient": way}
            name = f"loss_{kind}_{way}_{sets}"
            more = {f"{field}_loss_param": param}
            layers.add(net, f"{kind}Loss", name, [features, ids], **more)
    return net


def vehicle_ids(net: Any, sets: int) -> str:
    """Vehicle 0 in all positives, 1 in all negatives."""
    parts = [
        dummy(net, f"{of}_{sets}", (sets, count), type="constant", value=value)
        for value, (of, count) in enumerate(
            {"positives": POSITIVES, "negatives": NEGATIVES}.items()
        )
    ]
    both = layers.add(net, "Concat", f"sets_{sets}", parts)
    flat = {"shape": {"dim": [-1]}}
    return layers.add(net, "Reshape", f"ids_{sets}", both, reshape_param=flat)


def dummy(net: Any, name: str, shape: tuple[int, ...], **filler: Any) -> str:
    """Numbers from a filler."""
    param = {"shape": [{"dim": shape}], "data_filler": [filler]}
    return layers.add(net, "DummyData", name, dummy_data_param=param)


def main(folder: Path, *, mini: bool) -> None:
    """Writes the files; relative paths in them start from the folder above."""
    backbone = structures.DEMO if mini else structures.VGG_CNN_M_1024
    training = replace(
        VEHICLEID, train_lmdb="train_lmdb", test_lmdb="train_lmdb",
        sets=2 if mini else VEHICLEID.sets,
    )  # fmt: skip
    # From random weights, and not pretrained ones, the paper's rate may end in NaN.
    schedule = structures.Schedule(base_lr=0.001, display=2 if mini else 10, snapshot=0)

    def net(backbone: structures.Backbone) -> Any:
        return structures.train_val_net("mixed_difference", backbone, training)

    nets = {
        "paper": net(backbone),
        "exact": exact(net(replace(backbone, dropout=0.0))),
        "losses": losses((2, 4), 16) if mini else losses((15, 1500), 1024),
    }
    folder.mkdir()
    for name, content in nets.items():
        path = folder / f"{name}.prototxt"
        path.write_text(PATHS + text_format.MessageToString(content))
    for name in ("paper", "exact"):
        content = structures.solver(
            f"nets/{name}.prototxt", f"snapshots/{name}", schedule
        )
        path = folder / f"{name}_solver.prototxt"
        path.write_text(PATHS + text_format.MessageToString(content))


if __name__ == "__main__":
    main(Path(sys.argv[1]), mini="--mini" in sys.argv[2:])
