"""A disk that is full, a limit, a file system that is read-only: nothing is lost.

Every tool ends with one message and exit code 1, what stood before stands as it
was, and with room the same command goes on.
"""

from functools import partial
from pathlib import Path

import lmdb
import pytest
import small_disks
from commands import ROOT
from forked_tools import Run
from helpers import Fleet, make_fleet
from interruptions import files
from small_disks import FULL, LARGE, mounted, remount
from unprivileged import as_user, common_folder, forbidden

from pydrdl.datasets import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.lmdb.verify import verify_image_lmdb

pytestmark = pytest.mark.caffe

VEHICLES = dict.fromkeys(range(6), (6, 1))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, 24, 24)
    made.listed()
    log = "I1129 01:00:00.000000 1 s.cpp:1] Iteration {}, loss = 1\n"
    (made.root / "a.log").write_text("".join(map(log.format, range(300))))
    return made


def build(fleet: Fleet, output: Path, *options: str) -> list[str]:
    return [
        str(ROOT / "tools/build_lmdb.py"), str(fleet.root / "all.txt"), str(output),
        "--split", "all", "--size", "24", "--raw", "--workers", "2", *options,
    ]  # fmt: skip


def records(folder: Path) -> list[tuple[bytes, bytes]]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        return list(environment.begin().cursor())


