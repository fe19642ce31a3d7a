"""What a bug report needs to know of the place where something happened.

Nothing in it names the machine or its user.
"""

import hashlib
import json as json_text
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated

from pydrdl import cli
from pydrdl.commands import options

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "numpy", "scipy", "opencv-python-headless", "protobuf", "lmdb", "h5py", "pydantic",
    "matplotlib", "pillow", "scikit-learn", "typer", "tensorboard",
)  # fmt: skip
# What else is asked of some: a function of a module, and what it tells.
INSIDE = {
    "opencv-python-headless": ("cv2", "getNumThreads", "threads:"),
    "protobuf": ("google.protobuf.internal.api_implementation", "Type", "parser:"),
    "lmdb": ("lmdb", "version", "liblmdb"),
    "h5py": ("h5py.h5", "get_libversion", "HDF5"),
}
# What changes how fast, or with which numbers, something runs.
VARIABLES = re.compile(
    r"(OPENBLAS|OMP|MKL|BLIS|GLOG|OPENCV|DRDL|CUDA|NVIDIA|NCCL|PYTHON|LC|LD)_?.*|LANG"
)
SIMD = ("avx", "avx2", "fma", "avx512f", "amx_tile", "asimd", "sve")
# What Caffe was built with, by the libraries that it loads.
LIBRARIES = {
    "OpenCV": "opencv_core", "JPEG": "jpeg", "LMDB": "lmdb", "LevelDB": "leveldb",
    "HDF5": "hdf5", "protobuf": "protobuf", "CUDA": "cudart", "cuDNN": "cudnn",
    "NCCL": "nccl",
}  # fmt: skip

Facts = dict[str, dict[str, str]]


def environment(
    json: Annotated[Path | None, options.json_file("the same")] = None,
) -> None:
    """Show versions, build options and devices.

    For bug reports. Names neither the machine nor its user.

    Example: python tools/environment.py
    """
    # Before the imports: OpenCV adds to it.
    variables = {n: v for n, v in sorted(os.environ.items()) if VARIABLES.fullmatch(n)}
    facts: Facts = {
        "packages": _packages(),
        "Caffe": _caffe(),
        "Caffe's source": _source(),
        "system": _system(),
        "GPU": _gpu(),
        "environment": variables,
    }
    for title, found in facts.items():
        cli.console.print(title)
        for name, value in found.items():
            found[name] = _anonymous(value)
            cli.console.print(f"  {name}: {found[name]}", soft_wrap=True)
    if json is not None:
        cli.write_json(json, {"schema": "drdl.environment/1", **facts})


def _anonymous(text: str) -> str:
    """Text without the user's home folder and the machine's name."""
    import socket

    home, host = str(Path.home()), socket.gethostname()
    if len(home) > 1:
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "HOST", text)


def _packages() -> dict[str, str]:
    found = {"pydrdl": version_of("pydrdl"), "Python": platform.python_version()}
    if commit := _said("git", "-C", str(ROOT), "describe", "--always", "--dirty"):
        found["pydrdl"] += f", commit {commit}"
    for name in PACKAGES:
        found[name] = version_of(name)
        module, attribute, what = INSIDE.get(name, ("", "", ""))
        if not module:
            continue
        try:
            said = getattr(import_module(module), attribute)()
        except Exception as error:  # whatever a broken package raises
            found[name] += f" (cannot be used: {error})"
        else:
            parts = said if isinstance(said, tuple) else (said,)
            found[name] += f" ({what} {'.'.join(map(str, parts))})"
    with suppress(ImportError):
        found["numpy"] += f" ({'; '.join(_blas(own=True))})"
    return found


def version_of(distribution: str) -> str:
    """The installed version, or that there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _blas(*, own: bool) -> list[str]:
    """The BLAS libraries that are loaded: NumPy's own, or the system's, as Caffe's."""
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return [
        f"{one['internal_api']} {one['version']}, kernel {one.get('architecture')}, "
        f"{one['num_threads']} threads"
        for one in threadpool_info()
        if one["user_api"] == "blas"
        and own == ("numpy" in one["filepath"])
        and (own or "site-packages" not in one["filepath"])
    ]


def _caffe() -> dict[str, str]:
    """Of pycaffe, in another process: what cannot be loaded may end its process."""
    from pydrdl import parallel
    from pydrdl.errors import InputError

    code = "from pydrdl.commands import environment; environment.print_caffe()"
    try:
        done = parallel.python(code)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").split("\n")
            reason = next((line for line in lines[::-1] if line.strip()), "no reason")
            return {"cannot be imported": f"{reason}; run tools/setup.sh"}
        found: dict[str, str] = json_text.loads(done.stdout)
    except InputError as error:
        return {"cannot be imported": error.what}
    return found


