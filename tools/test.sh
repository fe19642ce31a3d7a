#!/usr/bin/env bash
# Runs every check: style, types, C++ tests, Python tests; builds what they
# need. Where nvcc is, the CUDA sources are compiled and linked as well.
#
#   tools/test.sh [PYTEST OPTIONS]
#   tools/test.sh quick [PYTEST OPTIONS]   style, types, the documents' numbers, the
#                                          tests of functions, the list of commands
#   tools/test.sh --gpu [PYTEST OPTIONS]   the CUDA build, with the GPU's tests
set -euo pipefail
cd "$(dirname "$0")/.."
export CAFFE_ALLOW_TF32=0  # on a GPU, tests compare with what is computed in float

quietly() {  # log, command: shows the end of the log where the command fails
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    exit 1
  }
}

# A file's tests stay together: they share what they build.
at_a_time=(-n logical --maxprocesses 4 --dist loadfile)

step() { printf '\n== %s\n' "$*"; }
style_and_types() {
  step style and types
  ruff check .
  ruff format --check .
  mypy
  find caffe_layers -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' |
    xargs clang-format --dry-run -Werror
}

if [ "${1:-}" = quick ]; then
  shift
  export PATH="$PWD/.venv/bin:$PATH"
  style_and_types
  step "documents' numbers"
  python benchmarks/document_tables.py --check
  step quick Python tests
  [ $# -gt 0 ] || set -- tests/unit tests/commands/test_drdl.py
  exec pytest -q "${at_a_time[@]}" -m "not slow" "$@"
fi

preset=cpu
if [ "${1:-}" = --gpu ]; then
  shift
  preset=cuda
  nvidia-smi -L || {
    printf 'error: no GPU\n  where: nvidia-smi -L\n  next: %s\n' \
      "run it on a machine with one, or leave out --gpu" >&2
    exit 1
  }
fi

step setup
tools/setup.sh $preset
export PATH="$PWD/.venv/bin:$PATH"

style_and_types

step C++ tests
quietly build/drdl_test.log cmake --build --preset $preset --target drdl_test
build/$preset/drdl_test --gtest_brief=1

step "Caffe's own C++ tests of what we patched or depend on"
tools/upstream_tests.sh ci $preset
tools/upstream_tests.sh engine $preset
if [ $preset = cuda ]; then
  step gradients on the GPU
  python tools/gradcheck.py --device gpu
elif command -v nvcc >/dev/null; then
  step "CUDA sources compile and link (one architecture; the preset has more)"
  source_options=$(tools/fetch_caffe.sh)
  mapfile -t source_options <<<"$source_options"
  quietly build/cuda.log cmake --preset cuda \
    -DCMAKE_CUDA_ARCHITECTURES=90-real "${source_options[@]}"
  quietly build/cuda.log cmake --build --preset cuda --target all drdl_test
  tail -n 1 build/cuda.log
fi

if [ $preset = cpu ]; then
  step "the GPU's tests on the CPU, every access of a kernel checked"
  tools/emulated_tests.sh ci
fi

step Python tests
pytest -q "${at_a_time[@]}" "$@"

step "numbers once more, computed as on an older processor"
(
  set -a
  # shellcheck source=tools/older_processor.env
  . tools/older_processor.env
  set +a
  build/$preset/drdl_test --gtest_brief=1
  pytest -q "${at_a_time[@]}" tests/unit/test_*protocol.py tests/unit/test_metrics*.py \
    tests/unit/test_reference.py tests/unit/test_joint_bayesian.py \
    tests/unit/test_report_search.py tests/commands/test_verifier.py \
    tests/caffe/test_loss_properties.py tests/caffe/test_nets.py \
    tests/caffe/test_gradcheck.py
)
