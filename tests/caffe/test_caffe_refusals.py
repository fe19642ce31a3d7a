"""What `caffe` says of wrong commands, solvers, nets and data: one message."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import cv2
import h5py
import lmdb
import numpy as np
import pytest
from commands import CAFFE, Done, python, run, run_caffe, start
from small_net import NET, message, train, write

pytest.importorskip("caffe", reason="pycaffe is not installed")

from pydrdl import messages

COMMANDS = {
    "surplus word": (
        ["train", "solver.prototxt"],
        "a word too many: 'solver.prototxt'",
    ),
    "surplus word beside": (
        ["train", "--solver", "solver.prototxt", "again"],
        "a word too many: 'again'",
    ),
    "unknown command": (["trian"], "unknown command\n  where: trian"),
    "unknown option": (["train", "--sovler", "x"], "unknown option\n  where: --sovler"),
    "no value": (["train", "--solver"], "an option without its value"),
    "no number": (["time", "--iterations", "many"], "no value of the option's type"),
    "no solver": (["train"], "an option is missing\n  where: caffe train"),
    "no model": (["time"], "an option is missing\n  where: caffe time"),
    "no weights": (["test", "--model", "net.prototxt"], "give --weights FILE"),
    "no iterations": (
        ["time", "--model", "net.prototxt", "--iterations", "0"],
        "no iterations to run",
    ),
    "unknown phase": (
        ["time", "--model", "net.prototxt", "--phase", "train"],
        "unknown phase",
    ),
    "unknown effect": (
        ["train", "--solver", "solver.prototxt", "--sigint_effect", "x"],
        "unknown effect of a signal",
    ),
    "snapshot and weights": (
        ["train", "--solver", "solver.prototxt", "--snapshot", "a", "--weights", "b"],
        "give one of the two",
    ),
    "empty weights": (
        ["train", "--solver", "solver.prototxt", "--weights", ""],
        "is a variable of the shell unset?",
    ),
    "no flag file": (["train", "--flagfile", "none"], "No such file"),
    "empty name": (
        ["train", "--solver", "solver.prototxt", "--weights", "a,"],
        "No such file",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    arguments, text = COMMANDS[name]
    assert text in message(run_caffe(*arguments, cwd=tmp_path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("snapshots", [True, False])
def test_a_signal_writes_a_snapshot_and_tells_how_it_goes_on(
    tmp_path: Path, number: signal.Signals, snapshots: bool
) -> None:
    write(
        tmp_path, max_iter=10_000_000, snapshot=0, display=100_000,
        snapshot_after_train=str(snapshots).lower(),
    )  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as stderr:
        running = start(
            CAFFE, "train", "--solver", "solver.prototxt", "--sighup_effect", "stop",
            cwd=tmp_path, stderr=stderr, GLOG_minloglevel="0",
        )  # fmt: skip
    try:
        while "Iteration 0 " not in log.read_text():
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(number)
        assert running.wait(timeout=60) == 128 + number
    finally:
        running.kill()
        running.wait()
    text = log.read_text()
    assert "***" not in text and "Optimization Done" not in text
    told = text.splitlines()[-1]
    states = list(tmp_path.glob("*.solverstate"))
    if not snapshots:
        assert told.endswith("; no snapshot was written") and not states
        return
    assert told.endswith(f"the same command with --snapshot {states[0].name}")
    write(tmp_path, max_iter=int(states[0].stem.rpartition("_")[2]) + 1)
    assert train(tmp_path, "--snapshot", states[0].name).returncode == 0


def test_a_file_that_may_not_grow_is_told_as_a_full_disk_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        layers=NET.format(label=1).replace("num_output: 16", "num_output: 999"),
    )
    command = f"ulimit -f 4; exec '{CAFFE}' train --solver solver.prototxt"
    done = run("bash", "-c", command, cwd=tmp_path)
    assert "File too large" in message(done)
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("command", ["train --solver", "time --model"])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in ("fifo", "/dev/zero", "/dev/full"):
        assert "no regular file" in message(
            run_caffe(*command.split(), path, cwd=tmp_path)
        )
        write(tmp_path, net=f'"{path}"')
        assert "no regular file" in message(train(tmp_path))
    write(tmp_path)
    shell = f"'{CAFFE}' train --solver <(cat solver.prototxt)"  # its own pipe is read
    done = run("bash", "-c", shell, cwd=tmp_path)
    assert done.returncode == 0


def test_a_damaged_lmdb_is_told(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db")
    mdb = tmp_path / "db/data.mdb"
    whole = mdb.read_bytes()
    for page in range(2, len(whole) // 4096):
        damaged = bytearray(whole)
        damaged[page * 4096 : page * 4096 + 256] = b"\xff" * 256
        mdb.write_bytes(damaged)
        done = time_data(tmp_path, "Data", DATA_PARAM)
        assert done.returncode == 0 or message(done)


def test_no_command_shows_the_usage_and_fails(tmp_path: Path) -> None:
    done = run_caffe(cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert "usage: caffe <command> <args>" in done.stderr


@pytest.mark.skipif("cuda" in (Path(sys.prefix) / "preset").read_text()
                    if (Path(sys.prefix) / "preset").exists() else False,
                    reason="a build with CUDA")  # fmt: skip
@pytest.mark.parametrize("where", ["command", "solver"])
def test_a_gpu_in_a_build_without(tmp_path: Path, where: str) -> None:
    write(tmp_path, solver_mode="GPU" if where == "solver" else "CPU")
    options = ["--gpu", "0"] if where == "command" else []
    assert "without GPU support" in message(train(tmp_path, *options))


FIELDS = {
    "iter_size": (0, "iter_size must be at least 1"),
    "max_iter": (-1, "max_iter must be at least 0"),
    "display": (-1, "display must be"),
    "snapshot": (-1, "snapshot must be"),
    "average_loss": (0, "average_loss must be"),
    "base_lr": ("nan", "base_lr must be a number"),
    "momentum": (1, "momentum must be at least 0 and less than 1"),
    "weight_decay": ("inf", "weight_decay must be a number"),
    "lr_policy": ('"cosine"', "Unknown learning rate policy: 'cosine' (known"),
    "type": ('"SDG"', "Unknown solver type: SDG (known types: AdaDelta"),
    "regularization_type": ('"L3"', "Unknown regularization type: L3"),
    "net": ('"none.prototxt"', "No such file"),
    "snapshot_prefix": ('"no/s"', "cannot write snapshots: No such file"),
    "lr_policy ": ('"step"', "lr_policy step needs a stepsize"),
    "base_lr ": (None, "the solver names no base_lr"),
    "max_iter ": (None, "the solver names no max_iter"),
    "momentum2": (1, "momentum2 must be at least 0 and less than 1"),
    "delta": (-1, "delta must be a number of at least 0"),
    "rms_decay": (-0.5, "rms_decay must be"),
    "stepvalue": ("5 stepvalue: 2", "the stepvalues must ascend"),
    "clip_gradients": ("nan", "clip_gradients must be a norm above 0"),
    "clip_gradients ": (0, "clip_gradients must be a norm above 0"),
    "snapshot_prefix ": ('"x\\033[2J"', "snapshot_prefix holds a control character"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_solvers(tmp_path: Path, field: str) -> None:
    value, text = FIELDS[field]
    write(tmp_path, **{field.strip(): value})
    assert text in message(train(tmp_path))
    assert not list(tmp_path.glob("*_iter_*"))


def test_a_net_that_is_tested_at_no_interval(tmp_path: Path) -> None:
    write(tmp_path, test_iter=1, test_interval=0)
    assert "test_interval must be at least 1" in message(train(tmp_path))


def test_a_solver_that_does_not_parse(tmp_path: Path) -> None:
    write(tmp_path)
    with (tmp_path / "solver.prototxt").open("a") as file:
        file.write("base_rl: 1\n")
    assert "failed to parse the solver" in message(train(tmp_path))


# What is put in place of what, and what the message then says.
EDITS = {
    "unknown layer": (
        ('"InnerProduct" bottom: "x"', '"InnerProdct" bottom: "x"'),
        ("Unknown layer type: InnerProdct", "layer ip (InnerProdct), net small"),
    ),
    "unknown bottom": (
        ('bottom: "x"', 'bottom: "z"'),
        ("Unknown bottom blob 'z'", "net small"),
    ),
    "no outputs": (("num_output: 3", "num_output: 0"), ("layer fc (InnerProduct)",)),
    "no top": (('top: "fc"', ""), ("Unknown bottom blob 'fc'", "layer 'loss'")),
    "sizes that do not fit": (
        ("shape { dim: 8 }", "shape { dim: 7 }"),
        ("layer loss (SoftmaxWithLoss)",),
    ),
    "unknown filler": (
        ('type: "xavier"', 'type: "xaver"'),
        ("Unknown filler name: xaver", "layer ip (InnerProduct)"),
    ),
    "no group": (
        (
            '"InnerProduct" bottom: "x"',
            '"Convolution" convolution_param {'
            ' num_output: 2 kernel_size: 1 group: 0 } bottom: "x"',
        ),
        ("group must be at least 1", "layer ip (Convolution)"),
    ),
    "levels without number": (
        (
            '"InnerProduct" bottom: "x"',
            '"SPP" spp_param { pyramid_height: 2147483647 } bottom: "x"',
        ),
        ("pyramid_height must be 1 to 16", "layer ip (SPP)"),
    ),
    "a length that all vectors lack": (
        (
            '"InnerProduct" bottom: "x"',
            '"L2Normalize" l2_normalize_param { epsilon: inf } bottom: "x"',
        ),
        ("expected an epsilon of at least 0, got inf", "layer ip (L2Normalize)"),
    ),
    "an empty batch": (
        ("shape { dim: 8 dim: 4 }", "shape { dim: 0 dim: 4 }"),
        ("the bottom x holds nothing: its shape is 0 4 (0)", "layer ip"),
    ),
    "a name that turns around": (
        ('bottom: "x"', 'bottom: "\u202e\x1b[31m"'),
        ("Unknown bottom blob '\\u202e\\x1b[31m'",),
    ),
    "no loss": (('"SoftmaxWithLoss"', '"Accuracy"'), ("the net has no loss",)),
    "a name that commands a terminal": (
        ('name: "fc"', 'name: "f\\033[2J"'),
        ("holds a control character",),
    ),
    "too large": (("num_output: 16", "num_output: 2000000000"), ("layer ip",)),
}


@pytest.mark.parametrize("name", EDITS)
def test_nets(tmp_path: Path, name: str) -> None:
    (old, new), parts = EDITS[name]
    text = NET.format(label=1)
    assert old in text
    write(tmp_path, layers=text.replace(old, new, 1))
    told = message(train(tmp_path))
    assert all(part in told for part in parts), told


@pytest.mark.parametrize("text", ["", "\n", 'name: "none"\n'])
def test_nets_without_a_layer(tmp_path: Path, text: str) -> None:
    write(tmp_path)
    (tmp_path / "net.prototxt").write_text(text)
    told = message(train(tmp_path))
    assert "the net has no layers" in told or "the file is empty" in told


@pytest.mark.parametrize("label", [3, -1, "nan", "1e20"])
@pytest.mark.parametrize(
    "layer", ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss"]
)
def test_labels_out_of_range(tmp_path: Path, layer: str, label: float) -> None:
    net = NET.format(label=label).replace("SoftmaxWithLoss", layer)
    write(tmp_path, layers=net)
    told = message(train(tmp_path))
    assert (
        f"where there are 3 outputs\n  where: layer loss ({layer}), net small" in told
    )
    assert "number the labels 0 .. 2" in told
    assert not list(tmp_path.glob("*_iter_*"))


def write_lmdb(path: Path, **changes: object) -> None:
    datum = messages.caffe_pb2.Datum(channels=3, height=4, width=4, label=1)
    datum.data = bytes(range(48))
    for name, value in changes.items():
        setattr(datum, name, value)
    with lmdb.open(str(path), map_size=1 << 20) as env, env.begin(write=True) as txn:
        for record in range(6):
            txn.put(b"%08d" % record, datum.SerializeToString())


DATA = """name: "data"
layer {{ name: "data" type: "{type}" top: "x" top: "y" {parameters} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }}
"""


def time_data(folder: Path, type: str, parameters: str) -> Done:
    (folder / "data.prototxt").write_text(DATA.format(type=type, parameters=parameters))
    return run_caffe(
        "time", "--model", "data.prototxt", "--iterations", "2", cwd=folder
    )


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("sets: 2", "source: name the folder of an image LMDB"),
        ('sets: 2 source: ""', "source: name the folder of an image LMDB"),
        ('sets: 2 source: "db" prefetch: 100000', "prefetch: from 1 to 1024 batches"),
        ('sets: 2 source: "db" threads: 5000', "threads: at most 1024"),
    ],
)
def test_pair_sets(tmp_path: Path, parameters: str, text: str) -> None:
    parameters = f"pair_set_data_param {{ {parameters} }}"
    told = message(time_data(tmp_path, "PairSetData", parameters))
    assert text in told and "(PairSetData)" in told


DATA_PARAM = 'data_param { source: "db" backend: LMDB batch_size: 4 }'


def test_databases(tmp_path: Path) -> None:
    told = message(time_data(tmp_path, "Data", DATA_PARAM))
    assert "no image LMDB\n  where: db/data.mdb: No such file" in told
    write_lmdb(tmp_path / "db")
    assert time_data(tmp_path, "Data", DATA_PARAM).returncode == 0
    none = DATA_PARAM.replace("batch_size: 4", "batch_size: 0")
    assert "batch_size must be at least 1" in message(time_data(tmp_path, "Data", none))
    none = DATA_PARAM.replace("batch_size: 4", "batch_size: 4 prefetch: 0")
    assert "prefetch must be at least 1" in message(time_data(tmp_path, "Data", none))
    for field in ("scale: nan", "scale: 0", "mean_value: inf"):
        parameters = f"{DATA_PARAM} transform_param {{ {field} }}"
        told = message(time_data(tmp_path, "Data", parameters))
        assert f"{field.partition(':')[0]} must be a number" in told
    mdb = tmp_path / "db/data.mdb"
    os.truncate(mdb, mdb.stat().st_size // 2)
    assert "the image LMDB is cut off" in message(
        time_data(tmp_path, "Data", DATA_PARAM)
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"data": bytes(20)}, "another number of values than 3 x 4 x 4"),
        ({"encoded": True, "data": b"no image"}, "cannot be decoded"),
        ({"label": 5}, "label 5 where there are 3 outputs"),
        ({"channels": -3}, ""),
    ],
)
def test_records(tmp_path: Path, changes: dict[str, object], text: str) -> None:
    write_lmdb(tmp_path / "db", **changes)
    assert text in message(time_data(tmp_path, "Data", DATA_PARAM))


def test_a_record_met_on_the_way_is_raised_in_pycaffe(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db")
    with (
        lmdb.open(str(tmp_path / "db"), map_size=1 << 20) as env,
        env.begin(write=True) as txn,
    ):
        txn.put(b"%08d" % 5, b"no datum")
    (tmp_path / "data.prototxt").write_text(
        DATA.format(type="Data", parameters=DATA_PARAM)
    )
    script = """
