#!/usr/bin/env bash
# Runs what a GPU would run on the CPU (caffe_layers/test/cuda_on_cpu), where every
# access of every kernel is checked: the GPU's C++ tests of our layers, upstream's of
# the layers and solvers of our nets, gradcheck and the Python tests marked gpu. Needs
# no CUDA. Exit code 1 if a test fails, a fault is reported, or a kernel of ours is
# launched by none of them.
#
#   tools/emulated_tests.sh        all, also with late streams and in other orders of
#                                  threads, and the faults planted into our kernels
#   tools/emulated_tests.sh ci     a choice, for every test run
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {  # what, where, next
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}
step() { printf '\n-- %s (%s s)\n' "$1" "$SECONDS"; }

choice=${1:-all}
[ "$choice" = all ] || [ "$choice" = ci ] ||
  fail "unknown choice of tests" "$choice" "give all or ci" 2

# --- Build
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
build=$PWD/build/emulated log=$PWD/build/emulated.log
mkdir -p build
{
  cmake --preset emulated "${source_options[@]}" &&
    cmake --build --preset emulated --target all drdl_test cuda_on_cpu_test \
      caffe_test_emulated
} >"$log" 2>&1 || {
  tail -n 30 "$log" >&2
  fail "the build failed" "$log" "read the lines above"
}
# Beside .venv, whose packages it has: its own caffe.
python=$build/venv/bin/python
if [ ! -x "$python" ]; then
  .venv/bin/python -P -m venv --without-pip "$build/venv"
  echo "import site; site.addsitedir('$(.venv/bin/python -P -c \
    'import sysconfig; print(sysconfig.get_path("purelib"))')')" \
    >"$(echo "$build"/venv/lib/python3*/site-packages)/packages_of_venv.pth"
fi
cmake --install "$build" >>"$log"
echo "emulated: built in $SECONDS s"
SECONDS=0

# --- Run
export OPENBLAS_NUM_THREADS=1 CUDA_ON_CPU_LAUNCHES=$build/launches.txt
# Gradients are checked in float; tests of TF32 allow it themselves.
export CAFFE_ALLOW_TF32=0
rm -f "$CUDA_ON_CPU_LAUNCHES"

step "cuda_on_cpu sees every fault that it claims to see"
(
  unset CUDA_ON_CPU_LAUNCHES  # its kernels are not ours
  "$build/cuda_on_cpu_test" --gtest_brief=1
  # As on a processor without protection keys.
  CUDA_ON_CPU_PROTECT=2 "$build/cuda_on_cpu_test" --gtest_brief=1 \
    --gtest_filter='*HostTouches*'
)

# The instances of typed tests that compute on the GPU, tests that say so, and those
# of caffe_layers/test/cuda_on_cpu.
gpu_tests() {  # program
  "$1" --gtest_list_tests | awk '
    /^[^ ]/ { suite = $1; whole = /GPU|CuDNN|Im2colKernel|KernelLoop|DriverTest|Emulated/
              if (whole) print suite "*" }
    /^ / && !whole && /GPU/ { print suite $1 }' | paste -sd:
}
gtest() {  # program, folder to run it in, tests to leave out; and gtest options
  local program=$build/$1 folder=$2 filter shards shard clean=0 running=()
  filter=$(gpu_tests "$program")-$3
  shards=$(nproc)
  shift 3
  for ((shard = 0; shard < shards; ++shard)); do
    (cd "$folder" && GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard \
      exec "$program" --gtest_brief=1 --gtest_filter="$filter" "$@") &
    running+=($!)
  done
  for shard in "${running[@]}"; do wait "$shard" || clean=1; done
  return $clean
}
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

step "our layers"
gtest drdl_test "$PWD" ''
# A gradient is checked by as many passes as the blob has numbers.
if [ "$choice" = all ]; then
  step "our layers, streams late and threads the other way round"
  CUDA_ON_CPU_LATE=1 CUDA_ON_CPU_ORDER=1 gtest drdl_test "$PWD" '*Gradient*'
  for seed in 2 3; do
    step "our layers, streams late and threads shuffled by seed $seed"
    CUDA_ON_CPU_LATE=1 CUDA_ON_CPU_ORDER=$seed gtest drdl_test "$PWD" '*Gradient*'
  done
else
  step "our layers, streams late and threads shuffled"
  CUDA_ON_CPU_LATE=1 CUDA_ON_CPU_ORDER=2 gtest drdl_test "$PWD" \
    '*Gradient*:*Exhaustive*:*Flood*:*NeverHidden*'
fi

step "Caffe's layers and solvers"
long='CuDNN*WithinChannel*'  # cuDNN's stand-in has no divisive normalization
[ "$choice" = all ] || long+=':*Gradient*:*Sobel*:Ada*Solver*:Nesterov*:RMSProp*'
gtest caffe_test_emulated "$build/caffe-source" "$long"

# Several devices: gradients of a whole iteration are summed, layer by layer too.
step "Caffe's solvers on one, two and three devices"
(
  export CUDA_ON_CPU_DEVICES=3
  gtest caffe_test_emulated "$build/caffe-source" "$long:*Layer*:*Math*:*CuDNN*:*Im2col*"
)

step "gradients"
if [ "$choice" = all ]; then
  "$python" tools/gradcheck.py --device gpu
  step "Python tests"
  "$python" -P -m pytest -q -m gpu tests/caffe
  for late in 1 2; do
    CUDA_ON_CPU_LATE=$late "$python" -P -m pytest -q -m gpu tests/caffe/test_several_gpus.py
  done
else
  "$python" -P -m pytest -q -m gpu tests/caffe/test_loss_properties.py \
    -k "ids or rounded or hidden or collapse or three_bottoms_never"
  step "training on two devices, default streams late"
  CUDA_ON_CPU_LATE=2 "$python" -P -m pytest -q -m gpu -k 2 tests/caffe/test_several_gpus.py
fi

# --- Nothing of ours was left out
kernels=$(sed -E 's|//.*||; s/__launch_bounds__\([^)]*\)//' caffe_layers/src/*.cu |
  tr '\n' ' ' | grep -oE '__global__[^(]*\(' |
  sed -E 's/.*[^A-Za-z0-9_]([A-Za-z0-9_]+) *\($/\1/' | sort -u)
launched=$(cut -f2 "$CUDA_ON_CPU_LAUNCHES" | sed 's/<.*//' | sort -u)
left=$(comm -23 <(echo "$kernels") <(echo "$launched"))
[ -n "$kernels" ] || fail "no kernel of ours is found" "caffe_layers/src/*.cu" \
  "mend the pattern in tools/emulated_tests.sh"
[ -z "$left" ] || fail "kernels that no test launches: $(echo $left)" \
  "caffe_layers/src/*.cu" "write a test that launches them"
awk '{ n += $1 } END { printf "%d launches", n }' "$CUDA_ON_CPU_LAUNCHES"
echo " of $(echo "$launched" | wc -l) kernels, all $(echo "$kernels" | wc -l) of ours"

if [ "$choice" = all ]; then
  step "faults planted into our kernels"
  unset CUDA_ON_CPU_LAUNCHES
  .venv/bin/python caffe_layers/test/cuda_on_cpu/planted_faults.py
fi
echo "emulated: run in $SECONDS s"
