#!/usr/bin/env bash
# From nothing to a CMC table on two CPU cores: builds Caffe with our layers,
# renders vehicles, trains the small mixed difference net on them and evaluates
# it on vehicles it has not seen, beside the same net untrained.
#
#   tools/demo.sh                     the mixed difference net
#   tools/demo.sh ccl|triplet         one of its twins
#
# Everything it writes goes to data/demo; what is there already is used again.
# Training runs on the CPU, also where a GPU is.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/common.sh
structure=${1:-mixed_difference}
out=data/demo
nets=prototxt/demo/$structure
case "$structure" in
  mixed_difference) solver=prototxt/demo/solver.prototxt ;;
  ccl | triplet) solver=$nets/solver.prototxt ;;
  *)
    printf 'error: unknown net\n  where: %s\n  next: %s\n' "$structure" \
      "give mixed_difference, ccl or triplet" >&2
    exit 2
    ;;
esac

step() { printf '\n== %s\n' "$*"; }

step "1/5 build (first time: a few minutes)"
tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
make_folder $out

step "2/5 render vehicles"
[ -e $out/VehicleID/train_test_split/train_list.txt ] ||
  python tools/render_vehicleid.py $out/VehicleID --preset demo

step "3/5 build the image LMDBs"
for split in train test_100; do
  [ -e $out/${split}_lmdb ] ||
    python tools/build_lmdb.py $out/VehicleID $out/${split}_lmdb \
      --split $split --size 72
done

value() { sed -nE "s/^$1: \"?([^\"]*)\"?$/\\1/p" $solver; }
weights=$(value snapshot_prefix)_iter_$(value max_iter).caffemodel
step "4/5 train: caffe train --solver $solver (log: $out/$structure.log)"
if [ ! -e "$weights" ]; then
  empty_file $out/$structure.log
  caffe train --solver $solver >$out/$structure.log 2>&1 || {
    tail -n 5 $out/$structure.log >&2
    exit 1
  }
fi
grep -E 'Iteration [0-9]+ \(' $out/$structure.log |
  sed -E 's/.*(Iteration [0-9]+).*(loss = .*)/\1, \2/' | awk 'NR % 5 == 1'

step "5/5 features and CMC on 200 vehicles that were not trained on"
features() {  # name, options
  local name=$1
  shift
  rm -f "$out/$name.h5"
  python tools/extract_features.py $out/VehicleID "$out/$name.h5" \
    --net $nets/deploy.prototxt --split test_200 "$@" >/dev/null
}
features untrained --untrained 1
features $structure --weights "$weights"
python tools/eval_cmc.py $out/untrained.h5 $out/$structure.h5 \
  --json $out/$structure.json

printf '\nwritten:\n'
printf '  %s\n' $out/VehicleID "$weights" $out/$structure.log \
  $out/$structure.h5 $out/$structure.json
