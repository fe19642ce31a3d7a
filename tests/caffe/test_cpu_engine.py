"""The CPU engine from outside: who computes, and the same bits on any threads.

What it computes is tested in C++, against doubles and upstream's layers.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_caffe
from google.protobuf import text_format
from helpers import VEHICLES, make_fleet, read_net, write_nets

from pydrdl.errors import InputError
from pydrdl.messages import caffe_pb2
from pydrdl.nets import prototxt
from pydrdl.pycaffe import net_of

# Where a layer's parameters have the field.
CHOOSING = {
    "Convolution": "convolution_param",
    "Pooling": "pooling_param",
    "ReLU": "relu_param",
    "LRN": "lrn_param",
    "BatchNorm": "batch_norm_param",
    "InnerProduct": "inner_product_param",
}
# Those that the demo's nets do not have.
MORE = """
layer {{ name: "norm" type: "LRN" bottom: "{0}" top: "norm"
  lrn_param {{ local_size: 3 alpha: 0.5 }} }}
layer {{ name: "scale" type: "Scale" bottom: "norm" top: "{1}"
  scale_param {{ bias_term: true }} }}
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's nets, with 48 images a batch."""
    folder = tmp_path_factory.mktemp("engine")
    fleet = make_fleet(folder, VEHICLES, 80, 90)
    lmdb = fleet.build(folder / "lmdb", 90, (72, 72))
    write_nets(prototxt.DEMO_FAMILY, lmdb, folder, max_iter=3, snapshot=0)
    for path in folder.glob("*/train_val.prototxt"):
        net = read_net(path)
        for layer in net.layer:
            if layer.type == "PairSetData":
                layer.pair_set_data_param.sets = 12
        path.write_text(text_format.MessageToString(net))
    return folder


def train(demo: Path, threads: int, **fields: object) -> tuple[bytes, str]:
    """The weights of three iterations, and the log."""
    solver = demo / "mixed_difference/solver.prototxt"
    message = text_format.Parse(solver.read_text(), caffe_pb2.SolverParameter())
    for name, value in fields.items():
        setattr(message, name, value)
    solver = solver.with_name("tried.prototxt")
    solver.write_text(text_format.MessageToString(message))
    done = run_caffe("train", "--solver", solver, OPENBLAS_NUM_THREADS=str(threads))
    assert done.returncode == 0, done.stderr
    (weights,) = solver.parent.glob("*_iter_3.caffemodel")
    return weights.read_bytes(), done.stderr


@pytest.mark.parametrize(
    "fields",
    [{}, {"clip_gradients": 0.1}, {"type": "Adam", "momentum2": 0.99}],
    ids=["SGD", "clipped", "Adam"],
)
def test_any_number_of_threads_trains_the_same_weights(
    demo: Path, fields: dict[str, Any]
) -> None:
    one, log = train(demo, 1, **fields)
    assert "CPU engine: 1 threads, loops for " in log
    for threads in (2, 4, 8):
        more, log = train(demo, threads, **fields)
        assert f"CPU engine: {threads} threads" in log
        assert more == one, f"{threads} threads"


@pytest.mark.parametrize("net", ["triplet", "mixed_difference"])
def test_wider_registers_give_the_same_weights(demo: Path, net: str) -> None:
    """On a processor without AVX-512, both are AVX2's loops."""
    solver, weights = demo / net / "solver.prototxt", []
    for loops in ("avx2", "avx512"):
        done = run_caffe("train", "--solver", solver, DRDL_KERNELS=loops)
        assert done.returncode == 0, done.stderr
        (made,) = solver.parent.glob("*_iter_3.caffemodel")
        weights.append(made.read_bytes())
        made.unlink()
    assert weights[0] == weights[1]


def test_unknown_loops_are_refused(demo: Path) -> None:
    solver = demo / "triplet/solver.prototxt"
    done = run_caffe("train", "--solver", solver, DRDL_KERNELS="avx3")
    assert done.returncode == 1
    assert "DRDL_KERNELS=avx3; expected baseline, avx2 or avx512" in done.stderr
    assert "next: name one of the three, or unset it" in done.stderr


