"""tools/dataset.py check: every fault is found once, and a clean folder has none."""

import json
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT, Done, run_tool
from dataset_layouts import (
    BOX,
    HEIGHT,
    LAYOUTS,
    WIDTH,
    huge_png,
    write_compcars,
    write_image_list,
    write_photo,
    write_text,
    write_vehicleid,
    write_veri,
    write_veri_wild,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import restored_signals

from pydrdl import paper
from pydrdl.check import check_dataset, checkup_json
from pydrdl.check.images import decode_image
from pydrdl.check.problems import KINDS
from pydrdl.datasets import Dataset, Image, Pair
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError

TOOL = ROOT / "tools/dataset.py"
# The layouts are smaller than the sets of 5 + 5 that are checked for by default.
SMALL = ("--positives", 2, "--negatives", 1)
Check = Callable[..., tuple[int, dict]]


@pytest.fixture
def check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Check:
    """Runs the command in this process; returns its exit code and its JSON."""

    def run(*options: object) -> tuple[int, dict]:
        output = tmp_path / "check.json"
        command = [str(TOOL), "check", *map(str, options), "--json", str(output)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended, restored_signals():
            runpy.run_path(str(TOOL), run_name="__main__")
        content = json.loads(output.read_text())
        printed = capsys.readouterr().out
        for problem in content["problems"]:
            assert printed.count(problem["what"]) == 1
            assert all(example in printed for example in problem["examples"])
        severities = [problem["severity"] for problem in content["problems"]]
        assert severities == sorted(severities, key=[ERROR, WARNING, INFO].index)
        return int(ended.value.code or 0), content

    return run


def command(*options: object) -> Done:
    return run_tool("dataset.py", *options)


def found(content: dict) -> dict[str, tuple[str, int]]:
    """{code: (severity, count)}, without what every tiny folder has."""
    problems = content["problems"]
    codes = [problem["code"] for problem in problems]
    assert len(set(codes)) == len(codes)
    always = {"other_counts", "no_model_label", "probes_in_gallery"}
    return {
        p["code"]: (p["severity"], p["count"])
        for p in problems
        if p["code"] not in always
    }


def examples(content: dict, code: str) -> str:
    return "\n".join(
        next(p["examples"] for p in content["problems"] if p["code"] == code)
    )


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_clean_folder_of_each_data_set_is_fit(
    check: Check, tmp_path: Path, name: str
) -> None:
    code, content = check(LAYOUTS[name](tmp_path / "set"), *SMALL)
    assert found(content) == {}
    assert all(p["severity"] == "info" for p in content["problems"])
    assert (code, content["fit"], content["dataset"]) == (0, True, name)


def photo(root: Path, number: int) -> Path:
    return root / f"image/{number:07d}.jpg"


def cut_off(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def copy_across(root: Path) -> None:  # 2 is of vehicle 7, 9 of vehicle 12
    shutil.copy(photo(root, 2), photo(root, 9))


def add_lines(path: Path, *lines: str) -> None:
    text = path.read_text()
    path.write_text(text + ("" if text.endswith("\n") else "\n") + "\n".join(lines))


def replace_line(path: Path, line: str, other: str) -> None:
    lines = path.read_text().split("\n")
    lines[lines.index(line)] = other
    path.write_text("\n".join(lines))


ALL_IMAGES = "attribute/img2vid.txt"
TRAIN, TEST = "train_test_split/train_list.txt", "train_test_split/test_list_800.txt"
ERROR, WARNING, INFO = "error", "warning", "info"

VEHICLEID_FAULTS = {
    "missing": (
        lambda root: photo(root, 3).unlink(),
        {"missing_images": (ERROR, 1)},
        "image/0000003.jpg (vehicle 7)",
    ),
    "cut off": (
        lambda root: cut_off(photo(root, 4)),
        {"unreadable_images": (ERROR, 1)},
        "image/0000004.jpg (vehicle 7): its ",
    ),
    "empty": (
        lambda root: [photo(root, n).write_bytes(b"") for n in (3, 4)],
        {"unreadable_images": (ERROR, 2)},
        "its 0 bytes",
    ),
    "text": (
        lambda root: photo(root, 4).write_text("<html>404</html>"),
        {"unreadable_images": (ERROR, 1)},
        "its 16 bytes cannot be decoded",
    ),
    "too large": (
        lambda root: photo(root, 4).write_bytes(huge_png()),
        {"unreadable_images": (ERROR, 1)},
        "60,000 x 60,000 pixels, which are more than the 134,217,728 that are decoded",
    ),
    "a folder": (
        lambda root: [photo(root, 4).unlink(), photo(root, 4).mkdir()],
        {"unreadable_images": (ERROR, 1)},
        "a folder, no regular file",
    ),
    "copy across": (
        copy_across,
        {"copies_across_vehicles": (ERROR, 1)},
        "image/0000002.jpg (vehicle 7) = image/0000009.jpg (vehicle 12)",
    ),
    "copy within": (
        lambda root: shutil.copy(photo(root, 2), photo(root, 3)),
        {"copies_within_vehicle": (WARNING, 1)},
        "(vehicle 7) = image/",
    ),
    "leak": (
        lambda root: [
            write_photo(photo(root, 900)),
            add_lines(root / TEST, "0000900 12"),
            add_lines(root / ALL_IMAGES, "0000900 12"),
        ],
        {"vehicles_trained_and_tested": (ERROR, 1), "single_images": (WARNING, 1)},
        "vehicle 12: in train and test_800",
    ),
    "two vehicles": (
        lambda root: add_lines(root / TEST, "0000002 101"),
        {"images_of_two_vehicles": (ERROR, 1)},
        "image/0000002.jpg: vehicles 7 and 101 (test_800)",
    ),
    "large id": (
        lambda root: [
            add_lines(root / name, f"{n} 16777216")
            for n in (901, 902)
            for name in (TRAIN, ALL_IMAGES)
            if write_photo(photo(root, n)) is None
        ],
        {"ids_too_large": (ERROR, 1)},
        "vehicle 16777216",
    ),
    "single": (
        lambda root: [
            write_photo(photo(root, 903)),
            add_lines(root / TRAIN, "0000903 999"),
            add_lines(root / ALL_IMAGES, "0000903 999"),
        ],
        {"single_images": (WARNING, 1)},
        "vehicle 999 (train)",
    ),
    "other vehicle": (  # 2 is of vehicle 7
        lambda root: replace_line(root / ALL_IMAGES, "0000002 7", "0000002 12"),
        {"other_vehicles": (ERROR, 1)},
        "image/0000002.jpg: vehicle 7, attribute/img2vid.txt: 12",
    ),
    "not among all": (
        lambda root: replace_line(root / ALL_IMAGES, "0000002 7", ""),
        {"absent_from_image_list": (WARNING, 1)},
        "image/0000002.jpg (vehicle 7)",
    ),
    "malformed list of all": (
        lambda root: add_lines(root / ALL_IMAGES, "0000002 seven"),
        {"wrong_image_list": (ERROR, 1)},
        "attribute/img2vid.txt:50: malformed line '0000002 seven'",
    ),
    "unlisted": (
        lambda root: [
            write_photo(photo(root, 904)),
            (root / "image/notes.txt").write_text("no photograph"),
        ],
        {"unlisted_images": (INFO, 1)},
        "image/0000904.jpg",
    ),
    "empty split": (
        lambda root: (root / TEST).write_text("\n"),
        {"empty_splits": (ERROR, 1), "unlisted_images": (INFO, 6)},
        "test_800",
    ),
}


@pytest.mark.parametrize("name", VEHICLEID_FAULTS)
def test_each_fault_of_a_folder_is_found_once(
    check: Check, tmp_path: Path, name: str
) -> None:
    spoil, expected, example = VEHICLEID_FAULTS[name]
    root = write_vehicleid(tmp_path / "set")
    spoil(root)
    code, content = check(root, *SMALL)
    assert found(content) == expected
    fit = all(severity != ERROR for severity, _ in expected.values())
    assert (code, content["fit"]) == (0 if fit else 1, fit)
    assert example in examples(content, next(iter(expected)))


def test_sets_need_vehicles_and_images(check: Check, tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")  # 6 vehicles to train on, 5 to 7 images
    assert check(root)[0] == 0
    code, content = check(root, "--negatives", 6, "--positives", 7)
    assert code == 1
    # Vehicle 27957 has 7 images.
    expected = {"too_few_vehicles": (ERROR, 1), "few_images": (WARNING, 5)}
    assert found(content) == expected
    assert examples(content, "too_few_vehicles") == "train: 6 vehicles"
    assert "vehicle 12 (train): 5 images" in examples(content, "few_images")


def test_vehicles_with_one_image_each_cannot_be_trained_on(
    check: Check, tmp_path: Path
) -> None:
    for n in range(7):
        write_photo(tmp_path / f"{n}.jpg")
    write_text(tmp_path / "list.txt", [f"{n}.jpg {n}" for n in range(7)])
    code, content = check(tmp_path / "list.txt")
    assert code == 1
    expected = {"no_positives": (ERROR, 1), "single_images": (WARNING, 7)}
    assert found(content) == expected


def test_a_vehicle_of_two_models(check: Check, tmp_path: Path) -> None:
    path = write_image_list(tmp_path)
    text = path.read_text().replace("photos/car 5 3.jpg 5 1", "photos/car 5 3.jpg 5 -1")
    path.write_text(text)
    code, content = check(path, *SMALL)
    assert (code, found(content)) == (1, {"vehicles_of_two_models": (ERROR, 1)})


def test_fast_decodes_nothing_and_says_so(check: Check, tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")
    copy_across(root)
    cut_off(photo(root, 4))
    photo(root, 5).write_bytes(b"")
    photo(root, 6).unlink()
    code, content = check(root, *SMALL, "--fast")
    expected = {"missing_images": (ERROR, 1), "unreadable_images": (ERROR, 1)}
    assert (code, found(content)) == (1, expected)
    assert examples(content, "unreadable_images").startswith("image/0000005.jpg")
    printed = command("check", root, *SMALL, "--fast").stdout
    assert "not looked for (--fast): damaged images, copies" in printed


def test_only_the_splits_asked_for(check: Check, tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")
    photo(root, 3).unlink()
    code, content = check(root, *SMALL, "--split", "test_800", "--split", "test_1600")
    assert (code, found(content)) == (0, {})
    assert {c["split"] for c in content["counts"]} == {
        "test_800", "test_1600", "all lists",
    }  # fmt: skip
    done = command("check", root, "--split", "val")
    assert done.returncode == 1
    assert "no split 'val'" in done.stderr


def test_counts_beside_the_paper_and_the_release(check: Check, tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")
    _, content = check(root, *SMALL)
    rows = {(c["split"], c["source"]): c for c in content["counts"]}
    # From the layout: 6 + 5 + 5 + 7 + 5 + 5 images, 5 of them of vehicle 30.
    assert rows["train", "here"] == {
        "split": "train", "source": "here", "images": 33, "vehicles": 6, "models": 3,
        "cameras": 0, "labelled": 28, "labelled_vehicles": 5, "model_labels": 4,
    }  # fmt: skip
    assert (rows["train", "release"]["images"], rows["train", "paper"]["images"]) == (
        113_346,
        110_178,
    )
    assert rows["test_800", "release"]["images"] == 6_493
    assert rows["test_800", "paper"]["images"] == 7_332
    assert rows["train", "paper"]["labelled"] == 47_558
    assert rows["all lists", "here"]["vehicles"] == 12
    assert rows["all lists", "paper"]["images"] == 221_763
    assert rows["all lists", "paper"]["labelled_vehicles"] == 10_319
    lines = command("check", root, *SMALL).stdout.splitlines()
    first = lines.index(next(line for line in lines if line.startswith("train ")))
    shown = [line.split()[:3] for line in lines[first : first + 3]]
    assert shown == [
        ["train", "33", "6"],
        ["release", "113,346", "13,164"],
        ["paper", "110,178", "13,134"],
    ]
    assert all(len(line) <= 80 for line in lines[: first + 12])
    assert not any("…" in line for line in lines)  # nothing is cut off


def test_without_its_list_of_all_images(check: Check, tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")
    (root / ALL_IMAGES).unlink()
    code, content = check(root, *SMALL)
    assert (code, found(content)) == (0, {})


def shown_by_builder(dataset: Path, split: str, lmdb: Path) -> dict[str, int]:
    """The numbers of build_lmdb.py's table by what they count."""
    done = run_tool("build_lmdb.py", dataset, lmdb, "--split", split, "--size", 16)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"│ (\S.*?) +│ ([\d,]+) +│", done.stdout)
    return {what: int(number.replace(",", "")) for what, number in rows}


@pytest.mark.caffe
@pytest.mark.parametrize("name", ["VehicleID", "VERI-Wild", "own"])
def test_check_and_builder_count_alike(check: Check, tmp_path: Path, name: str) -> None:
    dataset = LAYOUTS[name](tmp_path / "set") if name in LAYOUTS else None
    split = "train"
    if dataset is None:
        dataset, split = write_image_list(tmp_path), "all"
        text = dataset.read_text()  # the last vehicle loses its model
        dataset.write_text(re.sub(r" 12 \d+ (\S+)$", r" 12 -1 \1", text, flags=re.M))
    _, content = check(dataset, *SMALL)
    counted = next(c for c in content["counts"] if c["split"] == split)
    built = shown_by_builder(dataset, split, tmp_path / "lmdb")
    assert {what: built[what] for what in list(built)[:6]} == {
        "images": counted["images"],
        "vehicles": counted["vehicles"],
        "vehicle models": counted["models"],
        "images with model label": counted["labelled"],
        "vehicles with model label": counted["labelled_vehicles"],
        "model labels (outputs of a softmax)": counted["model_labels"],
    }
    assert 0 < counted["labelled_vehicles"] < counted["vehicles"] or name == "VERI-Wild"


def small_split(images: int) -> Dataset:
    """800 vehicles; no file is there."""
    shown = tuple(Image(f"image/{n}.jpg", n % 800) for n in range(images))
    return Dataset("VehicleID", Path("nowhere"), {"test_800": shown})


@pytest.mark.parametrize(
    ("images", "severity"),
    [(6_493, None), (7_332, None), (6_492, WARNING), (3_000, INFO)],
)
def test_other_counts_are_worth_a_warning_in_a_nearly_whole_copy(
    images: int, severity: str | None
) -> None:
    checkup = check_dataset(small_split(images), fast=True)
    seen = [p for p in checkup.problems if p.code == "other_counts"]
    assert [p.severity for p in seen] == ([severity] if severity else [])
    if seen:
        released, printed = paper.RELEASED_SPLITS[0], paper.TEST_SPLITS[0]
        assert seen[0].examples == (
            f"test_800: {images:,} images of 800 vehicles; "
            f"release: {released.images:,} images of 800 vehicles; "
            f"paper: {printed.images:,} images of 800 vehicles",
        )


def test_boxes_outside_their_photographs(check: Check, tmp_path: Path) -> None:
    root = write_compcars(tmp_path / "set")
    name = "78/1/2014/3ac218c0c6c300"
    label = root / "label" / f"{name}.txt"
    left, top = BOX[:2]
    label.write_text(f"1\n1\n{left} {top} {WIDTH} {HEIGHT}\n")  # to the last pixel
    assert check(root, *SMALL)[0] == 0
    label.write_text(f"1\n1\n{left} {top} {WIDTH + 1} {HEIGHT}\n")
    code, content = check(root, *SMALL)
    assert (code, found(content)) == (1, {"boxes_outside": (ERROR, 1)})
    assert examples(content, "boxes_outside") == (
        f"image/{name}.jpg (vehicle 1): box {(left - 1, top - 1, WIDTH + 1, HEIGHT)}, "
        f"photograph {WIDTH} x {HEIGHT}"
    )


def test_pairs(check: Check, tmp_path: Path) -> None:
    root = write_compcars(tmp_path / "set")
    pairs = root / "train_test_split/verification/verification_pairs_hard.txt"
    text = pairs.read_text()
    assert text.endswith(" 0")
    pairs.write_text(text.removesuffix("0") + "1")
    (root / "image/78/700/2014/3ac218c0c6c302.jpg").unlink()
    code, content = check(root, *SMALL)
    expected = {"pairs_contradict": (ERROR, 1), "missing_images": (ERROR, 1)}
    assert (code, found(content)) == (1, expected)
    assert content["pairs"]["hard"] == {"pairs": 3, "same": 2}
    assert "hard: image/78/700/" in examples(content, "pairs_contradict")


def test_compcars_shares_models_but_no_photographs(
    check: Check, tmp_path: Path
) -> None:
    root = write_compcars(tmp_path / "set")
    lists = root / "train_test_split/classification"
    shared = (lists / "train.txt").read_text().split()[0]
    add_lines(lists / "test.txt", shared)
    code, content = check(root, *SMALL)
    assert (code, found(content)) == (
        1,
        {"photographs_trained_and_tested": (ERROR, 1)},
    )
    # A model of part III that is trained on.
    root = write_compcars(tmp_path / "other")
    verification = root / "train_test_split/verification/verification_train.txt"
    name = "78/700/2014/3ac218c0c6c300.jpg"
    add_lines(verification, name)
    _, content = check(root, *SMALL)
    expected = {
        "vehicles_trained_and_tested": (ERROR, 1),
        "single_images": (WARNING, 1),
    }
    assert found(content) == expected


def test_answers_of_veri(check: Check, tmp_path: Path) -> None:
    root = write_veri(tmp_path / "set")
    _, content = check(root, *SMALL)
    probes = next(p for p in content["problems"] if p["code"] == "probes_in_gallery")
    assert (probes["severity"], probes["count"]) == (INFO, 4)
    answers = root / "gt_index.txt"
    lines = answers.read_text().splitlines()
    lines[1] = lines[1].split(maxsplit=1)[1]  # the first match is gone
    write_text(answers, lines, line_end="\r\n")
    (root / "test_track.txt").unlink()
    code, content = check(root, *SMALL)
    expected = {"wrong_answers": (ERROR, 1), "absent_answers": (WARNING, 1)}
    assert (code, found(content)) == (1, expected)
    assert f"{answers}:2: " in examples(content, "wrong_answers")


def test_probes_need_a_match_from_another_camera(check: Check, tmp_path: Path) -> None:
    root = write_veri_wild(tmp_path / "set")
    folder = root / "train_test_split"
    gallery = folder / "test_3000.txt"
    lines = [n for n in gallery.read_text().split() if not n.startswith("00070/")]
    gallery.write_text("\n".join(lines))
    code, content = check(root, *SMALL)
    expected = {"probes_without_match": (ERROR, 1), "unlisted_images": (INFO, 3)}
    assert (code, found(content)) == (1, expected)
    # Now all of vehicle 71 is seen by one camera; it is in both test sizes.
    info = folder / "vehicle_info.txt"
    rows = info.read_text().splitlines()
    for k, row in enumerate(rows):
        if row.startswith("00071/"):
            name, _, rest = row.split(";", 2)
            rows[k] = f"{name};5;{rest}"
    info.write_text("\n".join(rows))
    _, content = check(root, *SMALL)
    assert found(content) == expected | {"probes_of_one_camera": (WARNING, 2)}


def test_json_to_stdout_is_json_alone_and_round_trips(tmp_path: Path) -> None:
    root = write_vehicleid(tmp_path / "set")
    done = command("check", root, *SMALL, "--json", "-")
    content = json.loads(done.stdout)
    assert done.returncode == 0
    assert "0 errors, 0 warnings: fit to train on" in done.stderr  # the tables
    pair = Pair(Image("a.jpg", 1), Image("b.jpg", 2), same=True)
    dataset = Dataset("VehicleID", root, {"train": ()}, pairs={"easy": (pair,)})
    checkup = check_dataset(dataset, fast=True)
    direct = checkup_json(checkup)
    assert json.loads(json.dumps(direct, allow_nan=False)) == {
        **direct, "problems": [
            {**asdict(p), "examples": list(p.examples)} for p in checkup.problems
        ],
    }  # fmt: skip
    assert content.keys() == direct.keys()
    assert content["schema"] == "drdl.dataset_check/1"
    for kind in ("counts", "problems"):
        assert content[kind][0].keys() == direct[kind][0].keys()


def test_every_finding_stands_in_the_docs() -> None:
    folder = TOOL.parents[1] / "pydrdl/check"
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    for code in KINDS:  # in the table, and where it is found
        found_as = rf'"{code}"|\{{code\}}_trained_and_tested'
        assert len(re.findall(found_as, source)) > 1, code
    listed = (TOOL.parents[1] / "docs/data_check.md").read_text()
    assert sorted(KINDS) == sorted(re.findall(r"`([a-z]+_[a-z_]+)`", listed))


def test_wrong_use_and_damaged_lists(tmp_path: Path) -> None:
    assert command("check").returncode == 2
    root = write_vehicleid(tmp_path / "set")
    add_lines(root / TRAIN, "x 7")
    done = command("check", root)
    assert done.returncode == 1
    assert f"{root / TRAIN}:34" in done.stderr
    assert "Traceback" not in done.stderr


ENCODINGS = {
    "baseline": (".jpg", []),
    "progressive": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "restarts": (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
    "png": (".png", []),
}


@settings(deadline=None)
@given(
    encoding=st.sampled_from(sorted(ENCODINGS)),
    kept=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3),
    boxed=st.booleans(),
)
def test_finds_what_the_builder_refuses(
    tmp_path_factory: pytest.TempPathFactory,
    encoding: str,
    kept: float,
    flips: list[tuple[float, int]],
    boxed: bool,
) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    suffix, options = ENCODINGS[encoding]
    pixels = cv2.resize(coarse, (70, 90))
    data = bytearray(cv2.imencode(suffix, pixels, options)[1].tobytes())
    for place, change in flips:
        data[int(place * (len(data) - 1))] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[: round(kept * len(data))] if not flips else data)
    image = Image("damaged", 1, box=(0, 0, 1, 1) if boxed else None)
    look = decode_image(path.parent, image)
    try:
        read_image(path.parent, image, None)
    except (InputError, cv2.error):
        assert look.unreadable
    else:
        assert not look.unreadable
        assert look.digest
