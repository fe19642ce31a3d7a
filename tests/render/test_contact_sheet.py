"""tools/dataset.py show: every photograph stands where it should."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import Done, run_tool
from dataset_layouts import BOX, write_compcars, write_image_list
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.datasets import Image, open_dataset
from pydrdl.datasets.dataset import unique_images
from pydrdl.pictures import in_square
from pydrdl.report.contact_sheet import (
    SheetRow,
    choose_rows,
    contact_sheet,
    grid_of,
)

SIZE = 48


def show(*options: object) -> Done:
    return run_tool("dataset.py", "show", *options)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """4 vehicles of 2 models and one without label; square photographs."""
    lines = []
    for vehicle, (count, model) in {3: (4, 0), 5: (2, 0), 6: (3, 1), 8: (3, 0)}.items():
        lines += [f"{vehicle}_{n}.png {vehicle} {model} {n}" for n in range(count)]
    lines += [f"9_{n}.png 9" for n in range(3)]
    for k, line in enumerate(lines):
        noise = np.random.default_rng(k).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        cv2.imwrite(str(tmp_path / line.split()[0]), noise)
    (tmp_path / "own.txt").write_text("\n".join(lines))
    return tmp_path / "own.txt"


def cells_of(sheet: np.ndarray, row: int, columns: int) -> list[np.ndarray]:
    """The photographs of a row by the sheet's own measures, written out."""
    top = 18 + 26 + row * (SIZE + 2 * 16 + 10)
    lefts = [18 + 54 * c + (24 if c >= columns else 0) for c in range(columns + 2)]
    return [sheet[top : top + SIZE, left : left + SIZE] for left in lefts]


def test_a_name_of_another_kind_is_refused(own: Path, tmp_path: Path) -> None:
    for name in ("sheet.jpg", "sheet"):
        done = show(own, "--output", tmp_path / name)
        assert done.returncode == 2
        assert "does not end in .png" in " ".join(done.stderr.split())
        assert not (tmp_path / name).exists()
    assert show(own, "--output", tmp_path / "SHEET.PNG").returncode == 0


def test_rows_hold_a_vehicle_and_others_of_its_model(own: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    done = show(
        own, "--output", output, "--size", SIZE, "--vehicles", 5, "--images", 3,
        "--neighbours", 2,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 vehicles" in done.stdout
    sheet = cv2.imread(str(output))
    sources = {p.name: cv2.imread(str(p)) for p in own.parent.glob("*_*.png")}
    model = {"3": 0, "5": 0, "6": 1, "8": 0, "9": None}
    seen = []
    for row in range(5):
        names = [
            next((n for n, s in sources.items() if np.array_equal(s, cell)), None)
            for cell in cells_of(sheet, row, 3)
        ]
        own_names = [n for n in names[:3] if n]
        others = [n for n in names[3:] if n]
        vehicle = own_names[0][0]
        assert {n[0] for n in own_names} == {vehicle}
        assert len(set(own_names)) == len(own_names) == (2 if vehicle == "5" else 3)
        alike = {v for v in model if model[v] == model[vehicle]} - {vehicle}
        assert {n[0] for n in others} == (alike if model[vehicle] == 0 else set())
        seen.append(vehicle)
    # Those with others of their model come first.
    assert sorted(seen[:3]) == ["3", "5", "8"]
    assert sorted(seen[3:]) == ["6", "9"]
    # Nothing but white where there is no photograph, and text below the others.
    empty = cells_of(sheet, 3, 3)[3:]
    assert all((cell == 255).all() for cell in empty)
    caption = sheet[18 + 26 + SIZE : 18 + 26 + SIZE + 32, 18 : 18 + SIZE]
    assert caption.min() < 128


def test_a_seed_gives_one_sheet(own: Path) -> None:
    images = unique_images(open_dataset(own))
    first, again, other = (choose_rows(images, 3, 2, 1, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_refuses_to_overwrite(own: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    output.write_text("precious")
    done = show(own, "--output", output)
    assert done.returncode == 1
    assert "the output exists" in done.stderr
    assert output.read_text() == "precious"
    assert show(own, "--output", output, "--overwrite").returncode == 0
    assert cv2.imread(str(output)) is not None
    missing = tmp_path / "none" / "sheet.png"
    done = show(own, "--output", missing)
    assert (done.returncode, "make it, or name another" in done.stderr) == (1, True)
    assert not any(p.name.endswith(".part") for p in tmp_path.iterdir())


def test_a_folder_without_models_has_no_look_alikes(tmp_path: Path) -> None:
    images = [Image(f"{v}_{n}.jpg", v) for v in range(4) for n in range(3)]
    rows = choose_rows(images, 10, 2, 3, 0)
    assert [len(row.images) for row in rows] == [2] * 4
    assert not any(row.neighbours for row in rows)
    assert grid_of(rows, SIZE).neighbours == 0
    sheet = contact_sheet(rows, SIZE, lambda image: np.zeros((9, 9, 3), np.uint8))
    assert sheet.shape[1] == 2 * 18 + 2 * SIZE + 6


def test_photographs_are_cut_to_their_box(tmp_path: Path) -> None:
    root = write_compcars(tmp_path / "set")
    left, top, right, bottom = BOX
    width, height = right - left + 1, bottom - top + 1
    output = tmp_path / "sheet.png"
    done = show(
        root, "--output", output, "--size", width, "--vehicles", 1, "--images", 1,
        "--neighbours", 0, "--split", "part2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sheet = cv2.imread(str(output))
    above = (width - height) // 2
    shown = sheet[44 + above : 44 + above + height, 18 : 18 + width]
    sources = [
        cv2.imread(str(p))[top - 1 : bottom, left - 1 : right]
        for p in (root / "image/101").rglob("*.jpg")
    ]
    assert sum(np.array_equal(shown, source) for source in sources) == 1


@given(st.integers(1, 90), st.integers(1, 90), st.integers(32, 64))
def test_a_square_keeps_the_aspect_ratio(height: int, width: int, size: int) -> None:
    cell = in_square(np.zeros((height, width, 3), np.uint8), size, 238)
    assert cell.shape == (size, size, 3)
    inside = (cell == 0).all(axis=2)
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    assert inside.sum() == rows * columns  # one rectangle, the rest is ground
    assert max(rows, columns) == size
    assert abs(rows * width - columns * height) <= max(height, width)
    top, left = np.argwhere(inside)[0]
    assert abs(2 * top + rows - size) <= 1
    assert abs(2 * left + columns - size) <= 1


def test_works_for_an_image_list_with_root(tmp_path: Path) -> None:
    path = write_image_list(tmp_path / "photos")
    moved = tmp_path / "list.txt"
    path.rename(moved)
    done = show(moved, "--root", path.parent, "--output", tmp_path / "sheet.png")
    assert done.returncode == 0, done.stderr
    rows = choose_rows(unique_images(open_dataset(moved, path.parent)), 6, 5, 3, 0)
    height, width = cv2.imread(str(tmp_path / "sheet.png")).shape[:2]
    grid = grid_of(rows, 144)
    assert (width, height) == (grid.width, grid.height)
    assert isinstance(rows[0], SheetRow)
