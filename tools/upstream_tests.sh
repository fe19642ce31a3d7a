#!/usr/bin/env bash
# Builds Caffe's own C++ tests against our patched source, runs them, and prints
# how many passed of each test suite. Exit code 1 if a test failed.
#
#   tools/upstream_tests.sh            all of them
#   tools/upstream_tests.sh ci         of what we patched or depend on
#   tools/upstream_tests.sh engine     of the layers that the CPU engine has too,
#                                      computed by it, on all cores
#   tools/upstream_tests.sh all cuda   the build with CUDA (preset cpu or cuda)
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {  # what, where, next
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}

# What our patches touch, and what our layers and nets stand on.
suites=(
  BatchNormLayerTest BlobMathTest BlobSimpleTest CommonTest ConcatLayerTest
  ConvolutionLayerTest CPUMathFunctionsTest DataLayerTest DataTransformTest
  DBTest FilterNetTest GaussianFillerTest GemmTest HDF5DataLayerTest
  HDF5OutputLayerTest ImageDataLayerTest InnerProductLayerTest
  InternalThreadTest IOTest LayerFactoryTest LRNLayerTest MaxPoolingDropoutTest
  MemoryDataLayerTest NetTest NetUpgradeTest NeuronLayerTest
  PaddingLayerUpgradeTest PoolingLayerTest ProtoTest RandomNumberGeneratorTest
  SGDSolverTest SoftmaxLayerTest SoftmaxWithLossLayerTest SolverFactoryTest
  SolverTest SolverTypeUpgradeTest SplitLayerInsertionTest SplitLayerTest
  SyncedMemoryTest XavierFillerTest
)
target=caffe_test threads=1
case "${1:-all}" in
  all) filter='*' ;;
  ci) filter=$(printf '%s*:' "${suites[@]}") ;;
  engine) filter='*' target=caffe_test_engine threads=$(nproc) ;;
  *) fail "unknown choice of tests" "$1" "give all, ci or engine" 2 ;;
esac
preset=${2:-cpu}
export CAFFE_ALLOW_TF32=0  # their numbers are of float
# As upstream's `make runtest` does without CUDA: these end the process.
[ "$preset" = cpu ] && filter+='-*GPU*'
[ -f "build/$preset/build.ninja" ] ||
  fail "nothing is built" "build/$preset" "run tools/setup.sh $preset" 2

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
log=build/$target.log
cmake --build --preset "$preset" --target $target >"$log" 2>&1 || {
  tail -n 30 "$log" >&2
  fail "Caffe's tests do not build" "$log" "read the lines above"
}

# One process for each core, each with a share of the tests. They run where the
# tests' data is.
results=$PWD/build/$preset/upstream_tests
rm -rf "$results"
mkdir -p "$results"
shards=$(nproc)
export OPENBLAS_NUM_THREADS=$threads GLOG_minloglevel=2 GTEST_TOTAL_SHARDS=$shards
running=()
for ((shard = 0; shard < shards; shard++)); do
  (
    cd "build/$preset/caffe-source"
    GTEST_SHARD_INDEX=$shard exec ../$target --gtest_filter="$filter" \
      --gtest_output="json:$results/$shard.json"
  ) >"$results/$shard.log" 2>&1 &
  running+=($!)
done
ended=0
for process in "${running[@]}"; do
  wait "$process" || ended=1  # a test failed, which the table shows
done
for ((shard = 0; shard < shards; shard++)); do
  [ -f "$results/$shard.json" ] || {
    tail -n 20 "$results/$shard.log" >&2
    fail "Caffe's tests ended before their end" "$results/$shard.log" \
      "the last test named above is the one"
  }
done
.venv/bin/python caffe_layers/test/upstream_table.py "$results"/*.json
exit "$ended"