import caffe
net = caffe.Net("data.prototxt", caffe.TEST)
for _ in range(2):
    try:
        for _ in range(3):
            net.forward()
    except RuntimeError as error:
        print(str(error).splitlines()[0])
"""
    done = run(*python(script), cwd=tmp_path, GLOG_minloglevel="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "record 00000005 of db is damaged\n" * 2


def test_lists_of_images(tmp_path: Path) -> None:
    parameters = 'image_data_param { source: "list.txt" batch_size: 2 }'
    assert "No such file" in message(time_data(tmp_path, "ImageData", parameters))
    lines = tmp_path / "list.txt"
    lines.write_text("")
    assert "the file is empty" in message(time_data(tmp_path, "ImageData", parameters))
    lines.write_text("a.png\n")
    assert "is not `image label`" in message(
        time_data(tmp_path, "ImageData", parameters)
    )
    lines.write_text("a.png 1\n")
    told = message(time_data(tmp_path, "ImageData", parameters))
    assert "Could not load image a.png" in told
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    assert time_data(tmp_path, "ImageData", parameters).returncode == 0
    for type, field in (
        ("HDF5Data", "hdf5_data_param"),
        ("WindowData", "window_data_param"),
    ):
        for source in ("none.txt", "."):
            parameters = f'{field} {{ source: "{source}" batch_size: 2 }}'
            told = message(time_data(tmp_path, type, parameters))
            assert f"where: {source}" in told


WINDOWS = """# 0
a.png
3 8 8
2
1 0.9 0 0 4 4
0 0.0 2 2 6 6
# 1
a.png
3 8 8
1
2 0.8 1 1 7 7
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("# 1", "# 9"),
        ("# 1\na.png\n3 8 8\n1\n2 0.8 1 1 7 7\n", "# 1\na.png\n"),
        ("7 7", "8 7"),
        ("1 1 7", "-1 1 7"),
        ("3 8 8\n2", "3 x 8\n2"),
        ("1 0.9 0 0 4 4\n", ""),
        ("8\n1\n", "8\n-1\n"),
    ],
)
def test_files_of_windows(tmp_path: Path, old: str, new: str) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    assert old in WINDOWS
    (tmp_path / "windows.txt").write_text(WINDOWS.replace(old, new, 1))
    parameters = (
        'transform_param { crop_size: 4 } window_data_param { source: "windows.txt"'
        " batch_size: 4 }"
    )
    done = time_data(tmp_path, "WindowData", parameters)
    if old:
        assert "image " in message(done) or "images " in message(done)
    else:
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", [None, b"", b"\x01\x02\x03no mean"])
def test_mean_files(tmp_path: Path, content: bytes | None) -> None:
    write_lmdb(tmp_path / "db")
    if content is not None:
        (tmp_path / "mean").write_bytes(content)
    parameters = DATA_PARAM + ' transform_param { mean_file: "mean" }'
    message(time_data(tmp_path, "Data", parameters))


