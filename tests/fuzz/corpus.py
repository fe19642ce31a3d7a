"""A folder with one whole file of every kind, made by the real commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import h5py
import numpy as np
from commands import ROOT
from dataset_layouts import LAYOUTS

from fuzz import chain, nets
from pydrdl.features import FeatureSet, Source, write_features
from pydrdl.messages import caffe_pb2

CAFFE = Path(sys.executable).with_name("caffe")
VEHICLES, IMAGES = 6, 4
# One BLAS thread: sums then have one order, and an acceptance one result.
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests/support'}",
    "OPENBLAS_NUM_THREADS": "1",
    "COLUMNS": "80",
    "MPLBACKEND": "Agg",
}


def make_corpus(folder: Path) -> Path:
    """Fills a folder; paths in it are relative, so that a copy is as good."""
    _photographs(folder)
    _layouts(folder / "sets")
    _lmdbs(folder)
    _nets(folder)
    _trainings(folder)
    _features(folder)
    _results(folder)
    return folder


def run(folder: Path, *words: str) -> str:
    """Runs a command that must end well; returns what it printed."""
    name, *options = words
    program = [str(CAFFE)]
    if name == "unfinished":
        program = [sys.executable, str(Path(__file__).with_name("unfinished.py"))]
    elif name.endswith(".py"):
        program = [sys.executable, str(ROOT / "tools" / name)]
    done = subprocess.run(
        [*program, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **ENVIRONMENT, "GLOG_minloglevel": "0"},  # for the log
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{words}: {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout + done.stderr


def _photographs(folder: Path) -> None:
    """photos/, list.txt of all, images.txt and windows.txt for Caffe's layers."""
    (folder / "photos").mkdir(parents=True)
    rng = np.random.default_rng(0)
    listed, labelled, windows = [], [], []
    for number in range(VEHICLES * IMAGES):
        vehicle = number // IMAGES
        name = f"{number:02d}.{'png' if number % 5 == 4 else 'jpg'}"
        coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
        cv2.imwrite(str(folder / "photos" / name), cv2.resize(coarse, (30, 26)))
        model = -1 if vehicle == 5 else vehicle % 3
        listed.append(f"{name} {vehicle + 7} {model} {number % IMAGES}\n")
        labelled.append(f"{name} {vehicle}\n")
        boxes = f"{vehicle + 1} 0.9 2 2 25 20\n{vehicle + 1} 0.1 1 1 12 12\n"
        windows.append(f"# {number}\n{name}\n3\n26\n30\n2\n{boxes}")
    (folder / "list.txt").write_text("".join(listed))
    (folder / "images.txt").write_text("".join(labelled))
    (folder / "windows.txt").write_text("".join(windows))


def _layouts(folder: Path) -> None:
    for name, write in LAYOUTS.items():
        write(folder / name.replace(" ", "_"))


def _lmdbs(folder: Path) -> None:
    size = str(nets.SIDE)
    own = ("list.txt", "--split", "all", "--root", "photos", "--size", size)
    for name, *more in (("lmdb",), ("raw", "--raw")):
        run(folder, "build_lmdb.py", own[0], name, *own[1:], *more)
    run(folder, "unfinished", "build_lmdb.py", own[0], "half", *own[1:])


def _nets(folder: Path) -> None:
    """The nets and solvers, and the files beside them."""
    for name in ("pairs", "data", "images", "arrays", "windows", "deploy", "many"):
        (folder / f"{name}.prototxt").write_text(getattr(nets, name.upper()))
    more = 'type: "Adam" momentum2: 0.999 snapshot_format: HDF5'
    texts = {
        "solver": nets.solver("pairs.prototxt", "trained"),
        "solver_h5": nets.solver("pairs.prototxt", "trained_h5", more),
        "solver_data": nets.solver("data.prototxt", "other"),
    }
    for name, text in texts.items():
        (folder / f"{name}.prototxt").write_text(text)
    mean = caffe_pb2.BlobProto(channels=3, height=nets.SIDE, width=nets.SIDE, num=1)
    mean.data.extend([100.0] * (3 * nets.SIDE * nets.SIDE))
    (folder / "mean.binaryproto").write_bytes(mean.SerializeToString())
    settings = {"resize": nets.SIDE, "crop": nets.CROP, "mean": [104, 117, 123]}
    text = json.dumps({**settings, "scale": 0.0078125})
    (folder / "preprocess.json").write_text(text)
    (folder / "labels.json").write_bytes((folder / "lmdb/labels.json").read_bytes())
    rng = np.random.default_rng(1)
    with h5py.File(folder / "arrays.h5", "w") as file:
        shape = (8, 3, nets.CROP, nets.CROP)
        file["data"] = rng.standard_normal(shape).astype(np.float32)
        file["label"] = (np.arange(8) % VEHICLES).astype(np.float32)
    (folder / "arrays.txt").write_text("arrays.h5\n")