@pytest.fixture(scope="module")
def straight(fleet: Fleet, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("straight") / "lmdb"
    code, text = run(0, build(fleet, output))
    assert code == 0, text
    return output


assert_told = partial(small_disks.assert_told, unsaid="build")


def test_a_build_at_every_limit_of_a_files_size(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    expected = records(straight)
    size = (straight / "data.mdb").stat().st_size
    failed = 0
    for limit in [0, 1000, *range(4096, size + 8192, 4096)]:
        output = tmp_path / str(limit) / "lmdb"
        output.parent.mkdir()
        code, text = run(0, build(fleet, output), {"FSIZE": limit})
        if code:
            assert_told(code, text, LARGE, output)
            assert "ulimit -f" in text
            code, text = run(0, build(fleet, output))
            assert code == 0, text
            failed += 1
        assert verify_image_lmdb(output).whole
        assert records(output) == expected
        assert [path.name for path in output.parent.iterdir()] == ["lmdb"]
    assert failed > 5


def test_a_build_on_a_disk_of_every_size(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    expected = records(straight)
    size = (straight / "data.mdb").stat().st_size
    with mounted(tmp_path, "size=4k"):
        failed = 0
        for room in range(4096, size + 65536, 4096):
            remount(tmp_path, f"size={room}")
            output = tmp_path / "lmdb"
            code, text = run(0, build(fleet, output))
            if code:
                assert_told(code, text, FULL, output)
                assert "make room" in text
                remount(tmp_path, "size=4m")
                code, text = run(0, build(fleet, output))
                assert code == 0, text
                failed += 1
            assert verify_image_lmdb(output).whole
            assert records(output) == expected
            assert [path.name for path in tmp_path.iterdir()] == ["lmdb"]
            for path in output.iterdir():
                path.unlink()
            output.rmdir()
        assert failed > 5


def test_a_full_disk_keeps_what_is_to_be_replaced(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path, "size=4m"):
        output = tmp_path / "lmdb"
        assert run(0, build(fleet, output))[0] == 0
        old = files(output)
        (tmp_path / "filler").write_bytes(bytes(1 << 16))
        used = sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*"))
        remount(tmp_path, f"size={used + 4096}")
        words = build(fleet, output, "--overwrite", "--quality", "90")
        words.remove("--raw")
        code, text = run(0, words)
        assert_told(code, text, FULL, output)
        assert files(output) == old
        remount(tmp_path, "size=4m")
        code, text = run(0, words)
        assert code == 0, text
        assert files(output) != old and verify_image_lmdb(output).whole


def commands(fleet: Fleet, lmdb_folder: Path, output: Path) -> dict[str, list[str]]:
    """A command for each tool that needs no net to write something."""
    root, tools = fleet.root, ROOT / "tools"
    words: dict[str, tuple[object, ...]] = {
        "parse_log": (root / "a.log", "--output", output),
        "plot_training": (root / "a.log", "--output", output / "a.png"),
        "make_nets": ("--output", output, "--train", lmdb_folder),
        "dataset": ("check", root / "all.txt", "--json", output / "c.json"),
        "verify_lmdb": (lmdb_folder, "--json", output / "v.json"),
        "render_vehicleid": (output / "v", "--preset", "mini", "--workers", 1),
        "report": (output / "r", "--log", f"a={root / 'a.log'}"),
    }
    return {
        name: [str(tools / f"{name}.py"), *map(str, some)]
        for name, some in words.items()
    }


TOOLS = (
    "parse_log", "plot_training", "make_nets", "dataset", "verify_lmdb",
    "render_vehicleid", "report",
)  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize(
    ("options", "what"),
    [("size=4k", FULL), ("size=4k,ro", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_tool_that_cannot_write(
    name: str, options: str, what: str, fleet: Fleet, run: Run, straight: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    with mounted(tmp_path, "size=4k"):
        if "ro" in options:
            remount(tmp_path, options)
        else:
            (tmp_path / "filler").write_bytes(bytes(4096))
        code, text = run(0, commands(fleet, straight, tmp_path)[name])
        lines = text[text.index("error: ") :].splitlines()
        assert code == 1 and len(lines) == 3, text
        assert lines[0].startswith("error: cannot write ") and what in lines[0]
        assert lines[1].startswith(f"  where: {tmp_path}")
        helps = "read-only" if "ro" in options else "make room"
        assert lines[2].startswith("  next: ") and helps in lines[2]
        if "ro" not in options:
            assert [p.name for p in tmp_path.rglob("*") if p.is_file()
                    and p.stat().st_size] == ["filler"]  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_a_limit_of_a_files_size(
    name: str, fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    """As a full disk, without root."""
    command = commands(fleet, straight, tmp_path)[name]
    code, text = run(0, command, {"FSIZE": 10})
    lines = text[text.index("error: ") :].splitlines()
    assert code == 1 and len(lines) == 3, text
    assert lines[0].startswith("error: cannot write ") and LARGE in lines[0]
    assert lines[1].startswith(f"  where: {tmp_path}")
    assert "ulimit -f" in lines[2]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.stat().st_size]


@pytest.mark.parametrize("place", ["photos", "photos/0_0.png", "out"])
def test_a_build_without_permission(place: str) -> None:
    with common_folder() as folder:
        made = make_fleet(folder / "photos", {0: (3, 1)}, 24, 24)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        images = [Image(i.path, i.vehicle_id) for i in made.images]
        with (
            forbidden(folder / place), as_user(),
            pytest.raises(InputError, match="Permission denied") as caught,
        ):  # fmt: skip
            build_image_lmdb(images, folder / "photos", folder / "out/lmdb")
        assert caught.value.where.startswith(str(folder / place))
        assert "permissions" in caught.value.next_step


def test_an_image_of_too_long_a_name(tmp_path: Path) -> None:
    image = Image("d" * 300 + ".jpg", 1)
    with pytest.raises(InputError, match="File name too long") as caught:
        build_image_lmdb([image], tmp_path, tmp_path / "lmdb")
    assert "shorten" in caught.value.next_step


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    made = make_fleet(tmp_path / "photos", {0: (3, 1)}, 24, 24)
    images = [Image(i.path, i.vehicle_id) for i in made.images]
    root, output = tmp_path / "a\udcff", tmp_path / "\udcfe"
    made.root.rename(root)
    build_image_lmdb(images, root, output)
    assert verify_image_lmdb(output).whole