INPUT = """name: "sizes"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
"""  # noqa: E501
CONVOLUTION = "convolution_param { num_output: 4 kernel_size: 3 %s }"
SIZES = {
    "stride_h: 0 stride_w: 1": ("Convolution", "Stride dimensions"),
    "stride_h: 1 stride_w: 0": ("Deconvolution", "Stride dimensions"),
    "stride_h: 0  stride_w: 0": ("Im2col", "Stride dimensions"),
    "dilation: 0": ("Convolution", "dilation must be at least 1"),
    "dilation:  0": ("Im2col", "dilation must be at least 1"),
    "pad: 4294967295": ("Convolution", "pad must be at least 0"),
}


@pytest.mark.parametrize("field", SIZES)
def test_sizes_of_convolutions(tmp_path: Path, field: str) -> None:
    kind, text = SIZES[field]
    layer = f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" '
    net = INPUT + layer + CONVOLUTION % field + " }\n"
    (tmp_path / "net.prototxt").write_text(net)
    done = run_caffe("time", "--model", "net.prototxt", "--iterations", 1, cwd=tmp_path)
    assert text in message(done)


@pytest.mark.parametrize(
    "layer",
    [
        'type: "Pooling" pooling_param { kernel_size: 2 pad: 4294967295 }',
        'type: "Accuracy" bottom: "y" accuracy_param { top_k: 0 }',
        'type: "Accuracy" bottom: "y" accuracy_param { top_k: 2147483648 }',
    ],
)
def test_sizes_of_other_layers(tmp_path: Path, layer: str) -> None:
    labels = (
        'layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 } } }'
    )
    flat = INPUT.replace("dim: 3 dim: 8 dim: 8", "dim: 9 dim: 1 dim: 1") + labels
    layer = f'layer {{ name: "l" bottom: "x" top: "z" {layer} }}'
    (tmp_path / "net.prototxt").write_text(flat + layer)
    done = run_caffe("time", "--model", "net.prototxt", "--iterations", 1, cwd=tmp_path)
    assert "must be at least" in message(done)


