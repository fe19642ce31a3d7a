"""What a bug report needs to know of the place where something happened."""

import hashlib
import json as json_text
import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated

from pydrdl import cli
from pydrdl.commands import options

ROOT = Path(__file__).parents[2]
# Packages, and what else some are asked: a function of a module, and what it tells.
PACKAGES: dict[str, tuple[str, ...]] = {
    "pydrdl": (),
    "numpy": (),
    "scipy": (),
    "opencv-python-headless": ("cv2", "getNumThreads", "threads:"),
    "protobuf": ("google.protobuf.internal.api_implementation", "Type", "parser:"),
    "lmdb": ("lmdb", "version", "liblmdb"),
    "h5py": ("h5py.h5", "get_libversion", "HDF5"),
    "pydantic": (),
    "matplotlib": (),
    "scikit-learn": (),
    "typer": (),
    "tensorboard": (),
}
# What changes how fast, or with which numbers, something runs.
VARIABLES = re.compile(
    r"(OPENBLAS|OMP|MKL|GLOG|OPENCV|DRDL|CUDA|NVIDIA|NCCL|PYTHON|LC|LD)_?.*|LANG"
)
SIMD = ("avx", "avx2", "fma", "avx512f", "amx_tile", "asimd", "sve")
LAYERS = ("PairSetData", "CoupledClustersLoss", "TripletLoss", "L2Normalize")
# What Caffe was built with, by the libraries that it loads.
LIBRARIES = {
    "OpenCV": "opencv_core", "JPEG": "jpeg", "LMDB": "lmdb", "LevelDB": "leveldb",
    "HDF5": "hdf5", "protobuf": "protobuf", "CUDA": "cudart", "cuDNN": "cudnn",
    "NCCL": "nccl",
}  # fmt: skip


def environment(
    json: Annotated[
        Path | None, options.json_file("the same", "drdl.environment")
    ] = None,
) -> None:
    """Show versions, build options and devices.

    For bug reports. Names neither the machine nor its user.

    Example: python tools/environment.py
    """
    # Before the imports: OpenCV adds to it.
    variables = {n: v for n, v in sorted(os.environ.items()) if VARIABLES.fullmatch(n)}
    facts = {
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
            cli.console.lines(f"  {name}: {found[name]}")
    if json is not None:
        cli.write_json(json, {"schema": "drdl.environment/1", **facts})


def _anonymous(text: str) -> str:
    """Text without the user's home folder and the machine's name."""
    home, host = str(Path.home()), platform.node()
    if len(home) > 1:
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "HOST", text)


def _packages() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"Python": platform.python_version()}
    for name, inside in PACKAGES.items():
        try:
            found[name] = version(name)
            if inside:
                module, function, what = inside
                said = getattr(import_module(module), function)()
                parts = said if isinstance(said, tuple) else (said,)
                found[name] += f" ({what} {'.'.join(map(str, parts))})"
        except PackageNotFoundError:
            found[name] = "not installed"
        except Exception as error:  # whatever a broken package raises
            found[name] += f" (cannot be used: {error})"
    if commit := _said("git", "-C", str(ROOT), "describe", "--always", "--dirty"):
        found["pydrdl"] += f" (commit {commit})"
    with suppress(ImportError):
        found["numpy"] += f" ({_blas(own=True)})"
    return found


def _blas(*, own: bool) -> str:
    """The BLAS libraries that are loaded: NumPy's own, or the system's, as Caffe's."""
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return "; ".join(
        f"{one['internal_api']} {one['version']}, kernel {one.get('architecture')}, "
        f"{one['num_threads']} threads"
        for one in threadpool_info()
        if one["user_api"] == "blas"
        and (("numpy" if own else "site-packages") in one["filepath"]) is own
    )


def _caffe() -> dict[str, str]:
    """Of pycaffe, in another process: what cannot be loaded may end its process."""
    from pydrdl import parallel

    code = "from pydrdl.commands import environment; environment.print_caffe()"
    done = parallel.python(code)
    if done.returncode == 0:
        return dict(json_text.loads(done.stdout))
    said = done.stderr.decode(errors="replace").split("\n")
    reason = [f"exit code {done.returncode}", *filter(str.strip, said)][-1]
    return {"cannot be imported": f"{reason}; run tools/setup.sh"}


