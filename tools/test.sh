#!/usr/bin/env bash
# Runs every check: style, types, C++ tests, Python tests; builds what they
# need. Where nvcc is, the CUDA sources are compiled and linked as well.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step setup
tools/setup.sh cpu
export PATH="$PWD/.venv/bin:$PATH"

step style and types
ruff check .
ruff format --check .
mypy
find caffe_layers -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' |
  xargs clang-format --dry-run -Werror

step C++ tests
cmake --build --preset cpu --target drdl_test >build/drdl_test.log 2>&1 || {
  tail -n 30 build/drdl_test.log >&2
  exit 1
}
build/cpu/drdl_test --gtest_brief=1

step "Caffe's own C++ tests of what we patched or depend on"
tools/upstream_tests.sh ci

if command -v nvcc >/dev/null; then
  step "CUDA sources compile and link (one architecture; the preset has more)"
  cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=90-real \
    "-DCAFFE_SOURCE_TARBALL=$(tools/fetch_caffe.sh)" >build/cuda.log 2>&1 &&
    cmake --build --preset cuda --target all drdl_test >>build/cuda.log 2>&1 || {
    tail -n 30 build/cuda.log >&2
    exit 1
  }
  tail -n 1 build/cuda.log
fi

step Python tests
pytest -q "$@"