@pytest.mark.parametrize("kind", ["Softmax", "BatchNorm", "MVN", "LRN", "Scale"])
def test_a_batch_that_becomes_empty(tmp_path: Path, kind: str) -> None:
    """Filter drops every item whose selector is 0."""
    selector = 'layer { name: "s" type: "DummyData" top: "s" dummy_data_param { shape { dim: 2 dim: 1 } } }'  # noqa: E501
    net = f"""{INPUT}{selector}
layer {{ name: "f" type: "Filter" bottom: "x" bottom: "s" top: "f" }}
layer {{ name: "l" type: "{kind}" bottom: "f" top: "l" }}
"""
    (tmp_path / "net.prototxt").write_text(net)
    done = run_caffe("time", "--model", "net.prototxt", "--iterations", 1, cwd=tmp_path)
    assert "the bottom f holds nothing" in message(done)


@pytest.mark.parametrize("columns", [3, 5])
def test_hdf5_files_of_another_shape(tmp_path: Path, columns: int) -> None:
    for name, width in (("a.h5", 4), ("b.h5", columns)):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = np.zeros((2, width), np.float32)
            file["y"] = np.zeros(2, np.float32)
    (tmp_path / "list.txt").write_text("a.h5\nb.h5\n")
    parameters = 'hdf5_data_param { source: "list.txt" batch_size: 2 }'
    told = message(time_data(tmp_path, "HDF5Data", parameters))
    assert "b.h5 holds rows of another shape" in told


