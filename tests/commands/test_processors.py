"""What libraries compute on another x86-64 processor; see docs/testing.md."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, python, run, run_caffe, run_tool
from drawn_features import two_nets

OLDER = dict(
    line.split("=", 1)
    for line in shlex.split(
        (ROOT / "tools/older_processor.env").read_text(), comments=True
    )
)
# What the libraries say that they took; all that numbers here go through.
ASK = """
import json, sys
import cv2, numpy, scipy.linalg, threadpoolctl
sys.argv[1:] == ["caffe"] and __import__("caffe")
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(json.dumps({
    "kernels": {i["filepath"]: i["architecture"]
                for i in threadpoolctl.threadpool_info()
                if i["internal_api"] == "openblas"},
    "numpy": [f for f in __cpu_dispatch__ if __cpu_features__[f]],
    "opencv": cv2.checkHardwareSupport(11),  # CV_CPU_AVX2
}))
"""


def ask(*words: str, **environment: str) -> dict[str, object]:
    done = run(*python(ASK), *words, GLOG_minloglevel="2", **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_an_older_processors_loops_run() -> None:
    """Or tools/test.sh would run the same numbers twice."""
    taken = ask(**OLDER)
    kernels = taken["kernels"]
    assert isinstance(kernels, dict)
    assert set(kernels.values()) == {OLDER["OPENBLAS_CORETYPE"]}
    assert any("numpy" in path for path in kernels)
    assert any("scipy" in path for path in kernels)
    assert taken["numpy"] == []
    assert taken["opencv"] is False


@pytest.mark.caffe
def test_caffes_blas_takes_it_too() -> None:
    kernels = ask("caffe", **OLDER)["kernels"]
    assert isinstance(kernels, dict)
    assert any(".venv" not in path for path in kernels), kernels
    assert set(kernels.values()) == {OLDER["OPENBLAS_CORETYPE"]}


@pytest.mark.caffe
def test_caffes_blas_uses_what_the_processor_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Debian 12's takes SSE3 on processors that are newer than itself."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    flags = {"avx2", "fma"} <= set(Path("/proc/cpuinfo").read_text().split())
    kernels = ask("caffe")["kernels"]
    assert isinstance(kernels, dict)
    (kernel,) = (of for path, of in kernels.items() if ".venv" not in path)
    assert (kernel in ("Prescott", "Barcelona", "Nehalem", "Sandybridge")) != flags


@pytest.mark.parametrize(
    "words", ["eval_cmc.py", "eval_map.py", "eval_verification.py --draw 500"]
)
def test_the_same_features_give_the_same_results(tmp_path: Path, words: str) -> None:
    """To the last bit: BLAS only sorts out what is clear in any order of sums."""
    features = two_nets(tmp_path, images=6)
    tool, *options = words.split()
    results = []
    for number, environment in enumerate(({}, OLDER)):
        output = tmp_path / f"{number}.json"
        given = (*features, *options, "--json", output)
        done = run_tool(tool, *given, **environment)
        assert done.returncode == 0, done.stderr
        results.append(output.read_bytes())
    assert results[0] == results[1]


@pytest.mark.caffe
def test_a_training_starts_alike(tmp_path: Path) -> None:
    """Other orders of sums change the last bits of an iteration, not more."""
    import helpers

    from pydrdl.nets import prototxt

    fleet = helpers.make_fleet(tmp_path / "fleet", helpers.VEHICLES, 80, 90)
    helpers.write_nets(
        prototxt.DEMO_FAMILY,
        fleet.build(tmp_path / "lmdb", 90, (72, 72)),
        tmp_path,
        max_iter=1,
        snapshot=1,
    )
    solver, weights = tmp_path / "ccl/solver.prototxt", []
    for environment in ({}, OLDER):
        done = run_caffe("train", "--solver", solver, **environment)
        assert done.returncode == 0, done.stderr
        weights.append(helpers.read_weights(solver.with_name("ccl_iter_1.caffemodel")))
    here, older = weights
    assert here.keys() == older.keys() != set()
    for layer, blobs in here.items():
        for one, other in zip(blobs, older[layer], strict=True):
            tolerance = 1e-4 * max(1e-3, float(np.abs(one).max()))
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
