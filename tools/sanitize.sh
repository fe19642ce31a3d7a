#!/usr/bin/env bash
# Builds our layers' C++ tests with g++'s sanitizers and runs them: all under
# AddressSanitizer and UBSan, those with threads under ThreadSanitizer.
# What comes out, and what is suppressed: docs/testing.md.
#
#   tools/sanitize.sh [all|asan|tsan] [gtest options]
#   tools/sanitize.sh asan --gtest_filter='CoupledClusters*'
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
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    [[ $what = -h || $what = --help ]] && exit 0
    exit 2
    ;;
esac

tools/setup.sh packages
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# OpenBLAS is not instrumented: what its threads do for one another is not seen.
export OPENBLAS_NUM_THREADS=1
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
# glog would else take these signals, and tell less.
ASAN_OPTIONS+=:handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2
export TSAN_OPTIONS="history_size=7:second_deadlock_stack=1"
TSAN_OPTIONS+=":suppressions='$PWD/caffe_layers/test/tsan.supp'"
filter_tsan='--gtest_filter=*PairSet*:*Prefetch*:*ImageTransform*'

# ThreadSanitizer of g++ 12 does not start where the kernel spreads addresses
# further than it knows (vm.mmap_rnd_bits above 28).
launch=()
! setarch --addr-no-randomize true 2>/dev/null ||
  launch=(setarch --addr-no-randomize)

failed=()
for preset in "${presets[@]}"; do
  printf '\n== %s: build (log in build/%s.log)\n' "$preset" "$preset"
  started=$SECONDS
  mkdir -p build
  {
    cmake --preset "$preset" "${source_options[@]}" &&
      cmake --build --preset "$preset"
  } >"build/$preset.log" 2>&1 || {
    tail -n 30 "build/$preset.log" >&2
    printf 'error: the build failed\n  where: build/%s.log\n  next: %s\n' \
      "$preset" "read the lines above" >&2
    exit 1
  }
  built=$SECONDS
  printf '\n== %s: run\n' "$preset"
  options=(--gtest_brief=1)
  [ "$preset" != tsan ] || options+=("$filter_tsan")
  "${launch[@]}" "build/$preset/drdl_test" "${options[@]}" "$@" ||
    failed+=("$preset")
  echo "$preset: built in $((built - started)) s, run in $((SECONDS - built)) s"
done

if [ ${#failed[@]} -gt 0 ]; then
  printf 'error: not clean: %s\n  where: the reports above\n  next: %s\n' \
    "${failed[*]}" "mend the code that the first report names" >&2
  exit 1
fi
printf '\nclean: %s\n' "${presets[*]}"