@pytest.mark.parametrize("share", [1.5, -0.1, "nan", 65536])
def test_shares_of_windows(tmp_path: Path, share: float) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "windows.txt").write_text(WINDOWS)
    parameters = (
        'transform_param { crop_size: 4 } window_data_param { source: "windows.txt"'
        f" batch_size: 4 fg_fraction: {share} }}"
    )
    done = time_data(tmp_path, "WindowData", parameters)
    assert "fg_fraction must be from 0 to 1" in message(done)


def test_a_database_of_the_other_kind(tmp_path: Path) -> None:
    parameters = 'data_param { source: "db" batch_size: 4 }'
    told = message(time_data(tmp_path, "Data", parameters))
    assert "no LevelDB" in told and "`backend: LMDB`" in told
    assert not (tmp_path / "db").exists()
    write_lmdb(tmp_path / "db")
    assert "this is an LMDB" in message(time_data(tmp_path, "Data", parameters))


def test_what_a_python_layer_raises(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import caffe, sys\n"
        "class Fails(caffe.Layer):\n"
        "    def setup(self, bottom, top): raise KeyError('no \\x1b[2J')\n"
        "class Leaves(caffe.Layer):\n"
        "    def setup(self, bottom, top): sys.exit(0)\n"
    )
    for module, kind, text in (
        ("mine", "Fails", "a Python layer failed: KeyError: "),
        ("mine", "Leaves", "a Python layer failed: SystemExit: 0"),
        ("mine", "Absent", "has no attribute 'Absent'"),
        ("none", "Absent", "No module named 'none'"),
        ("", "Absent", "ValueError: Empty module name"),
    ):
        layer = f'python_param {{ module: "{module}" layer: "{kind}" }}'
        (tmp_path / "net.prototxt").write_text(
            f'{INPUT}layer {{ name: "p" type: "Python" bottom: "x" top: "p" {layer} }}'
        )
        done = run_caffe(
            "time", "--model", "net.prototxt", "--iterations", 1,
            cwd=tmp_path, PYTHONPATH=str(tmp_path),
        )  # fmt: skip
        told = message(done)
        assert text in told and "\x1b" not in told


