"""VeRi-776: lists, label files in any encoding, and its own answers."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dataset_layouts import write_text, write_veri
from refusals import refused_at

from pydrdl.datasets import Image, read_veri
from pydrdl.datasets.veri import (
    VeriLabel,
    VeriTruth,
    read_tracks,
    read_truth,
    read_veri_labels,
    truth_faults,
)
from pydrdl.errors import InputError

ITEM = '<Item imageName="{}" vehicleID="0002" cameraID="c002" colorID="7" typeID="4"/>'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_veri(tmp_path)


def test_lists(root: Path) -> None:
    dataset = read_veri(root)
    sizes = {name: len(images) for name, images in dataset.splits.items()}
    assert sizes == {"train": 25, "query": 4, "test": 15}
    name = "image_train/0776_c020_00030600_0.jpg"
    assert dataset.splits["train"][20] == Image(name, 776, -1, 20)
    query, test = (
        [Path(i.path).name for i in dataset.splits[s]] for s in ("query", "test")
    )
    assert set(query) <= set(test)
    assert dataset.num_models == 0


@pytest.mark.parametrize("declared", ["utf-8", "gb2312", "ascii"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb2312", "gb18030"])
def test_labels_in_any_encoding(tmp_path: Path, declared: str, encoding: str) -> None:
    path = tmp_path / "train_label.xml"
    lines = [
        f'<?xml version="1.0" encoding="{declared}" ?>',
        '<TrainingImages Version="1.0" note="车辆">',
        ITEM.format("0002_c002_1_0.jpg"),
        '<Item imageName="0009_c003_1_0.jpg" vehicleID="9" cameraID="3"/>',
        "</TrainingImages>",
    ]
    write_text(path, lines, encoding=encoding)
    assert read_veri_labels(path) == {
        "0002_c002_1_0.jpg": VeriLabel(2, 2, 7, 4),
        "0009_c003_1_0.jpg": VeriLabel(9, 3, -1, -1),
    }


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        (
            ["<a>", "<Item imageName='x.jpg' vehicleID='2'/></a>"],
            2,
            "expected imageName",
        ),
        (
            ["<a>", "", "<Item vehicleID='2' cameraID='2'/></a>"],
            3,
            "expected imageName",
        ),
        (["<a><Item imageName='x' vehicleID='2a' cameraID='2'/></a>"], 1, "2a"),
        (["<a>", ITEM.format("x"), ITEM.format("x"), "</a>"], 3, "two items"),
        (["<a>", ITEM.format("x")], 3, "not an XML file of labels: no element"),
        (["<a>", "<Item imageName=x/>"], 2, "not well-formed"),
        (["0002_c002_00030600_0.jpg"], 1, "not an XML file"),
    ],
)
def test_malformed_labels(
    tmp_path: Path, lines: list[str], line: int, what: str
) -> None:
    path = tmp_path / "test_label.xml"
    write_text(path, lines)
    refused_at(read_veri_labels, path, path, line, what)


def test_labels_without_items_and_of_no_encoding(tmp_path: Path) -> None:
    path = tmp_path / "test_label.xml"
    path.write_text("<TrainingImages/>")
    with pytest.raises(InputError, match="no items"):
        read_veri_labels(path)
    path.write_bytes(b"<a>\n\xff\xff</a>")
    with pytest.raises(InputError, match="not UTF-8 text: byte 0xff") as caught:
        read_veri_labels(path)
    assert caught.value.where == f"{path}:2"


@pytest.mark.parametrize("name", ["train", "test"])
def test_labels_that_contradict_a_name(root: Path, name: str) -> None:
    path = root / f"{name}_label.xml"
    text = path.read_bytes().decode("gb2312")
    swapped = text.replace('cameraID="c002"', 'cameraID="c017"', 1)
    assert swapped != text
    path.write_bytes(swapped.encode("gb2312"))
    with pytest.raises(InputError, match=r"camera 2, its label vehicle .* 17"):
        read_veri(root)


def test_a_copy_without_labels_will_do(root: Path) -> None:
    expected = read_veri(root)
    for name in ("train", "test"):
        (root / f"{name}_label.xml").unlink()
    assert read_veri(root) == expected


@pytest.mark.parametrize("line", ["0002.jpg", "2_c.jpg", "a/0002_c002_1_0.jpg", "x"])
def test_malformed_names(root: Path, line: str) -> None:
    path = root / "name_query.txt"
    path.write_text(f"\n{line}\n")
    with pytest.raises(InputError, match="expected an image's name") as caught:
        read_veri(root)
    assert caught.value.where == f"{path}:2"


def test_truth_agrees_with_ids_and_cameras(root: Path) -> None:
    dataset = read_veri(root)
    truth = read_truth(dataset)
    # By hand: test images 1 to 6 show vehicle 2 in cameras 2 and 3, three each;
    # 7 to 15 vehicle 5 in cameras 2, 8 and 19.
    assert truth.matches[:2] == ((3, 4, 5), (0, 1, 2))
    assert truth.junk[3] == (12, 13, 14)
    assert truth_faults(dataset, truth) == []


def rewrite(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = path.read_bytes().decode().split("\r\n")[:-1]
    path.write_bytes("\r\n".join([*change(lines), ""]).encode())


@pytest.mark.parametrize("name", ["gt_index.txt", "jk_index.txt"])
@pytest.mark.parametrize(
    ("change", "line", "what"),
    [
        (lambda x: [x[1], x[0], *x[2:]], (1, 2), "3 positions too many and 3 missing"),
        (lambda x: [*x[:2], x[2] + " 1", x[3]], (3,), "1 positions too many and 0"),
        (lambda x: [*x[:3], x[3].split()[1]], (4,), "0 positions too many and"),
        (lambda x: [*x[:3], x[3] + x[3]], (4,), "one stands there twice"),
        (lambda x: ["", *x[1:]], (1,), "0 positions too many and 3 missing"),
    ],
)
def test_faults_of_the_truth(
    root: Path, name: str, change: Callable, line: tuple[int, ...], what: str
) -> None:
    rewrite(root / name, change)
    dataset = read_veri(root)
    faults = truth_faults(dataset, read_truth(dataset))
    assert [fault.where for fault in faults] == [f"{root / name}:{n}" for n in line]
    assert all(re.search(what, fault.what) for fault in faults)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("1\r\n2 x\r\n3\r\n4\r\n", 2, "expected positions"),
        ("1\r\n0\r\n3\r\n4\r\n", 2, r"position 0 is not in 1 \.\. 15"),
        ("1\r\n2\r\n3 16\r\n4\r\n", 3, r"position 16 is not in 1 \.\. 15"),
        ("1\r\n2\r\n3\r\n", None, "3 lines; name_query.txt has 4"),
        ("1\r\n2\r\n3\r\n4\r\n5\r\n", None, "5 lines; name_query.txt has 4"),
        ("", None, "0 lines"),
    ],
)
def test_malformed_truth(root: Path, text: str, line: int | None, what: str) -> None:
    path = root / "gt_index.txt"
    path.write_bytes(text.encode())
    with pytest.raises(InputError, match=what) as caught:
        read_truth(read_veri(root))
    assert caught.value.where == (f"{path}:{line}" if line else str(path))


def test_no_truth_is_an_error(root: Path) -> None:
    (root / "jk_index.txt").unlink()
    with pytest.raises(InputError, match="No such file"):
        read_truth(read_veri(root))


def test_faults_do_not_depend_on_order(root: Path) -> None:
    dataset = read_veri(root)
    truth = read_truth(dataset)
    turned = VeriTruth(tuple(row[::-1] for row in truth.matches), truth.junk)
    assert turned != truth and truth_faults(dataset, turned) == []


def test_tracks(root: Path) -> None:
    dataset = read_veri(root)
    assert read_tracks(dataset) == tuple((k, k + 1, k + 2) for k in range(0, 15, 3))
    path = root / "test_track.txt"
    names = [Path(image.path).name for image in dataset.splits["test"]]
    for text, what in (
        (f"{names[0]} {names[5]}", "several vehicles or cameras"),
        (f"{names[0]} {names[1]}x", "the gallery has no image"),
    ):
        path.write_text(f"{names[0]}\n{text}\n")
        with pytest.raises(InputError, match=what) as caught:
            read_tracks(dataset)
        assert caught.value.where == f"{path}:2"
    path.write_text("\n")
    with pytest.raises(InputError, match="there is no track"):
        read_tracks(dataset)
