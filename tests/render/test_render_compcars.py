"""The drawn CompCars on disk: layout, lists, pairs, interruptions."""

import json
import random
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import cv2
import pytest
from commands import ROOT, run_tool, succeed
from interruptions import KilledError, ends_after, files, tool_killed_when

from pydrdl.check import check_dataset
from pydrdl.datasets import Dataset, open_dataset
from pydrdl.datasets.compcars import LEVELS
from pydrdl.errors import InputError
from pydrdl.render.compcars import (
    PRESETS,
    CataloguePlan,
    changed,
    draw_catalogue,
    draw_pairs,
    render_compcars,
)
from pydrdl.render.folder import MARKER
from pydrdl.render.photo import viewpoint_of

MINI = PRESETS["mini"]
TINY = CataloguePlan((2, 1, 3), (20, 5, 12), makes=1, pairs=6, size=32)
TINY_OPTIONS = [
    "--models", "2", "1", "3", "--images", "20", "5", "12", "--makes", "1",
    "--pairs", "6", "--size", "32",
]  # fmt: skip
UNREADABLE = "no known data set|no split lists|cannot read a file"


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered") / "mini"
    render_compcars(MINI, folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def dataset(mini: Path) -> Dataset:
    return open_dataset(mini)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("rendered") / "tiny"
    render_compcars(TINY, folder, workers=1)
    return files(folder)


def viewpoint(root: Path, path: str) -> int:
    """As the image's label file says."""
    label = root / path.replace("image/", "label/", 1).replace(".jpg", ".txt")
    return int(label.read_text().split()[0])


def test_splits(dataset: Dataset) -> None:
    assert dataset.name == "CompCars"
    sizes = {
        name: (len(images), len({image.vehicle_id for image in images}))
        for name, images in dataset.splits.items()
    }
    halves = sizes.pop("train"), sizes.pop("test")
    assert sizes == {"part1": (96, 8), "part2": (36, 6), "part3": (48, 8)}
    train, test = (
        Counter(i.vehicle_id for i in dataset.splits[s]) for s in ("train", "test")
    )
    assert halves[0][1] == halves[1][1] == 8
    assert all(0 <= train[model] - test[model] <= 1 for model in train)
    parts = [{i.vehicle_id for i in dataset.splits[f"part{n}"]} for n in (1, 2, 3)]
    for first, second in combinations(parts, 2):
        assert not first & second
    makes = defaultdict(set)
    for images in dataset.splits.values():
        for image in images:
            makes[image.vehicle_id].add(image.model_id)
    assert all(len(ids) == 1 for ids in makes.values())
    assert len(set.union(*makes.values())) == 3
    # Ids have gaps, as the real ones.
    assert max(makes) > len(makes)


def test_its_check_finds_nothing_wrong(dataset: Dataset) -> None:
    checkup = check_dataset(dataset)
    assert [p.code for p in checkup.problems if p.severity != "info"] == []


def test_files_are_those_of_the_lists(mini: Path, dataset: Dataset) -> None:
    listed = {image.path for images in dataset.splits.values() for image in images}
    assert len(listed) == 180
    found = files(mini)
    assert {name for name in found if name.endswith(".jpg")} == listed
    for path in listed:
        shape = cv2.imread(str(mini / path)).shape
        assert shape == (64, 64, 3)
        assert re.fullmatch(r"image/\d+/\d+/20\d\d/[0-9a-f]{14}\.jpg", path)
        label = found.pop(path.replace("image/", "label/").replace(".jpg", ".txt"))
        assert re.fullmatch(rb"[1245]\n1\n\d+ \d+ \d+ \d+\n", label)
        left, top, right, bottom = map(int, label.split()[2:])
        assert 1 <= left < right <= shape[1] and 1 <= top < bottom <= shape[0]
    rest = {name for name in found if not name.endswith(".jpg")}
    folder = "train_test_split/verification"
    assert rest == {
        "README.md", "train_test_split/classification/train.txt",
        "train_test_split/classification/test.txt", f"{folder}/verification_train.txt",
        *(f"{folder}/verification_pairs_{level}.txt" for level in LEVELS),
    }  # fmt: skip


def test_pairs_obey_their_level(mini: Path, dataset: Dataset) -> None:
    """By the label files and folders, not by what drew the pairs."""
    sides = {}
    for level, pairs in dataset.pairs.items():
        assert len(pairs) == 40 and sum(pair.same for pair in pairs) == 20
        names = [frozenset((pair.first.path, pair.second.path)) for pair in pairs]
        assert len(set(names)) == 40 and all(len(name) == 2 for name in names)
        sides[level] = [
            viewpoint(mini, p.first.path) == viewpoint(mini, p.second.path)
            for p in pairs
        ]
        for pair in pairs:
            assert pair.same == (pair.first.vehicle_id == pair.second.vehicle_id)
            if level == "hard":
                assert pair.first.model_id == pair.second.model_id
    assert all(sides["easy"])
    assert 0 < sum(sides["medium"]) < 30 and 0 < sum(sides["hard"]) < 30
    makes = [p.first.model_id == p.second.model_id
             for p in dataset.pairs["medium"] if not p.same]  # fmt: skip
    assert not all(makes)
    labels = [pair.same for pair in dataset.pairs["easy"]]
    assert labels != sorted(labels) and labels != sorted(labels, reverse=True)


def test_the_paper_preset_is_compcars_in_numbers() -> None:
    plan = PRESETS["paper"]
    parts = draw_catalogue(plan)
    sizes = {part: (len(cars), sum(len(car.images) for car in cars))
             for part, cars in parts.items()}  # fmt: skip
    assert sizes == {
        "part1": (431, 30_955), "part2": (111, 4_454), "part3": (1_145, 22_236)
    }  # fmt: skip
    cars = [car for part in parts.values() for car in part]
    assert len({car.model_id for car in cars}) == 1_687
    assert max(car.model_id for car in cars) > 1_716
    lines = draw_pairs(plan, parts["part3"])
    made = {name: (car.make_id, car.model_id) for car in parts["part3"]
            for name in car.images}  # fmt: skip
    sides = {name: viewpoint_of(plan.seed, car.number, k) for car in parts["part3"]
             for k, name in enumerate(car.images)}  # fmt: skip
    seen: set[str] = set()
    for level, listed in lines.items():
        pairs = [line.split() for line in listed]
        assert Counter(label for *_, label in pairs) == {"0": 10_000, "1": 10_000}
        assert len({frozenset(pair[:2]) for pair in pairs}) == 20_000
        for first, second, label in pairs:
            assert (made[first] == made[second]) == (label == "1")
            if level == "easy":
                assert sides[first] == sides[second]
            if level == "hard":
                assert made[first][0] == made[second][0]
            seen |= {first, second}
    assert (
        seen == made.keys()
    )  # so that part III, which is read from the pairs, is whole


def test_fewer_pairs_where_there_are_no_more() -> None:
    plan = changed(MINI, pairs=10_000)
    cars = draw_catalogue(plan)["part3"]
    sides = {name: viewpoint_of(plan.seed, car.number, k) for car in cars
             for k, name in enumerate(car.images)}  # fmt: skip
    owner = {name: car for car in cars for name in car.images}
    pairs = list(combinations(sides, 2))
    same = [(a, b) for a, b in pairs if owner[a] is owner[b]]
    number = {
        "easy": sum(sides[a] == sides[b] for a, b in same),
        "medium": len(same),
        "hard": min(len(same), sum(owner[a].make == owner[b].make for a, b in pairs)
                    - len(same)),
    }  # fmt: skip
    lines = draw_pairs(plan, cars)
    assert {level: len(listed) for level, listed in lines.items()} == {
        level: 2 * count for level, count in number.items()
    }


def test_a_level_without_pairs_is_refused(tmp_path: Path) -> None:
    for plan, what in (
        (changed(TINY, models=(2, 1, 1)), "easy pairs of two models"),
        (changed(TINY, makes=99, seed=4), "hard pairs of two models"),
    ):
        with pytest.raises(InputError, match=f"no {what}"):
            render_compcars(plan, tmp_path / "set", workers=1)
        assert not (tmp_path / "set").exists()


def test_same_bytes_on_several_processes(
    tmp_path: Path, tiny: dict[str, bytes]
) -> None:
    render_compcars(TINY, tmp_path / "two", workers=2)
    assert files(tmp_path / "two") == tiny
    render_compcars(changed(TINY, seed=2), tmp_path / "other", workers=1)
    assert not files(tmp_path / "other").keys() & {n for n in tiny if ".jpg" in n}


def test_drawing_goes_on_after_an_interruption(
    tmp_path: Path, tiny: dict[str, bytes]
) -> None:
    folder, drawn = tmp_path / "set", tmp_path / "set.partial"
    with pytest.raises(KilledError):
        render_compcars(TINY, folder, workers=1, progress=ends_after(2))
    with pytest.raises(InputError, match=UNREADABLE):
        open_dataset(folder)
    left = sorted(drawn.rglob("*.jpg"))
    assert 0 < len(left) < 37
    left[0].write_bytes(b"kept")
    left[0].with_name(f".{left[1].name}.1.part").write_bytes(b"half")
    with pytest.raises(InputError, match="another plan"):
        render_compcars(changed(TINY, seed=9), folder, workers=1)
    render_compcars(TINY, folder, workers=1)
    name = left[0].relative_to(drawn)
    assert (folder / name).read_bytes() == b"kept"
    (folder / name).write_bytes(tiny[str(name)])
    assert files(folder) == tiny
    with pytest.raises(InputError, match="not empty"):
        render_compcars(TINY, folder, workers=1)


def test_killed_at_random_moments(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    """SIGKILL after some images; no reader takes what is left for a data set."""
    draws, folder = random.Random(5), tmp_path / "set"
    drawn = tmp_path / "set.partial"
    words = (folder, *TINY_OPTIONS, "--workers", 2)
    for least in sorted(draws.sample(range(30), 2)):
        if not tool_killed_when(
            "render_compcars.py",
            words,
            lambda least=least: len(list(drawn.rglob("*.jpg"))) > least,
        ):  # it was faster
            break
        if not (folder / "train_test_split").exists():
            with pytest.raises(InputError, match=UNREADABLE):
                open_dataset(folder)
            for path in drawn.rglob("*.jpg"):
                if not path.name.startswith("."):
                    assert path.read_bytes() == tiny[str(path.relative_to(drawn))]
                    label = str(path.relative_to(drawn)).replace("image/", "label/")
                    name = label.replace(".jpg", ".txt")
                    assert (drawn / name).read_bytes() == tiny[name]
    if not folder.exists() or (folder / MARKER).exists():
        succeed("render_compcars.py", *words)
    assert files(folder) == tiny


def test_the_command(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    options = [*TINY_OPTIONS, "--workers", 1]
    folder = tmp_path / "set"
    counted = succeed("render_compcars.py", folder, *options, "--dry-run")
    assert not folder.exists()
    assert succeed("render_compcars.py", folder, *options) == counted
    assert re.search(r"part III\W[^\n]*\W1\W+3\W+12\W", counted)
    assert re.search(r"hard pairs[^\n]*\W12\W", counted)
    assert files(folder) == tiny
    again = run_tool("render_compcars.py", folder, *options)
    assert again.returncode == 1 and "not empty" in again.stderr


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"models": (1, 0, 1)}, "--models"), ({"makes": 0}, "--makes"),
        ({"pairs": 0}, "--pairs"), ({"size": 31}, "--size"), ({"seed": -1}, "--seed"),
        ({"images": (19, 5, 12)}, "--images"), ({"images": (20, 4, 12)}, "--images"),
        ({"images": (20, 5, 5)}, "--images"),
    ],
)  # fmt: skip
def test_impossible_plans_are_refused(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(TINY, **change)
    assert caught.value.where == where


def test_the_documented_figures_are_of_the_demo_as_it_is_drawn() -> None:
    """docs/rendered_compcars.json; the oracle's area by counting pairs."""
    content = json.loads((ROOT / "docs/rendered_compcars.json").read_text())
    demo = PRESETS["demo"]
    assert content["plan"] == {
        "models": list(demo.models), "images": list(demo.images), "makes": demo.makes,
        "pairs": demo.pairs, "size": demo.size, "seeds": [1, 2, 3],
    }  # fmt: skip
    for k, seed in enumerate((1, 2, 3)):
        plan = changed(demo, seed=seed)
        for level, lines in draw_pairs(plan, draw_catalogue(plan)["part3"]).items():
            pairs = [line.split() for line in lines if line.endswith("0\n")]
            other = sum(a.split("/")[0] != b.split("/")[0] for a, b, _ in pairs)
            # Right where makes differ, a guess where they do not.
            area = (1 + other / len(pairs)) / 2
            found = content["auc"]["make oracle"][level]["each"][k]
            assert found == pytest.approx(area, abs=1e-4)
    for k in range(3):
        learned = content["auc"]["gradients, LDA"]
        easy, medium, hard = (learned[level]["each"][k] for level in LEVELS)
        assert easy > medium > hard > 0.5
