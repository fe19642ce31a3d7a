"""Extraction on a disk that is full: told, nothing lost, and it goes on."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT
from commands import run as run_program
from forked_tools import Run, forked_tools
from helpers import Fleet, make_fleet
from small_disks import FULL, LARGE, mounted, remount

from pydrdl.features import read_features

NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 12 dim: 12 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 300
    weight_filler { type: "gaussian" std: 0.1 }
    bias_filler { type: "gaussian" std: 0.5 } } }
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = make_fleet(
        tmp_path_factory.mktemp("fleet"), {4: (7, -1), 9: (9, 2)}, 24, 24
    )
    lines = [f"{i.path} {i.vehicle_id} {i.model_id}\n" for i in fleet.images]
    (fleet.root / "all.txt").write_text("".join(lines))
    (fleet.root / "deploy.prototxt").write_text(NET)
    settings = {"resize": 12, "crop": 12, "mean": [104, 117, 123]}
    (fleet.root / "preprocess.json").write_text(json.dumps(settings))
    return fleet


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with forked_tools() as run:
        yield run


def command(fleet: Fleet, output: Path) -> list[str]:
    return [
        str(ROOT / "tools/extract_features.py"), str(fleet.root / "all.txt"),
        str(output), "--net", str(fleet.root / "deploy.prototxt"), "--untrained", "1",
        "--batch", "4",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def sha256(fleet: Fleet, run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("straight") / "f.h5"
    code, text = run(0, command(fleet, output))
    assert code == 0, text
    assert output.stat().st_size > 19_000
    return read_features(output).sha256


def assert_told(code: int, text: str, what: str, output: Path) -> None:
    assert code == 1, text
    lines = text.splitlines()
    assert len(lines) == 3, text
    assert lines[0].startswith("error: cannot write the features") and what in lines[0]
    assert lines[1].startswith(f"  where: {output}")
    assert lines[2].startswith("  next: ") and "extract again" not in lines[2]


def test_at_every_limit_of_a_files_size(
    fleet: Fleet, run: Run, sha256: str, tmp_path: Path
) -> None:
    failed = 0
    for limit in range(0, 32_000, 1_500):
        output = tmp_path / str(limit) / "f.h5"
        output.parent.mkdir()
        code, text = run(0, command(fleet, output), {"FSIZE": limit})
        if code:
            assert_told(code, text, LARGE, output)
            assert not output.exists()
            assert {p.name for p in output.parent.iterdir()} <= {"f.h5.partial"}
            code, text = run(0, command(fleet, output))
            assert code == 0, text
            failed += 1
        assert read_features(output).sha256 == sha256
        assert [path.name for path in output.parent.iterdir()] == ["f.h5"]
    assert failed > 10


def test_on_a_disk_of_every_size(
    fleet: Fleet, run: Run, sha256: str, tmp_path: Path
) -> None:
    failed = 0
    with mounted(tmp_path, "size=4k"):
        for room in range(4_096, 60_000, 4_096):
            remount(tmp_path, f"size={room}")
            output = tmp_path / "f.h5"
            code, text = run(0, command(fleet, output))
            if code:
                assert_told(code, text, FULL, output)
                assert not output.exists()
                remount(tmp_path, "size=1m")
                code, text = run(0, command(fleet, output))
                assert code == 0, text
                failed += 1
            assert read_features(output).sha256 == sha256
            assert [path.name for path in tmp_path.iterdir()] == ["f.h5"]
            output.unlink()
    assert failed > 5


def test_no_library_ends_the_process_afterwards(fleet: Fleet, tmp_path: Path) -> None:
    """A process of its own: what is done at its exit is done."""
    with mounted(tmp_path, "size=28k"):
        output = tmp_path / "f.h5"
        words = sys.executable, *command(fleet, output)
        done = run_program(*words, GLOG_minloglevel="2")
        assert_told(done.returncode, done.stderr, FULL, output)
        assert [path.name for path in tmp_path.iterdir()] == ["f.h5.partial"]
