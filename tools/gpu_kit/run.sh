#!/usr/bin/env bash
# Tests and times this Caffe on the machine's GPU, in ten minutes at most. Needs a
# driver, cuBLAS, cuRAND and cuDNN; no package, no network, no Python.
#
#   ./run.sh [RESULTS]     writes results.json and log.txt to this folder (default:
#                          results, in the current folder)
#
# TMPDIR=FOLDER            has room for what is deleted again (8 GB; default /tmp)
# LD_LIBRARY_PATH=FOLDERS  where NVIDIA's libraries are, if they are not found
# SEARCH=FOLDER            where they are looked for otherwise (default /)
# LIMITS="tests=300 ..."   other limits, in seconds, of steps
# ITERATIONS=1000 EXACT_ITERATIONS=100 TIMED_ITERATIONS=50
#
# Exit code: 0 all steps passed (or have nothing here to run with), 1 one failed or
# none could run, 2 wrong use, 128 and more: ended by a signal. results.json is there
# when all have ended; until then it is results.json.partial.
set -euo pipefail
export LC_ALL=C
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The steps in their order, each with its limit in seconds: 590 together.
steps=(device tests losses time train exact_resume memcheck racecheck synccheck initcheck)
declare -A limits=([device]=20 [tests]=90 [losses]=30 [time]=50 [train]=130
  [exact_resume]=110 [memcheck]=50 [racecheck]=50 [synccheck]=30 [initcheck]=30)
iterations=${ITERATIONS:-1000} exact_iterations=${EXACT_ITERATIONS:-100}
timed_iterations=${TIMED_ITERATIONS:-50}
nothing_here=77 # a step's exit code where the machine lacks what it runs with

fail() { # what, where, next, exit code
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}

