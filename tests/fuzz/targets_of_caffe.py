"""Nets, solvers, snapshots, and what Caffe's own data layers read."""

from collections.abc import Iterable

from fuzz import damage_arrays
from fuzz.damage import Damage
from fuzz.damage_messages import binary_message, text_message, tokens_changed
from fuzz.target import BYTES, HDF5, JSON, PICTURE, TEXT, Target, each
from fuzz.targets_of_data import DATA, EXTRACT, EXTRACTED, PAIRED, PAIRS, READ

INIT = "init_weights.py trained_iter_4.caffemodel pairs.prototxt out.caffemodel"
TEST = "caffe test --model pairs.prototxt --iterations 1 --weights "
SNAPSHOT = damage_arrays.snapshot_changed
_NET, _SOLVER = text_message("NetParameter"), text_message("SolverParameter")
NET = (*BYTES, *4 * (_NET,), tokens_changed)
SOLVER = (*TEXT, *3 * (_SOLVER,), tokens_changed)


def weights() -> Iterable[Target]:
    """Spoilt below their seal, and written anew without one."""
    forms: dict[str, tuple[str, Damage]] = {
        "trained_iter_4.caffemodel": ("caffemodel", binary_message("NetParameter")),
        "trained_h5_iter_4.caffemodel.h5": ("caffemodel, HDF5", SNAPSHOT),
    }
    for file, (kind, anew) in forms.items():
        for sealed, ways in ((True, BYTES), (False, (anew,))):
            yield from each(
                kind, file, ways, EXTRACT.replace("trained_iter_4.caffemodel", file),
                needs=EXTRACTED, output="out.h5", sealed=sealed,
            )  # fmt: skip
            yield from each(
                kind, file, ways,
                TEST + file, f"{PAIRS} --weights {file}",
                f"pycaffe_net.py pairs.prototxt {file}",
                needs=PAIRED, sealed=sealed,
            )  # fmt: skip
            if kind == "caffemodel":
                yield from each(
                    kind, file, ways, INIT, needs="pairs.prototxt lmdb",
                    output="out.caffemodel", sealed=sealed,
                )  # fmt: skip


def states() -> Iterable[Target]:
    """The same for solver states."""
    binary = binary_message("SolverState")
    for name, end, anew in (("", "", binary), ("_h5", ".h5", SNAPSHOT)):
        solver = f"solver{name}.prototxt"
        file = f"trained{name}_iter_2.solverstate{end}"
        for sealed, ways in ((True, BYTES), (False, (anew,))):
            yield from each(
                "solverstate" + ", HDF5" * bool(end), file, ways,
                f"caffe train --solver {solver} --snapshot {file}",
                f"pycaffe_solver.py {solver} {file}",
                needs=f"{solver} pairs.prototxt lmdb "
                f"trained{name}_iter_2.caffemodel{end}",
                endless=True, sealed=sealed,
            )  # fmt: skip


def solvers() -> Iterable[Target]:
    """Spoilt numbers may ask for any number of iterations."""
    for name, train, needs in (("solver", PAIRS, PAIRED), ("solver_data", DATA, READ)):
        yield from each(
            "solver", f"{name}.prototxt", SOLVER,
            train, f"pycaffe_solver.py {name}.prototxt", needs=needs, endless=True,
        )  # fmt: skip


# What each net reads.
SOURCES = {
    "pairs": "lmdb", "data": "lmdb mean.binaryproto", "images": "images.txt photos",
    "arrays": "arrays.txt arrays.h5", "windows": "windows.txt photos", "many": "",
}  # fmt: skip


def nets() -> Iterable[Target]:
    """Trained, timed, opened in pycaffe, read by tools."""
    for name, needs in SOURCES.items():
        yield from each(
            "net", f"{name}.prototxt", NET,
            f"caffe time --model {name}.prototxt --iterations 1",
            f"pycaffe_net.py {name}.prototxt", needs=needs,
        )  # fmt: skip
    yield from each("net", "pairs.prototxt", NET, PAIRS, needs=PAIRED, endless=True)
    yield from each(
        "net", "deploy.prototxt", NET, EXTRACT, needs=EXTRACTED, output="out.h5"
    )
    yield from each(
        "net", "pairs.prototxt", NET, INIT, needs="trained_iter_4.caffemodel lmdb",
        output="out.caffemodel",
    )  # fmt: skip
    yield from each(
        "preprocess.json", "preprocess.json", JSON, EXTRACT, needs=EXTRACTED,
        output="out.h5",
    )  # fmt: skip


def sources() -> Iterable[Target]:
    """Lists, images, means and arrays of Caffe's own layers."""
    mean = (*BYTES, binary_message("BlobProto"))
    files: dict[str, tuple[str, tuple[Damage, ...], str]] = {
        "mean.binaryproto": ("mean file", mean, "data"),
        "images.txt": ("lists of Caffe's layers", TEXT, "images"),
        "photos/03.jpg": ("image", PICTURE, "images"),
        "windows.txt": ("lists of Caffe's layers", TEXT, "windows"),
        "arrays.txt": ("lists of Caffe's layers", TEXT, "arrays"),
        "arrays.h5": ("HDF5 data", HDF5, "arrays"),
    }
    for file, (kind, ways, net) in files.items():
        yield from each(
            kind, file, ways, f"caffe time --model {net}.prototxt --iterations 1",
            needs=f"{net}.prototxt {SOURCES[net]}",
        )  # fmt: skip


TARGETS = (*weights(), *states(), *solvers(), *nets(), *sources())