def print_caffe() -> None:
    """Prints, in a process of its own, what the caffe that is imported there is."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe

    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {line.split(maxsplit=5)[-1] for line in lines if ".so" in line}
    names = sorted(Path(p).name for p in paths if "site-packages" not in p)
    ours = [layer for layer in caffe.layer_type_list() if layer in LAYERS]
    found = {
        "version": caffe.__version__,
        "layers of ours": ", ".join(ours) or "none",
        "BLAS": _blas(own=False) or "unknown",
    }
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
    print(json_text.dumps(found | {"GPU 0": reason}))


def _source() -> dict[str, str]:
    """The pinned Caffe, the patches of this checkout, and which builds are of them."""
    script = ROOT / "cmake/CaffeSource.cmake"
    if not script.is_file():
        return {"unknown": "this package is not in its checkout"}
    pinned = re.findall(r"set\(CAFFE_SHA256\s+(\w+)\)", script.read_text())
    patches = sorted((ROOT / "caffe_layers/patches").glob("*.patch"))
    sums = [hashlib.sha256(patch.read_bytes()).hexdigest() for patch in patches]
    # As CaffeSource.cmake writes it beside the source that it has patched.
    stamp = hashlib.sha256(" ".join([*pinned, *sums]).encode()).hexdigest()
    found = {
        "tarball": f"sha256 {' '.join(pinned)}",
        "patches": f"{len(patches)}, {' '.join(p.name[:2] for p in patches)}",
        "both": f"sha256 {stamp}",
    }
    for path in sorted(ROOT.glob("build/*/caffe-source/drdl.stamp")):
        same = path.read_text() == stamp
        found[f"build {path.parts[-3]}"] = "of these" if same else "of others"
    return found


def _system() -> dict[str, str]:
    info = _read("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)", info, re.MULTILINE)
    flags = re.findall(r"^(?:flags|Features)\s*: (.*)", info, re.MULTILINE)
    words = flags[0].split() if flags else []
    name = names[0] if names else platform.machine()
    virtual = ", a virtual machine" if "hypervisor" in words else ""
    system = re.findall(r'^PRETTY_NAME="?([^"\n]*)', _read("/etc/os-release"), re.M)
    kibibytes = dict(re.findall(r"(\w+):\s*(\d+) kB", _read("/proc/meminfo")))
    total, free = (int(kibibytes.get(n, 0)) / 1e6 * 1.024
                   for n in ("MemTotal", "MemAvailable"))  # fmt: skip
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    of_group = f", at most {int(limit) / 1e9:.1f} GB here" if limit.isdecimal() else ""
    return {
        "system": ", ".join([*system, f"Linux {platform.release()}",
                             " ".join(platform.libc_ver())]),
        "processor": f"{name}{virtual}",
        "instructions": " ".join(w for w in SIMD if w in words) or "unknown",
        "cores": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "memory": f"{total:.1f} GB, {free:.1f} GB available{of_group}",
    }  # fmt: skip


def _gpu() -> dict[str, str]:
    query = "--query-gpu=name,compute_cap,memory.total,driver_version"
    said = _said("nvidia-smi", query, "--format=csv,noheader").splitlines()
    found = {f"device {number}": line for number, line in enumerate(said)}
    if compiler := _said("nvcc", "--version"):
        found["nvcc"] = compiler.splitlines()[-1]
    return found or {"none": "neither nvidia-smi nor nvcc says anything"}


def _said(*words: str) -> str:
    """What a command of the system prints; "" where there is none, or it fails."""
    if shutil.which(words[0]) is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            words, capture_output=True, check=True, text=True, timeout=30
        )
        return done.stdout.strip()
    return ""


def _read(path: str) -> str:
    """A file of the system; "" where there is none."""
    with suppress(OSError):
        return Path(path).read_text()
    return ""
