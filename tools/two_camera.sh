#!/usr/bin/env bash
# Real photographs: trains a small net on vehicles seen by two cameras and
# evaluates it on vehicles it has not seen, camera 1 gallery, camera 2 probes,
# beside the same net untrained.
#
#   tools/two_camera.sh IMAGES --output OUTPUT [STRUCTURE] [ITERATIONS]
#
# IMAGES      folder of <class>_<number>_cam<1|2>.jpg
# OUTPUT      folder for everything that is written; what is done there is used
#             again, and other settings need another folder
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
usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

words=() out=
while [ $# -gt 0 ]; do
  case $1 in
    --output=*) out=${1#*=} ;;
    --output) out=${2-} && shift $(($# > 1)) ;;
    -*) usage ;;
    *) words+=("$1") ;;
  esac
  shift
done
images=${words[0]-}
# Without its name, it is the second word.
[ -n "$out" ] || { out=${words[1]-} && words=("${words[@]:0:1}" "${words[@]:2}"); }
structure=${words[1]:-mixed_difference} iterations=${words[2]:-600} seed=${SEED:-1}
if [ -z "$images" ] || [ -z "$out" ] || [ ${#words[@]} -gt 3 ]; then
  usage
fi
case $structure in mixed_difference | ccl | triplet) ;; *) usage ;; esac
[[ $iterations =~ ^[1-9][0-9]*$ ]] || usage

make_folder "$out"
python "$tools/two_camera_lists.py" "$images" --output "$out" \
  --test-vehicles "${TEST_VEHICLES:-100}" \
  --train-vehicles "${TRAIN_VEHICLES:-0}"
build() {  # split, options
  local split=$1
  shift
  [ -e "$out/${split}_lmdb" ] ||
    python "$tools/build_lmdb.py" "$out/$split.txt" --output "$out/${split}_lmdb" \
      --split all --root "$images" --size 72 "$@"
}
build train
build test --labels "$out/train_lmdb"

nets=$out/nets_seed$seed
weights=$nets/$structure/${structure}_iter_$iterations.caffemodel
python "$tools/make_nets.py" --output "$nets" --train "$out/train_lmdb" \
  --test "$out/test_lmdb" --max-iter "$iterations" \
  --stepsize $(((iterations + 2) / 3)) --sets "${SETS:-15}" --seed "$seed" \
  ${NET_OPTIONS:-} >/dev/null
if [ ! -e "$weights" ]; then
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
  python "$tools/extract_features.py" "$out/test.txt" --output "$nets/$name.h5" \
    --overwrite --root "$images" --net "$nets/$structure/deploy.prototxt" "$@" >/dev/null
}
features "${structure}_untrained" --untrained "$seed"
features "$structure" --weights "$weights"
python "$tools/eval_cmc.py" "$nets/${structure}_untrained.h5" \
  "$nets/$structure.h5" --gallery-camera 1 --json "$nets/$structure.json"
