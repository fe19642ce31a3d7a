"""Data sets, photographs and image LMDBs."""

from collections.abc import Iterable

from fuzz import damage_arrays
from fuzz.damage import Damage
from fuzz.damage_messages import binary_message
from fuzz.target import BYTES, JSON, PICTURE, TEXT, Target, each

LMDB = (*BYTES, damage_arrays.pages_changed, damage_arrays.records_changed)
BUILD = "build_lmdb.py list.txt out --split all --root photos --size 20 --workers 1"
CHECK = (
    "dataset.py check list.txt --root photos --workers 1 --positives 2 --negatives 2"
)
SHOW = "dataset.py show list.txt --root photos --size 32 --output out.png"
EXTRACT = (
    "extract_features.py list.txt out.h5 --root photos --net deploy.prototxt --batch 8 "
    "--weights trained_iter_4.caffemodel"
)
EXTRACTED = "photos list.txt deploy.prototxt preprocess.json trained_iter_4.caffemodel"
PAIRS = "caffe train --solver solver.prototxt"
PAIRED = "solver.prototxt pairs.prototxt lmdb"
DATA = "caffe train --solver solver_data.prototxt"
READ = "solver_data.prototxt data.prototxt mean.binaryproto lmdb"
LISTS = {
    "VehicleID": (
        "train_test_split/train_list.txt", "train_test_split/test_list_800.txt",
        "attribute/model_attr.txt", "attribute/model_names.txt",
        "attribute/img2vid.txt", "attribute/color_attr.txt",
    ),
    "VeRi-776": (
        "name_train.txt", "train_label.xml", "gt_index.txt", "jk_index.txt",
        "test_track.txt",
    ),
    "VERI-Wild": (
        "train_test_split/vehicle_info.txt", "train_test_split/train_list.txt",
        "train_test_split/test_3000.txt",
    ),
    "CompCars": (
        "train_test_split/classification/train.txt",
        "train_test_split/verification/verification_pairs_hard.txt",
        "label/78/1/2014/3ac218c0c6c300.txt",
    ),
    "CompCars_surveillance": ("train_surveillance.txt",),
}  # fmt: skip


def lists() -> Iterable[Target]:
    """An image list, and the lists of each layout."""
    yield from each("image list", "list.txt", TEXT, BUILD, needs="photos", output="out")
    yield from each("image list", "list.txt", TEXT, CHECK, needs="photos", checks=True)
    for layout, files in LISTS.items():
        for file in files:
            yield from each(
                "lists of a data set", f"sets/{layout}/{file}", TEXT,
                f"dataset.py check sets/{layout} --workers 1",
                needs=f"sets/{layout}", checks=True,
            )  # fmt: skip


def photographs() -> Iterable[Target]:
    """A JPEG and a PNG."""
    for file in ("photos/03.jpg", "photos/04.png"):
        needs = "photos list.txt"
        yield from each("image", file, PICTURE, BUILD, needs=needs, output="out")
        yield from each("image", file, PICTURE, CHECK, needs=needs, checks=True)
        yield from each("image", file, PICTURE, SHOW, needs=needs, output="out.png")
        yield from each(
            "image", file, PICTURE, EXTRACT, needs=EXTRACTED, output="out.h5"
        )


def lmdbs() -> Iterable[Target]:
    """Records and the files beside them."""
    verify = (
        "verify_lmdb.py lmdb --dataset list.txt --split all --root photos --workers 1"
    )
    index = (*BYTES, binary_message("PairIndex"))
    files: dict[str, tuple[str, tuple[Damage, ...]]] = {
        "data.mdb": ("LMDB", LMDB),
        "pair_index.binaryproto": ("pair index", index),
        "labels.json": ("labels", JSON),
        "build.json": ("how an LMDB was built", JSON),
        "values.crc32": ("checksums", BYTES),
    }
    for file, (kind, ways) in files.items():
        needs = "lmdb list.txt photos"
        yield from each(kind, f"lmdb/{file}", ways, verify, needs=needs, checks=True)
    yield from each(
        "LMDB", "lmdb/data.mdb", LMDB, PAIRS, needs=PAIRED,
    )  # fmt: skip
    yield from each(
        "LMDB",
        "lmdb/data.mdb",
        LMDB,
        DATA,
        needs=READ,
    )
    yield from each(
        "pair index", "lmdb/pair_index.binaryproto", index, PAIRS, needs=PAIRED,
    )  # fmt: skip
    for file in ("labels.json", "pair_index.binaryproto"):
        kind, ways = files[file]
        yield from each(
            kind, f"lmdb/{file}", ways,
            "make_nets.py --output out --train lmdb --test raw", needs="lmdb raw",
        )  # fmt: skip
    yield from each(
        "labels", "lmdb/labels.json", JSON, f"{BUILD} --labels lmdb",
        needs="lmdb list.txt photos", output="out",
    )  # fmt: skip


def unfinished() -> Iterable[Target]:
    """What an interrupted build and an interrupted extraction left."""
    for file, ways in (("data.mdb", LMDB), ("build.json", JSON)):
        yield from each(
            "unfinished LMDB", f"half.partial/{file}", ways,
            BUILD.replace(" out ", " half "),
            needs="half.partial list.txt photos", output="half",
        )  # fmt: skip
    yield from each(
        "unfinished features", "half.h5.partial", BYTES,
        EXTRACT.replace(" out.h5 ", " half.h5 "), needs=EXTRACTED, output="half.h5",
    )  # fmt: skip


TARGETS = (*lists(), *photographs(), *lmdbs(), *unfinished())