def _trainings(folder: Path) -> None:
    """trained_iter_2 and _4, trained_h5_iter_2 and _4, train.log."""
    log = run(folder, "caffe", "train", "--solver", "solver.prototxt")
    (folder / "train.log").write_text(log)
    run(folder, "caffe", "train", "--solver", "solver_h5.prototxt")


def _features(folder: Path) -> None:
    """a.h5, of the trained net, untrained.h5; query.h5 and gallery.h5 for tracks."""
    own = ("list.txt", "--root", "photos", "--net", "deploy.prototxt", "--batch", "8")
    trained = ("--weights", "trained_iter_4.caffemodel")
    for name, *more in (("a", *trained), ("untrained", "--untrained", "1")):
        run(folder, "extract_features.py", own[0], f"{name}.h5", *own[1:], *more)
    run(
        folder,
        "unfinished",
        "extract_features.py",
        own[0],
        "half.h5",
        *own[1:],
        *trained,
    )
    rng = np.random.default_rng(2)
    vehicles, cameras = np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    centres = rng.standard_normal((6, 5))[vehicles]
    names = [f"{v:04d}_c{c:03d}.jpg" for v, c in zip(vehicles, cameras, strict=True)]
    for name, rows in (("gallery", slice(None)), ("query", slice(None, None, 5))):
        values = centres + rng.standard_normal(centres.shape)
        content = FeatureSet(
            values.astype(np.float32)[rows], tuple(names)[rows], vehicles[rows],
            np.full(24, -1)[rows], cameras[rows], Source(layer="fc"),
        )  # fmt: skip
        write_features(folder / f"{name}.h5", content)
    tracks = [" ".join(names[k : k + 1]) for k in range(0, 24)]
    (folder / "tracks.txt").write_text("\n".join(tracks) + "\n")


def _results(folder: Path) -> None:
    """Results, splits, pairs, verifiers and the findings of check."""
    cmc = ("--json", "cmc.json", "--split-file", "split.json", "--repeats", "2")
    run(folder, "eval_cmc.py", "a.h5", "untrained.h5", *cmc)
    own = ("--json", "map.json", "--split-file", "split_map.json", "--repeats", "2")
    run(folder, "eval_map.py", "a.h5", *own)
    cross = ("--gallery", "gallery.h5", "--protocol", "cross-camera")
    run(folder, "eval_map.py", "query.h5", *cross, "--json", "cross.json")
    drawn = ("--draw", "20", "--save-pairs", "pairs.txt", "--json", "pairs.json")
    run(folder, "eval_verification.py", "a.h5", *drawn)
    for kind, name in (("joint-bayesian", "jb"), ("svm", "svm")):
        few = ("--components", "3", *(("--pairs", "30") if name == "svm" else ()))
        run(folder, "train_verifier.py", kind, "a.h5", f"{name}.npz", *few)
    fleet = ("list.txt", "--root", "photos", "--positives", "2", "--negatives", "2")
    run(folder, "dataset.py", "check", *fleet, "--json", "check.json")
    named = [word for name in chain.NAMES for word in ("--name", name)]
    files = ("a.h5", "a.h5", "untrained.h5", "--repeats", "2")
    run(folder, "eval_cmc.py", *files, *named, "--json", "chain.json")
    chain.make_chain(folder, folder / "chain.json")
