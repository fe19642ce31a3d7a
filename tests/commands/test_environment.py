"""`drdl environment`: what a bug report needs, and nothing that names the machine."""

import json
import os
import platform
from pathlib import Path

import numpy as np
import pytest
from commands import run_tool

from pydrdl.commands import environment


def shown(tmp_path: Path, **variables: str) -> tuple[dict[str, dict[str, str]], str]:
    """As JSON, and as text."""
    done = run_tool("environment.py", "--json", "e.json", cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "e.json").read_text())
    assert facts.pop("schema") == "drdl.environment/1"
    return facts, done.stdout


def test_versions_build_options_and_devices(tmp_path: Path) -> None:
    facts, text = shown(tmp_path, OPENBLAS_NUM_THREADS="1")
    assert list(facts) == [
        "packages", "Caffe", "Caffe's source", "system", "GPU", "environment",
    ]  # fmt: skip
    assert facts["packages"]["numpy"].startswith(np.__version__)
    assert "1 threads" in facts["packages"]["numpy"]
    assert facts["environment"]["OPENBLAS_NUM_THREADS"] == "1"
    assert facts["system"]["cores"].split()[0] == str(len(os.sched_getaffinity(0)))
    patches = Path(__file__).parents[2] / "caffe_layers/patches"
    count = len(list(patches.glob("*.patch")))
    assert facts["Caffe's source"]["patches"].startswith(f"{count}, 01 ")
    for title, found in facts.items():
        assert f"\n{title}\n" in f"\n{text}"
        assert all(f"\n  {name}: {value}\n" in text for name, value in found.items())


@pytest.mark.caffe
def test_what_caffe_was_built_with(tmp_path: Path) -> None:
    found = shown(tmp_path)[0]["Caffe"]
    assert found["version"] == "1.0.0"
    assert "PairSetData" in found["layers of ours"]
    assert "kernel" in found["BLAS"]
    assert found["OpenCV"].startswith("libopencv_core.so")
    assert (found["CPU_ONLY"] == "yes") == (found["CUDA"] == "no")


def test_without_pycaffe_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "caffe.py").write_text("raise ImportError('no such thing here')\n")
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    facts, _ = shown(tmp_path, PYTHONPATH=path)
    assert facts["Caffe"] == {
        "cannot be imported": "ImportError: no such thing here; run tools/setup.sh"
    }
    assert "numpy" in facts["packages"] and facts["system"]


def test_neither_home_nor_host_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "somebody"
    variables = {"HOME": str(home), "LD_LIBRARY_PATH": f"{home}/lib:{home}y/lib",
                 "DRDL_TRACEBACK": f"on {platform.node()}.org"}  # fmt: skip
    facts, text = shown(tmp_path, **variables)
    assert facts["environment"]["LD_LIBRARY_PATH"] == f"~/lib:{home}y/lib"
    assert facts["environment"]["DRDL_TRACEBACK"] == "on HOST.org"
    assert f"{home}/" not in text
    assert "HOME" not in facts["environment"] and "USER" not in text
    monkeypatch.setenv("HOME", "/")
    assert environment._anonymous("/usr/lib") == "/usr/lib"