for given in ${LIMITS:-}; do
  [[ $given =~ ^[a-z_]+=[1-9][0-9]*$ && -v limits[${given%%=*}] ]] || fail \
    "not a step and its limit" "LIMITS: $given" "give them as tests=300 time=60" 2
  limits[${given%%=*}]=${given#*=}
done
for given in "$iterations" "$exact_iterations" "$timed_iterations"; do
  [[ $given =~ ^[1-9][0-9]*$ ]] || fail "not a number of iterations" "$given" \
    "give ITERATIONS, EXACT_ITERATIONS and TIMED_ITERATIONS above 0" 2
done

# --- JSON

json() { # a value: a number, true, false and null as they are, else a text
  local text=${1:-null}
  if [[ $text =~ ^(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null)$ ]]; then
    printf '%s' "$text"
    return
  fi
  text=${text//\\/\\\\} text=${text//\"/\\\"}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}
result() { printf '%s\t%s\n' "$1" "$2" >>"$work/results"; } # name, value
object() { # of the lines "name<TAB>value" that come in
  local name value between=''
  printf '{'
  while IFS=$'\t' read -r name value; do
    printf '%s"%s": ' "$between" "$name"
    json "$value"
    between=', '
  done
  printf '}'
}

# --- The machine

needed() { awk -v kind="$1" '$1 == kind { print $2 }' "$kit/needed.txt"; }
libraries() { # of a kind: name, path or "-", version or the reason
  local name line
  for name in $(needed "$1"); do
    line=$("$work/bin/libraries" "$name" 2>&1) || true
    # cuDNN's version is in a part of it, without which it aborts.
    [[ $line == "$name"$'\t'* ]] || line=$name$'\t-\t'"$name aborts: ${line//[[:cntrl:]]/ }"
    printf '%s\n' "$line"
  done
}
missing() { libraries "$1" | awk -F'\t' '$2 == "-" { print $1 }'; }
# Why those do not load that are there.
reasons() {
  libraries library | awk -F'\t' '$2 == "-" && index($3, $1 ": cannot open") != 1 {
    printf "%s; ", $3 }'
}

# NVIDIA's libraries stand where the loader does not look: beside the driver, in the
# toolkit, in Python's packages.
find_libraries() {
  local folder name
  for folder in /usr/local/nvidia/lib64 /usr/local/cuda/lib64 /usr/local/cuda-*/lib64; do
    [ ! -d "$folder" ] || look_in "$folder"
  done
  for name in $(missing driver) $(missing library); do
    [[ " $(missing driver) $(missing library) " == *"$name"* ]] || continue # by now
    folder=$(timeout 20 find "${SEARCH:-/}" \( -path /proc -o -path /sys -o \
      -path '*/stubs' -o -path '*/compat' \) -prune -o -name "$name" -printf '%h' -quit \
      2>/dev/null) || true
    [ -z "$folder" ] || look_in "$folder"
  done
}
look_in() { export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$1; }
check_machine() {
  local has names
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "this kit is for Linux on x86-64" "uname: $(uname -sm)" "run it on such a machine"
  has=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "glibc 0")
  [ "$(printf '%s\n' "$(needed glibc)" "${has#glibc }" | sort -V | head -n 1)" = \
    "$(needed glibc)" ] ||
    fail "the C library is too old" "$has; this kit needs $(needed glibc)" \
      "run it on a newer system, or make the kit on one as old as this"
  find_libraries
  names=$(missing driver)
  [ -z "$names" ] || fail "no NVIDIA driver" "no $names: $searched" \
    "run it on a machine with an NVIDIA GPU and its driver"
  names=$(missing library | paste -sd' ')
  [ -z "$names" ] || fail "libraries of NVIDIA's that Caffe needs are missing: $names" \
    "$(reasons)$searched" "install CUDA's libraries and cuDNN in the versions that these names end with (Python's packages nvidia-cublas, nvidia-curand and nvidia-cudnn-cu13 hold them too), and name their folders in LD_LIBRARY_PATH"
}
searched="LD_LIBRARY_PATH, the loader's folders, /usr/local/cuda* and all others"

machine() { # lines for object()
  local query=name,driver_version,memory.total,power.limit,clocks.max.sm,clocks.max.mem
  local names="gpu driver gpu_memory gpu_power_limit gpu_clock gpu_memory_clock"
  local smi=nvidia-smi gpu=''
  command -v $smi >/dev/null || smi=/usr/local/nvidia/bin/nvidia-smi
  gpu=$(timeout 20 $smi --id=0 --query-gpu=$query --format=csv,noheader 2>/dev/null) || true
  awk -F', ' -v names="$names" '{ for (i = 1; i <= split(names, name, " "); i++)
    print name[i] "\t" $i }' <<<"$gpu"
  printf 'processor\t%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
  printf 'cores\t%s\n' "$(nproc)"
  printf 'memory_kb\t%s\n' "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)"
  printf 'system\t%s\n' "$(sed -n 's/^PRETTY_NAME="*\([^"]*\)"*$/\1/p' /etc/os-release)"
  printf 'kernel\t%s\n' "$(uname -r)"
}

# --- The steps; each is a process of its own, and says what it found by result()

caffe() { "$work/bin/caffe" "$@" --gpu 0; }

step_device() { caffe device_query; }

# The instances of typed tests that compute on the GPU, and tests that say so.
gpu_tests() {
  "$work/bin/drdl_test" --gtest_list_tests | awk '
    /^[^ ]/ { suite = $1; whole = /GPU/; if (whole) print suite "*" }
    /^ / && !whole && /GPU/ { print suite $1 }' | paste -sd:
}
run_tests() { # tests to leave out; and a command before
  local filter
  filter=$(gpu_tests)
  [ -n "$filter" ] || fail "no test of the GPU" "drdl_test --gtest_list_tests" \
    "mend gpu_tests in run.sh"
  "${@:2}" "$work/bin/drdl_test" --gtest_brief=1 --gtest_filter="$filter-$1" 2>&1 |
    tee "$work/tests"
}
count_tests() {
  result passed "$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?.*/\1/p' "$work/tests" | tail -n 1)"
}
step_tests() {
  run_tests ''
  count_tests
}

check() { # a tool of compute-sanitizer
  local folder sanitizer
  for folder in /usr/local/cuda*/bin /usr/local/cuda*/compute-sanitizer /opt/nvidia/*/; do
    PATH+=:$folder
  done
  sanitizer=$(command -v compute-sanitizer) || {
    echo "compute-sanitizer is not here: a part of the CUDA toolkit"
    exit $nothing_here
  }
  # Of a gradient's thousand passes, one shows as much.
  if ! run_tests '*Gradient*:*Exhaustive*:*Flood*:*NeverHidden*' \
    "$sanitizer" --tool "$1" --error-exitcode 1; then
    ! grep -q 'Device not supported' "$work/tests" || exit $nothing_here
    exit 1
  fi
  count_tests
}
step_memcheck() { check memcheck; }
step_racecheck() { check racecheck; }
step_synccheck() { check synccheck; }
step_initcheck() { check initcheck; }

# A net's line of `caffe time`, in milliseconds.
milliseconds() { sed -nE "s/.*$1: ([0-9.e+-]+) ms.*/\1/p" "$work/time" | tail -n 1; }
step_losses() {
  local layer layers
  caffe time --model nets/losses.prototxt --iterations "$timed_iterations" 2>&1 |
    tee "$work/time"
  mapfile -t layers < <(sed -nE 's/^ *name: "(loss_.*|copy_.*)"/\1/p' nets/losses.prototxt)
  for layer in "${layers[@]}"; do
    result "${layer}_forward_ms" "$(milliseconds "$layer"$'\tforward')"
    result "${layer}_backward_ms" "$(milliseconds "$layer"$'\tbackward')"
  done
}
step_time() {
  caffe time --model nets/paper.prototxt --iterations "$timed_iterations" 2>&1 |
    tee "$work/time"
  result forward_ms "$(milliseconds 'Average Forward pass')"
  result backward_ms "$(milliseconds 'Average Backward pass')"
  result forward_backward_ms "$(milliseconds 'Average Forward-Backward')"
}

# A folder to train a net in.
training_folder() { # folder, net, iterations
  mkdir "$1" "$1/snapshots"
  ln -s "$kit/nets" "$kit/train_lmdb" "$1"
  sed "s/^max_iter: .*/max_iter: $3/" "$kit/nets/$2_solver.prototxt" >"$1/solver.prototxt"
}
# Trains in a folder. From an iteration (0: none) or a second of the step on, it is
# asked to stop, which Caffe answers by a snapshot and 128 + SIGTERM.
train() { # folder, iteration, second, Caffe's further options
  local folder=$1 stop=$2 second=$3 log=$1/log.1 process ended=0
  shift 3
  [ ! -e "$log" ] || log=$folder/log.2
  (cd "$folder" && exec "$work/bin/caffe" train --solver solver.prototxt --gpu 0 "$@") \
    >"$log" 2>&1 &
  process=$!
  while kill -0 $process 2>/dev/null; do
    if ((SECONDS >= second || (stop > 0 && $(last "$shown" "$log" || echo 0) >= stop))); then
      kill -TERM $process
      break
    fi
    sleep 0.2
  done
  wait $process || ended=$?
  cat "$log"
  stopped_at=$(last 'stopped early, at iteration ([0-9]+)' "$log") || true
  [ $ended -eq 0 ] || [ -n "$stopped_at" ] || exit $ended
}
# What an extended regular expression finds in the logs of a training.
shown='Iteration ([0-9]+)[ ,].*' loss='Iteration [0-9]+.*, loss = ([-+.0-9a-z]+)'
values() { sed -nE "s/.*$1.*/\1/p" "${@:2}"; }
first() { values "$@" | head -n 1 | grep .; }
last() { values "$@" | tail -n 1 | grep .; }
must_have_stopped() {
  [ -n "$stopped_at" ] || fail "the training ended before it was stopped" "caffe train" \
    "give more iterations"
}
must_have_resumed() { # its first iteration that a log shows
  (($(first "$shown" "$1/log.2" || echo "$first_stop") >= first_stop)) || fail \
    "the training began again, from iteration $(first "$shown" "$1/log.2")" \
    "caffe train --snapshot, of iteration $first_stop" "look for the reason in the log"
}

step_train() {
  local folder=$work/train stopped_at first_stop
  training_folder "$folder" paper "$iterations"
  train "$folder" $((iterations / 2)) $((limit * 2 / 5))
  must_have_stopped
  first_stop=$stopped_at
  train "$folder" 0 $((limit * 4 / 5)) --snapshot "snapshots/paper_iter_$first_stop.solverstate"
  must_have_resumed "$folder"
  result iterations_wanted "$iterations"
  result iterations "${stopped_at:-$iterations}" # fewer, when its time was up
  result stopped_at "$first_stop"
  result iterations_per_second "$(values '\(([0-9.e+-]+) iter\/s' "$folder"/log.* | sort -g |
    awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')" # the median
  result first_loss "$(first "$loss" "$folder/log.1")"
  result last_loss "$(last "$loss" "$folder/log.2")"
}

# The paper's net without dropout, whose numbers a snapshot does not hold, and without
# those of cuDNN's layers that add in any order.
step_exact_resume() {
  local stopped_at first_stop kind same differ=0 until=$((limit * 9 / 10))
  training_folder "$work/straight" exact "$exact_iterations"
  training_folder "$work/resumed" exact "$exact_iterations"
  train "$work/straight" 0 $until
  [ -z "$stopped_at" ] || fail "too slow for $exact_iterations iterations" \
    "$stopped_at in $limit s" "give fewer (EXACT_ITERATIONS), or more time (LIMITS)"
  train "$work/resumed" $((exact_iterations / 2)) $until
  must_have_stopped
  first_stop=$stopped_at
  train "$work/resumed" 0 $until --snapshot "snapshots/exact_iter_$first_stop.solverstate"
  must_have_resumed "$work/resumed"
  [ -z "$stopped_at" ] || fail "too slow for the resumed training" \
    "$stopped_at of $exact_iterations iterations" \
    "give fewer (EXACT_ITERATIONS), or more time (LIMITS)"
  result iterations "$exact_iterations"
  result stopped_at "$first_stop"
  for kind in caffemodel solverstate; do
    same=true
    cmp "$work"/{straight,resumed}/snapshots/exact_iter_"$exact_iterations.$kind" || {
      same=false differ=1
    }
    result "same_$kind" $same
  done
  result loss_straight "$(last "$loss" "$work/straight/log.1")"
  result loss_resumed "$(last "$loss" "$work/resumed/log.2")"
  exit $differ
}

# --- One step, in the process that run_step starts
if [ "${1:-}" = --step ]; then
  cd "$work"
  "step_$2"
  exit
fi

# --- All of them
results=${1:-results}
if [ $# -gt 1 ] || [[ $results == -* ]]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
mkdir -p "$results"
results=$(cd "$results" && pwd)
[ ! -e "$results/results.json" ] || fail "there are results already" \
  "$results/results.json" "name another folder: ./run.sh RESULTS"
work=$(mktemp -d -t gpu_kit.XXXXXX)
running=''
# shellcheck disable=SC2317  # by the trap
clean_up() {
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tar -xzf "$kit/programs.tar.gz" -C "$work"
ln -s "$kit/nets" "$kit/train_lmdb" "$work"
export work OPENBLAS_NUM_THREADS=1 GLOG_logtostderr=1 GLOG_minloglevel=0
check_machine

told=() passed=true began=$(date -u +%Y-%m-%dT%H:%M:%SZ)
write_results() { # whether all passed; null while some are to come
  local step between=''
  {
    printf '{"schema": "drdl.gpu_kit/1",\n"kit": %s,\n' "$(cat "$kit/kit.json")"
    printf '"machine": %s,\n' "$machine"
    printf '"libraries": %s,\n' "$loaded"
    printf '"began": "%s", "seconds": %s,\n' "$began" "$SECONDS"
    printf '"passed": %s,\n"steps": [' "$1"
    for step in "${told[@]}"; do
      printf '%s\n%s' "$between" "$step"
      between=,
    done
    printf ']}\n'
  } >"$results/results.json.partial"
}
run_step() { # name
  local limit=${limits[$1]} start=${EPOCHREALTIME/./} code=0 outcome reason=null seconds
  : >"$work/results"
  export limit
  timeout --kill-after=15 "$limit" \
    "$BASH" "$kit/run.sh" --step "$1" >"$work/log" 2>&1 </dev/null &
  running=$!
  wait $running || code=$?
  running=''
  seconds=$(((${EPOCHREALTIME/./} - start) / 1000))
  case $code in
    0) outcome=passed ;;
    "$nothing_here") outcome=skipped ;;
    124 | 137) ((seconds < limit * 1000)) && outcome=failed || outcome="timed out" ;;
    *) outcome=failed ;;
  esac
  seconds=$(printf '%d.%03d' $((seconds / 1000)) $((seconds % 1000)))
  [ "$outcome" = passed ] || reason=$(awk NF "$work/log" | tail -n 3 | paste -sd'|')
  [[ "$outcome" == passed || $outcome == skipped ]] || passed=false
  told+=("$(printf '{"name": "%s", "outcome": "%s", "exit_code": %s, "seconds": %s, "limit": %s, "reason": %s,\n "results": %s}' \
    "$1" "$outcome" "$code" "$seconds" "$limit" "$(json "$reason")" "$(object <"$work/results")")")
  printf '%-13s %s in %s s\n' "$1" "$outcome" "$seconds"
  {
    printf '== %s: %s in %s s\n' "$1" "$outcome" "$seconds"
    cat "$work/log"
  } >>"$results/log.txt"
  # Weights of 700 MB each.
  find "$work" -mindepth 1 -maxdepth 1 \( -name train -o -name straight -o -name resumed \) \
    -exec rm -rf {} +
}
machine=$(machine | object)
loaded=$({ libraries driver; libraries library; } | awk -F'\t' '{ print $1 "\t" $2 " " $3 }' | object)
: >"$results/log.txt"
for step in "${steps[@]}"; do
  run_step "$step"
  write_results null
done
write_results $passed
mv "$results/results.json.partial" "$results/results.json"
echo "written: $results/results.json, $results/log.txt"
$passed
