"""Commands that the documents show and no walk runs, by how they begin, and why."""

ELSEWHERE = "run, smaller, by"
LONG = "takes minutes or hours; what it measures is no test's"

NOT_RUN = {
    "tools/demo.sh": f"four minutes of training; {ELSEWHERE} "
    "benchmarks/whole_commands.py",
    "tools/test.sh": "it is what runs the tests",
    "tools/setup.sh": "comes before the tests",
    "source .venv/bin/activate": "comes before the tests",
    "caffe train --solver prototxt/solver.prototxt --weights "
    "data/VehicleID/start.caffemodel --gpu 0": "needs a GPU; without, a walk runs it",
    "python tools/eval_verification.py part3.h5": "CompCars' features; "
    f"{ELSEWHERE} tests/commands/test_eval_verification.py",
    "python tools/eval_map.py query.h5": f"VeRi's features; {ELSEWHERE} "
    "tests/commands/test_eval_map.py",
    "VEHICLEID_ROOT=": "needs data sets that are given out on application",
    "python benchmarks/": LONG,
    "OPENBLAS_NUM_THREADS=1 python benchmarks/": LONG,
    "python tools/render_": f"draws thousands of images; {ELSEWHERE} "
    "tests/render/test_render_fleet.py, tests/render/test_render_compcars.py",
    "python tools/reproduce.py": f"{ELSEWHERE} tests/commands/test_reproduce.py",
    'python tools/plot_training.py --name "mixed difference"': "of a training that is "
    "not kept; another's log is drawn",
    "python tools/extract_features.py DATA": f"{ELSEWHERE} tests/caffe/test_cluster.py",
    "python tools/extract_features.py ...": f"{ELSEWHERE} tests/caffe/test_cluster.py",
    "python tools/build_lmdb.py ...": f"{ELSEWHERE} tests/caffe/test_cluster.py",
    "dask ": f"{ELSEWHERE} tests/caffe/test_cluster.py",
    "docker ": "no container engine where tests run; its steps are tried by "
    "tools/container/try_in_root.py",
    "apptainer ": "the same",
    "mount --bind": "goes with the next",
    "debootstrap ": "makes a system of its own, which takes minutes",
    "python tools/container/try_in_root.py": "builds everything in a bare system",
    "pip install --constraint constraints.txt auditwheel": "comes before the next",
    "tools/wheel.sh": "builds Caffe once more",
    "python tools/container/try_wheel.py": "needs a bare system and that wheel",
    "drdl export --net deploy.prototxt --weights mixed.caffemodel --format torch": (
        "needs PyTorch, which setup does not install; with it, "
        "tests/caffe/test_export_torch.py exports"
    ),
    "drdl serve": f"serves until it is ended; {ELSEWHERE} "
    "tests/caffe/test_serve_command.py",
    "export DRDL_TOKEN": "goes with the next",
    "curl ": f"asks a server; {ELSEWHERE} tests/caffe/test_server.py",
    "tools/sanitize.sh": "builds for many minutes",
    "tools/gpu_kit.sh": f"needs nvcc; {ELSEWHERE} tests/commands/test_gpu_kit.py",
    "gpu_kit/run.sh": f"needs a GPU; {ELSEWHERE} tests/commands/test_gpu_kit.py",
    "grep -rhoE": "counts, by hand",
    "python tests/fuzz": f"{ELSEWHERE} tests/commands/test_fuzz.py",
}
