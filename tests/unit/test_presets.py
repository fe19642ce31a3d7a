"""CMakePresets.json: the CUDA build has code for every GPU that CUDA 13 knows."""

import json

import pytest
from commands import ROOT

# As `nvcc --list-gpu-code` of CUDA 13.0 lists them.
CAPABILITIES = (75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121)


def architectures() -> list[str]:
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    (cuda,) = (p for p in presets["configurePresets"] if p["name"] == "cuda")
    return str(cuda["cacheVariables"]["CMAKE_CUDA_ARCHITECTURES"]).split(";")


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_every_gpu_has_code(capability: int) -> None:
    """Machine code of its generation, no newer than it, or PTX of any older one."""
    runs = []
    for architecture in architectures():
        number, _, kind = architecture.partition("-")
        newer = int(number) > capability
        same_generation = int(number) // 10 == capability // 10
        if not newer and (kind != "real" or same_generation):
            runs.append(architecture)
    assert runs, f"no code for GPUs of capability {capability / 10}"


def test_the_newest_and_those_of_data_centres_wait_for_no_compiler() -> None:
    """PTX is compiled when a process starts, for minutes."""
    own = {int(architecture.partition("-")[0]) for architecture in architectures()}
    assert own >= {75, 80, 90, 100, 120}
