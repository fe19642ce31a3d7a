"""The nets of the kit for a GPU: tools/gpu_kit/nets.py."""

import sys
from pathlib import Path

import pytest
from commands import ROOT, run, run_caffe
from google.protobuf import text_format
from helpers import caffe, read_net

from pydrdl.messages import caffe_pb2

WAYS = (
    "CoupledClusters_EXACT", "CoupledClusters_CENTER_CONSTANT", "Triplet_RANDOM",
    "Triplet_HARD",
)  # fmt: skip


def written(folder: Path, *options: str) -> Path:
    """A kit's folder, with its nets."""
    script = ROOT / "tools/gpu_kit/nets.py"
    done = run(sys.executable, script, folder / "nets", *options)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("kit"))


def test_the_net_is_the_papers(kit: Path) -> None:
    net, papers = (
        read_net(path / "train_val.prototxt" if path.is_dir() else path)
        for path in (kit / "nets/paper.prototxt", ROOT / "prototxt/mixed_difference")
    )
    for layer in (*net.layer, *papers.layer):
        layer.pair_set_data_param.ClearField("source")
    assert net == papers


def test_the_exact_net_is_the_papers_but_for_what_is_not_exact(kit: Path) -> None:
    net, papers = (
        read_net(kit / f"nets/{name}.prototxt") for name in ("exact", "paper")
    )
    dropped = [layer for layer in papers.layer if layer.type == "Dropout"]
    assert len(dropped) == 3 and all(layer.type != "Dropout" for layer in net.layer)
    drops = {layer.top[0]: layer.bottom[0] for layer in dropped}
    kept = [layer for layer in papers.layer if layer.type != "Dropout"]
    engines = 0
    for layer, paper in zip(net.layer, kept, strict=True):
        paper.bottom[:] = [drops.get(name, name) for name in paper.bottom]
        for field in ("convolution_param", "pooling_param"):
            if layer.HasField(field):
                engine = getattr(layer, field)
                assert engine.engine == engine.CAFFE
                engine.ClearField("engine")
                engines += 1
        assert layer == paper
    assert engines == 11  # conv1 to conv3, twice conv4, conv5 and pool5, pool1, pool2


def test_every_loss_is_timed(tmp_path: Path) -> None:
    kit = written(tmp_path, "--mini")
    done = run_caffe(
        "time", "--model", "nets/losses.prototxt", "--iterations", "2", cwd=kit
    )
    assert done.returncode == 0, done.stderr
    for sets in (2, 4):
        for layer in (f"copy_{sets}", *(f"loss_{way}_{sets}" for way in WAYS)):
            for direction in ("forward", "backward"):
                assert f"{layer}\t{direction}: " in done.stderr


def test_half_of_the_clusters_hinges_are_active(kit: Path) -> None:
    """Else Backward would have less to do than in a training, or more."""
    net = read_net(kit / "nets/losses.prototxt")
    (loss,) = (la for la in net.layer if la.name == "loss_CoupledClusters_EXACT_15")
    loss.top.append("active")
    keep = [la for la in net.layer if not la.name.endswith("_1500")]
    small = caffe_pb2.NetParameter(name=net.name, layer=keep)
    path = kit / "small.prototxt"
    path.write_text(text_format.MessageToString(small))
    caffe.set_mode_cpu()
    caffe.set_random_seed(1)
    opened = caffe.Net(str(path), caffe.TRAIN)
    opened.forward()
    assert 0.2 < float(opened.blobs["active"].data) < 0.8