def test_no_number_of_threads_is_the_processors(demo: Path) -> None:
    wanted = f"CPU engine: {len(os.sched_getaffinity(0))} threads"
    model = demo / "triplet/train_val.prototxt"
    for text in ("99999999999", "1025", "-3", "many"):
        words = "time", "--model", model, "--iterations", "1"
        done = run_caffe(*words, OPENBLAS_NUM_THREADS=text, OMP_NUM_THREADS=text)
        assert wanted in done.stderr, text


def test_the_log_says_what_multiplies(demo: Path) -> None:
    """A kernel that the environment names stays, however old."""
    solver = demo / "mixed_difference/solver.prototxt"
    for kernel in ("Prescott", "Nehalem"):
        log = run_caffe("train", "--solver", solver, OPENBLAS_CORETYPE=kernel).stderr
        assert f", BLAS kernel {kernel}\n" in log


def deploy(demo: Path, engine: str) -> Any:
    """The deploy net, LRN and Scale in it, computed by one engine."""
    message = read_net(demo / "mixed_difference/deploy.prototxt")
    (first,) = (one for one in message.layer if one.name == "pool1")
    top, first.top[0] = first.top[0], "pooled"
    text = text_format.MessageToString(message)
    at = text.index("layer {", text.index('name: "pool1"'))
    text = text[:at] + MORE.format("pooled", top) + text[at:]
    message = text_format.Parse(text, caffe_pb2.NetParameter())
    for layer in message.layer:
        if name := CHOOSING.get(layer.type):
            part = getattr(layer, name)
            part.engine = (
                part.DESCRIPTOR.fields_by_name["engine"]
                .enum_type.values_by_name[engine]
                .number
            )
    net = net_of(message, caffe_pb2.TEST, "the net")
    random = np.random.default_rng(3)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = 0.1 * random.standard_normal(blob.data.shape)
            if len(blobs) == 3:  # variances
                np.abs(blob.data, out=blob.data)
    net.blobs["data"].data[...] = random.standard_normal(net.blobs["data"].data.shape)
    return net


def test_engine_caffe_is_upstreams_code(demo: Path) -> None:
    ours, upstream = deploy(demo, "DEFAULT"), deploy(demo, "CAFFE")
    (name,) = ours.forward()
    upstream.forward()
    a, b = ours.blobs[name].data, upstream.blobs[name].data
    assert np.isfinite(a).all() and a.std() > 0
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("kind", ["BatchNorm", "InnerProduct"])
def test_layers_that_cudnn_does_not_serve_say_so(demo: Path, kind: str) -> None:
    message = read_net(demo / "mixed_difference/deploy.prototxt")
    layer = next(one for one in message.layer if one.type == kind)
    getattr(layer, CHOOSING[kind]).engine = caffe_pb2.ConvolutionParameter.CUDNN
    with pytest.raises(InputError, match=f"cuDNN does not serve {kind}") as caught:
        net_of(message, caffe_pb2.TEST, "the net")
    assert f"layer {layer.name} ({kind})" in caught.value.where


def test_layers_that_upstreams_code_serves_are_told_once_for_each_kind(
    tmp_path: Path,
) -> None:
    within = "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }"
    layers = {
        "first": ("LRN", within),
        "second": ("LRN", within),
        "pool": ("Pooling", 'top: "places" pooling_param { kernel_size: 2 }'),
    }
    text, bottom = 'input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 6 }\n', "data"
    for name, (kind, parameters) in layers.items():
        text += f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" '
        text += f'top: "{name}" {parameters} }}\n'
        bottom = name
    net = tmp_path / "net.prototxt"
    net.write_text(text)
    done = run_caffe("time", "--model", net, "--iterations", 1)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    told = [line for line in lines if line.endswith("by upstream's code")]
    assert [line.partition("] ")[2] for line in told] == [
        "Layer first, LRN within channels: by upstream's code",
        "Layer pool, pooling that is stochastic or has two tops: by upstream's code",
    ]