PYCAFFE = """
import numpy as np, caffe
solver = caffe.get_solver("solver.prototxt")
net = solver.net
for wrong in (net.share_with, solver.share_weights):
    try:
        wrong(None)
    except RuntimeError as error:
        print(str(error).splitlines()[0])
view = net.blobs["x"].data
view[...] = 7
net.blobs["x"].reshape(5000, 400)
net.blobs["x"].data[...] = 0
print(view.shape, (view == 7).all())
for shape in ((9, 9), (900, 9)):
    solver = caffe.get_solver("solver.prototxt")
    solver.net.params["fc"][0].reshape(*shape)
    try:
        solver.step(1)
    except RuntimeError as error:
        print("refused")
"""


def test_pycaffe_survives_what_has_no_sense(tmp_path: Path) -> None:
    write(tmp_path)
    done = run(*python(PYCAFFE), cwd=tmp_path, GLOG_minloglevel="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "a net is expected, to share the weights of",
        "a net is expected, to share the weights with",
        "(8, 4) True",
        *["refused"] * 2,
    ]


def test_the_rate_of_the_first_iteration_is_a_number(tmp_path: Path) -> None:
    write(tmp_path)
    log = train(tmp_path).stderr
    first = re.search(r"Iteration 0 \((\S+) iter/s", log)
    assert first and float(first[1]) == 0