def print_caffe() -> None:
    """Prints, in a process of its own, what the caffe that is imported here is."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe

    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {line.split(maxsplit=5)[-1] for line in lines if ".so" in line}
    names = sorted(Path(p).name for p in paths if "site-packages" not in p)
    found = {
        "version": caffe.__version__,
        "layers of ours": ", ".join(
            layer
            for layer in caffe.layer_type_list()
            if layer in ("PairSetData", "CoupledClustersLoss", "TripletLoss",
                         "L2Normalize")
        ) or "none",
        "BLAS": "; ".join(_blas(own=False)) or "unknown",
    }  # fmt: skip
    for title, stem in LIBRARIES.items():
        library = (name for name in names if re.match(rf"lib{stem}[._-]", name))
        found[title] = next(library, "no")
    reason = "can be used"
    try:
        caffe.set_mode_gpu()
        caffe.set_device(0)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
    found["CPU_ONLY"] = "yes" if "without GPU support" in reason else "no"
    found["GPU 0"] = reason
    print(json_text.dumps(found))


def _source() -> dict[str, str]:
    """The pinned Caffe, the patches of this checkout, and which builds are of them."""
    script = ROOT / "cmake/CaffeSource.cmake"
    if not script.is_file():
        return {"unknown": "this package is not in its checkout"}
    pinned = re.search(r"set\(CAFFE_SHA256\s+(\w+)\)", script.read_text())
    patches = sorted((ROOT / "caffe_layers/patches").glob("*.patch"))
    sums = [hashlib.sha256(patch.read_bytes()).hexdigest() for patch in patches]
    sha256 = pinned[1] if pinned else "unknown"
    # As CaffeSource.cmake writes it beside the source that it has patched.
    stamp = hashlib.sha256(" ".join([sha256, *sums]).encode()).hexdigest()
    found = {
        "tarball": f"sha256 {sha256}",
        "patches": f"{len(patches)}, {' '.join(p.name[:2] for p in patches)}",
        "both": f"sha256 {stamp}",
    }
    for path in sorted(ROOT.glob("build/*/caffe-source/drdl.stamp")):
        same = path.read_text() == stamp
        found[f"build {path.parts[-3]}"] = "of these" if same else "of others"
    return found


def _system() -> dict[str, str]:
    info, memory = _read("/proc/cpuinfo"), _read("/proc/meminfo")
    names = re.findall(r"^model name\s*: (.*)", info, re.MULTILINE)
    flags = re.findall(r"^(?:flags|Features)\s*: (.*)", info, re.MULTILINE)
    words = flags[0].split() if flags else []
    system = "an unknown system"
    with suppress(OSError):
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    virtual = ", a virtual machine" if "hypervisor" in words else ""
    total, free = (
        _gigabytes(re.findall(rf"^{name}:\s*(\d+) kB", memory, re.MULTILINE), 1024)
        for name in ("MemTotal", "MemAvailable")
    )
    limit = _gigabytes(re.findall(r"^\d+$", _read("/sys/fs/cgroup/memory.max")), 1)
    return {
        "system": f"{system}, Linux {platform.release()}, "
        + " ".join(platform.libc_ver()),
        "processor": f"{names[0] if names else platform.machine()}{virtual}",
        "instructions": " ".join(w for w in SIMD if w in words) or "unknown",
        "cores": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "memory": f"{total}, {free} available"
        + (f", at most {limit} for this group of processes" if limit else ""),
    }


def _gigabytes(found: Iterable[str], unit: int) -> str:
    return "".join(f"{int(number) * unit / 1e9:.1f} GB" for number in [*found][:1])


def _gpu() -> dict[str, str]:
    query = "--query-gpu=name,compute_cap,memory.total,driver_version"
    said = _said("nvidia-smi", query, "--format=csv,noheader")
    compiler = _said("nvcc", "--version").splitlines()
    found = {f"device {n}": line for n, line in enumerate(said.splitlines())}
    found |= {"nvcc": compiler[-1]} if compiler else {}
    return found or {"none": "neither nvidia-smi nor nvcc says anything"}


def _said(*words: str) -> str:
    """What a command of the system prints; "" where there is none, or it fails."""
    if shutil.which(words[0]) is None:
        return ""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            words, capture_output=True, check=False, text=True, timeout=30
        )
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""


def _read(path: str) -> str:
    """A file of the system; "" where there is none."""
    with suppress(OSError):
        return Path(path).read_text()
    return ""
