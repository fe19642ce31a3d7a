"""Which blocks of the documents are run, at a small size, and what makes them small."""

from typing import NamedTuple


class Walk(NamedTuple):
    """Blocks of a document that are run one after the other.

    Attributes:
        document: relative to the project.
        blocks: numbers, from 0.
        smaller: pieces of text and what they become; a command that becomes ":" is
            left out, with its reason in not_run.py.
        made: files that are there afterwards.
    """

    document: str
    blocks: tuple[int, ...]
    smaller: tuple[tuple[str, str], ...] = ()
    made: tuple[str, ...] = ()


# Of the nets in place of prototxt/ and what they were trained to.
ITERATIONS = 2
NETS = ("prototxt/mixed_difference/", "nets/mixed_difference/")
TRAINED = f"nets/mixed_difference/mixed_difference_iter_{ITERATIONS}.caffemodel"
SOFTMAX = f"nets/vgg_softmax/vgg_softmax_iter_{ITERATIONS}.caffemodel"
WEIGHTS = ("data/VehicleID/mixed_difference_iter_64000.caffemodel", TRAINED)

WALKS = (
    Walk(
        "docs/vehicleid.md",
        (0, 1, 2),
        (
            ("train test_800", "train test_12"),
            ("--split test_800", "--split test_12"),
            NETS,
            ("--solver prototxt/", "--solver nets/mixed_difference/"),
            (" --gpu 0", ""),
            WEIGHTS,
        ),
        ("data/VehicleID/start.caffemodel", "data/VehicleID/small.h5",
         "report/report.html"),
    ),
    Walk(
        "docs/own_photographs.md",
        (0,),
        (
            ("--train data/own/train_lmdb",
             f"--train data/own/train_lmdb --max-iter {ITERATIONS} --sets 2"),
            ("_iter_600", f"_iter_{ITERATIONS}"),
        ),
        ("data/own/report/report.html",),
    ),
    Walk(
        "docs/training.md",
        (0, 1),
        (
            ("--solver prototxt/vgg_ccl/", "--solver nets/ccl/"),
            ("--solver prototxt/solver", "--solver nets/mixed_difference/solver"),
        ),
        ("ccl.png", "runs/drdl"),
    ),
    Walk(
        "docs/data_check.md",
        (0,),
        made=("check.json", "sheet.png"),
    ),
    Walk(
        "docs/baselines.md",
        (0, 1, 2, 3),
        (
            ("--split test_13164", "--split test_12"),
            ("--solver prototxt/googlenet_softmax/solver.prototxt \\\n"
             "  --weights bvlc_googlenet.caffemodel --gpu 0",
             "--solver nets/vgg_softmax/solver.prototxt"),
            ("prototxt/googlenet_softmax/", "nets/vgg_softmax/"),
            ("data/VehicleID/googlenet_softmax_iter_64000.caffemodel", SOFTMAX),
            # Features of the same net; and CompCars' pairs, which are not here.
            ("python tools/eval_cmc.py",
             "python tools/extract_features.py VehicleID_V1.0 test_800.h5 --split "
             f"test_12 --net nets/vgg_softmax/deploy.prototxt --weights {SOFTMAX}\n"
             "python tools/eval_cmc.py"),
            ("python tools/eval_verification.py part3.h5", ": part3.h5"),
        ),
        ("jb.npz", "svm.npz"),
    ),
    Walk("docs/export.md", (0, 1), made=("mixed.onnx", "mixed_cv.prototxt")),
    Walk("docs/explain.md", (0,), made=("why.png",)),
    Walk(
        "docs/models.md",
        (0,),
        (("drdl model-card runs/drdl", "drdl model-card mixed.caffemodel"),),
        ("models/mixed_difference/readme.md",),
    ),
    Walk(
        "README.md",
        (1,),
        (("drdl serve --gallery data/demo/gallery", ": drdl serve"),),
        ("data/demo/gallery/gallery.json",),
    ),
    Walk(
        "docs/search.md",
        (0, 1),
        (("drdl serve --gallery data/demo/gallery", ": drdl serve"),),
        ("found.png", "cars/gallery.json"),
    ),
)  # fmt: skip
