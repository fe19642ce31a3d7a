#!/usr/bin/env bash
# Real photographs: trains a small net on vehicles seen by two cameras and
# evaluates it on vehicles it has not seen, camera 1 gallery, camera 2 probes,
# beside the same net untrained.
#
#   tools/two_camera.sh IMAGES OUTPUT [STRUCTURE] [ITERATIONS]
#
# IMAGES      folder of <class>_<number>_cam<1|2>.jpg
# OUTPUT      folder for everything that is written
# STRUCTURE   mixed_difference (default), ccl or triplet
# ITERATIONS  default 600; the learning rate drops at each third
#
# TEST_VEHICLES=100, TRAIN_VEHICLES=0 (all others) and SETS=15 in the
# environment say how much of the data is used, SEED=1 the weights' start, and
# NET_OPTIONS= gives further options to tools/make_nets.py.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
. "$tools/common.sh"
export PATH="$tools/../.venv/bin:$PATH"
if [ $# -lt 2 ]; then
  sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
images=$1 out=$2 structure=${3:-mixed_difference} iterations=${4:-600}
seed=${SEED:-1}

make_folder "$out"
python "$tools/two_camera_lists.py" "$images" "$out" \
  --test-vehicles "${TEST_VEHICLES:-100}" \
  --train-vehicles "${TRAIN_VEHICLES:-0}"
for split in train test; do
  [ -e "$out/${split}_lmdb" ] ||
    python "$tools/build_lmdb.py" "$out/$split.txt" "$out/${split}_lmdb" \
      --split all --root "$images" --size 72
done

nets=$out/nets_seed$seed
weights=$nets/$structure/${structure}_iter_$iterations.caffemodel
if [ ! -e "$weights" ]; then
  python "$tools/make_nets.py" --output "$nets" --train "$out/train_lmdb" \
    --test "$out/test_lmdb" --max-iter "$iterations" \
    --stepsize $(((iterations + 2) / 3)) --sets "${SETS:-15}" --seed "$seed" \
    ${NET_OPTIONS:-} >/dev/null
  empty_file "$nets/$structure.log"
  caffe train --solver "$nets/$structure/solver.prototxt" \
    >"$nets/$structure.log" 2>&1 || {
    tail -n 5 "$nets/$structure.log" >&2
    exit 1
  }
fi

features() {  # name, options
  local name=$1
  shift
  rm -f "$nets/$name.h5"
  python "$tools/extract_features.py" "$out/test.txt" "$nets/$name.h5" \
    --root "$images" --net "$nets/$structure/deploy.prototxt" "$@" >/dev/null
}
features "${structure}_untrained" --untrained "$seed"
features "$structure" --weights "$weights"
python "$tools/eval_cmc.py" "$nets/${structure}_untrained.h5" \
  "$nets/$structure.h5" --gallery-camera 1 --json "$nets/$structure.json"
