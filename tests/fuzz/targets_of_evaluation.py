"""What the tools read that evaluate and report."""

from collections.abc import Iterable

from fuzz import chain, damage_arrays
from fuzz.target import BYTES, HDF5, JSON, TEXT, Target, each

NPZ = (*BYTES, damage_arrays.npz_changed, damage_arrays.npz_member_cut)
CHAIN_RESULTS = "results/cmc_test_12.json"
CROSS = (
    "eval_map.py query.h5 --gallery gallery.h5 --json out.json --protocol cross-camera"
)


def features() -> Iterable[Target]:
    """Their checksum covers all that an evaluation says."""
    yield from each(
        "features", "a.h5", HDF5,
        "eval_cmc.py a.h5 --repeats 2 --json out.json",
        "eval_map.py a.h5 --repeats 2 --json out.json",
        "eval_verification.py a.h5 --draw 20 --json out.json",
        result="out.json", output="out.json",
    )  # fmt: skip
    yield from each(
        "features", "a.h5", HDF5,
        "train_verifier.py joint-bayesian a.h5 out.npz --components 3",
        "train_verifier.py svm a.h5 out.npz --components 3 --pairs 30",
        output="out.npz",
    )  # fmt: skip
    yield from each(
        "features", "a.h5", HDF5,
        "report.py out --result cmc.json --features a=a.h5 --data list.txt "
        "--root photos",
        needs="cmc.json list.txt photos", output="out",
    )  # fmt: skip
    for file in ("query.h5", "gallery.h5"):
        yield from each(
            "features", file, HDF5, CROSS,
            needs="query.h5 gallery.h5", result="out.json", output="out.json",
        )  # fmt: skip


def lists() -> Iterable[Target]:
    """Splits, pairs, tracks."""
    for name, tool in (("split", "eval_cmc.py"), ("split_map", "eval_map.py")):
        yield from each(
            "split", f"{name}.json", JSON,
            f"{tool} a.h5 --split-file {name}.json --json out.json",
            needs="a.h5", result="out.json", output="out.json",
        )  # fmt: skip
    yield from each(
        "list of pairs", "pairs.txt", TEXT,
        "eval_verification.py a.h5 --pairs pairs.txt --json out.json",
        needs="a.h5", output="out.json",
    )  # fmt: skip
    yield from each(
        "list of tracks", "tracks.txt", TEXT, f"{CROSS} --tracks tracks.txt",
        needs="query.h5 gallery.h5", output="out.json",
    )  # fmt: skip


def verifiers() -> Iterable[Target]:
    """Joint Bayesian and SVM."""
    for name in ("jb", "svm"):
        words = f"a.h5 --verifier {name}.npz --json out.json"
        yield from each(
            "verifier", f"{name}.npz", NPZ, f"eval_verification.py {words} --draw 20",
            needs="a.h5", output="out.json",
        )  # fmt: skip
    yield from each(
        "verifier", "jb.npz", NPZ,
        "eval_cmc.py a.h5 --verifier jb.npz --repeats 2 --json out.json",
        needs="a.h5", output="out.json",
    )  # fmt: skip


def reports() -> Iterable[Target]:
    """Results, findings and logs."""
    for name in ("cmc", "map", "cross", "pairs"):
        yield from each(
            "results", f"{name}.json", JSON, f"report.py out --result {name}.json",
            output="out",
        )  # fmt: skip
    yield from each(
        "findings of check", "check.json", JSON, "report.py out --check check.json",
        output="out",
    )  # fmt: skip
    yield from each(
        "log", "train.log", TEXT,
        "parse_log.py train.log --output out",
        "plot_training.py train.log --output out.png --tensorboard events",
        "report.py out --log a=train.log",
    )  # fmt: skip


def chains() -> Iterable[Target]:
    """What tools/reproduce.py keeps of its steps, and the results that it shows."""
    files = {"record of a step": "steps/cmc/test_12.json", "results": CHAIN_RESULTS}
    for kind, file in files.items():
        yield from each(kind, f"chain/{file}", JSON, chain.COMMAND, needs="chain")


TARGETS = (*features(), *lists(), *verifiers(), *reports(), *chains())
