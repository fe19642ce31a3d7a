#!/usr/bin/env bash
# Builds our layers' C++ tests with g++'s sanitizers and runs them: all under
# AddressSanitizer and UBSan, those with threads under ThreadSanitizer. On a
# machine with a GPU, gpu runs the GPU's tests under compute-sanitizer.
# What comes out, and what is suppressed: docs/testing.md.
#
#   tools/sanitize.sh [all|asan|tsan] [gtest options]
#   tools/sanitize.sh asan --gtest_filter='CoupledClusters*'
#   tools/sanitize.sh gpu              not part of all
#   tools/sanitize.sh emulated         the GPU's tests on the CPU, every access of a
#                                      kernel checked; not part of all
#
# CAFFE_SOURCE_TARBALL=, CAFFE_SOURCE_DIR=    as for tools/setup.sh
# Ends with 0 if all is clean, 1 if not, 2 for wrong use.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
[ $# -eq 0 ] || shift
case "$what" in
  all) presets=(asan tsan) ;;
  asan | tsan) presets=("$what") ;;
  gpu) presets=(cuda) ;;
  emulated) exec tools/emulated_tests.sh all ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    [[ $what = -h || $what = --help ]] && exit 0
    exit 2
    ;;
esac

fail() {  # what, where, next
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit 1
}
if [ "$what" = gpu ]; then
  nvidia-smi -L || fail "no GPU" "nvidia-smi -L" "run it on a machine with one"
  command -v nvcc >/dev/null || fail "no CUDA compiler" "nvcc is not on PATH" \
    "install the CUDA toolkit"
  # A part of the toolkit, which some distributions pack by itself.
  sanitizer=$(command -v compute-sanitizer ||
    ls "$(dirname "$(readlink -f "$(command -v nvcc)")")/compute-sanitizer" \
      2>/dev/null) || fail "no compute-sanitizer" "PATH, and beside nvcc" \
    "install it: a part of the CUDA toolkit (package cuda-sanitizer-13-0)"
fi

tools/setup.sh packages
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# Tests compare with what is computed in float.
export CAFFE_ALLOW_TF32=0
# OpenBLAS is not instrumented: what its threads do for one another is not seen.
export OPENBLAS_NUM_THREADS=1
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
# glog would else take these signals, and tell less.
ASAN_OPTIONS+=:handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2
export TSAN_OPTIONS="history_size=7:second_deadlock_stack=1"
TSAN_OPTIONS+=":suppressions='$PWD/caffe_layers/test/tsan.supp'"
filter_tsan='--gtest_filter=*PairSet*:*Prefetch*:*ImageTransform*:*Engine*'

# ThreadSanitizer of g++ 12 does not start where the kernel spreads addresses
# further than it knows (vm.mmap_rnd_bits above 28).
launch=()
! setarch --addr-no-randomize true 2>/dev/null ||
  launch=(setarch --addr-no-randomize)

# The instances of our typed tests that compute on the GPU, as a gtest filter.
gpu_filter() {  # drdl_test
  "$1" --gtest_list_tests |
    sed -n 's/^\([^ ]*\.\) *# TypeParam = caffe::GPUDevice.*/\1*/p' | paste -sd:
}
# Every tool of compute-sanitizer that finds errors, one after the other.
run_on_gpu() {  # drdl_test, gtest options
  local test=$1 filter tool clean=0
  shift
  filter=$(gpu_filter "$test")
  [ -n "$filter" ] || fail "no test of the GPU" "$test" \
    "mend gpu_filter in tools/sanitize.sh"
  for tool in memcheck racecheck synccheck initcheck; do
    echo "-- $tool"
    "$sanitizer" --tool "$tool" --error-exitcode 1 \
      "$test" --gtest_brief=1 --gtest_filter="$filter" "$@" || clean=1
  done
  return $clean
}

failed=()
for preset in "${presets[@]}"; do
  printf '\n== %s: build (log in build/%s.log)\n' "$preset" "$preset"
  started=$SECONDS
  mkdir -p build
  {
    cmake --preset "$preset" "${source_options[@]}" &&
      cmake --build --preset "$preset" --target drdl_test
  } >"build/$preset.log" 2>&1 || {
    tail -n 30 "build/$preset.log" >&2
    fail "the build failed" "build/$preset.log" "read the lines above"
  }
  built=$SECONDS
  printf '\n== %s: run\n' "$preset"
  options=(--gtest_brief=1)
  if [ "$preset" = cuda ]; then
    run_on_gpu "build/$preset/drdl_test" "$@" || failed+=("$preset")
  else
    [ "$preset" != tsan ] || options+=("$filter_tsan")
    "${launch[@]}" "build/$preset/drdl_test" "${options[@]}" "$@" ||
      failed+=("$preset")
  fi
  echo "$preset: built in $((built - started)) s, run in $((SECONDS - built)) s"
done

[ ${#failed[@]} -eq 0 ] || fail "not clean: ${failed[*]}" "the reports above" \
  "mend the code that the first report names"
printf '\nclean: %s\n' "${presets[*]}"
