#!/usr/bin/env bash
# Makes a folder to carry to a machine with a GPU (sm_90: H100, H200), which needs no
# package, no network and no compiler there: Caffe with our layers, its C++ tests,
# drawn vehicles, the paper's net, and run.sh, which tests and times it all.
#
#   tools/gpu_kit.sh --output OUTPUT
#   tools/gpu_kit.sh --output OUTPUT --emulated   with the CUDA sources on the CPU and a
#                                                 small net: to try run.sh without a GPU
#
# VEHICLES=130    drawn, with ten images each; the folder may have 60 MB
# JOBS=2          compilers at a time; default: as many as there are processors
# CAFFE_SOURCE_TARBALL=, CAFFE_SOURCE_DIR=    as for tools/setup.sh, which comes first
#
# An interrupted one leaves OUTPUT.partial, which the next replaces. What to do with
# the folder: docs/testing.md.
set -euo pipefail
output=$(realpath -m -- "${2:-.}")
cd "$(dirname "$0")/.."
. tools/common.sh

at_most=$((60 * 1000 * 1000))
if [ $# -eq 2 ] && [ "$1" = --output ]; then
  preset=kit size=256 vehicles=${VEHICLES:-130} mini=()
elif [ $# -eq 3 ] && [ "$1" = --output ] && [ "$3" = --emulated ]; then
  preset=emulated size=72 vehicles=${VEHICLES:-12} mini=(--mini)
else
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
partial=$output.partial
export PATH=$PWD/.venv/bin:$PATH
[ ! -e "$output" ] || fail "it exists" "$output" "delete it, or name another folder"
[ ! -e "$partial" ] || [ -e "$partial/kit.json" ] || fail "this is no kit" "$partial" \
  "move it away, or name another folder"
[ -x .venv/bin/caffe ] || fail "nothing is built" ".venv" "run tools/setup.sh"
[ $preset = emulated ] || command -v nvcc >/dev/null || fail "no CUDA compiler" \
  "nvcc is not on PATH" "install the CUDA toolkit and cuDNN; a GPU is not needed"
step() { printf '\n== %s\n' "$*"; }

step "build (preset $preset, log in build/$preset.log)"
build=$PWD/build/$preset
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
mkdir -p build
{
  cmake --preset $preset "${source_options[@]}" &&
    cmake --build --preset $preset ${JOBS:+-j "$JOBS"} --target caffe_command drdl_test
} >"build/$preset.log" 2>&1 || {
  tail -n 30 "build/$preset.log" >&2
  fail "the build failed" "build/$preset.log" "read the lines above"
}
rm -rf "$partial"
make_folder "$partial"
printf '{"commit": "%s", "preset": "%s", "nvcc": "%s", "vehicles": %s, "pixels": %s}\n' \
  "$(git describe --always --dirty 2>/dev/null)" $preset \
  "$(nvcc --version 2>/dev/null | sed -n 's/.*release.*, V//p')" \
  "$vehicles" $size >"$partial/kit.json"

step "programs, and the libraries that a bare system lacks"
programs=$build/programs
rm -rf "$programs"
mkdir -p "$programs"/{bin,lib}
cp "$build"/{caffe,drdl_test} "$programs/bin"
cp "$build/libcaffe.so" "$programs/lib"
# With those libraries that NVIDIA's need and then find.
cc -O1 -o "$programs/bin/libraries" tools/gpu_kit/libraries.c -Wl,--no-as-needed \
  -lstdc++ -lgcc_s -lz -Wl,--disable-new-dtags "-Wl,-rpath,\$ORIGIN/../lib"
strip --strip-unneeded "$programs"/*/*
# Each library of a program: its name and where it is.
libraries_of() { ldd "$@" | awk '$2 == "=>" { print $1, $3 }' | sort -u; }
symbols() { nm -D "$@" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u; }
read -r gdal gdal_path < <(libraries_of "$build/libcaffe.so" | grep '^libgdal') || true
if [ -n "$gdal" ]; then
  reader=$(libraries_of "$build/libcaffe.so" | awk '/^libopencv_imgcodecs/ { print $2 }')
  mapfile -t names < <(comm -12 <(symbols --undefined-only "$reader") \
    <(symbols --defined-only "$gdal_path"))
  cc -shared -fPIC "-Wl,-soname,$gdal" -DNAMES="$(printf 'F(%s) ' "${names[@]}")" \
    -o "$programs/lib/$gdal" tools/gpu_kit/no_gdal.c
fi
# The C library, and what NVIDIA gives: both are the machine's own.
c_library='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|mvec))\.so'
nvidia='^lib(cuda|cudart|cublas|cublasLt|curand|cudnn|nccl|nvrtc|nvJitLink)\.so'
cuda=$(dirname "$(libraries_of "$build/libcaffe.so" | awk '/^libcudart/ { print $2 }')")
export LD_LIBRARY_PATH=$programs/lib:$cuda
: >"$partial/needed.txt"
[ $preset = emulated ] || echo "driver libcuda.so.1" >>"$partial/needed.txt"
while read -r name path; do
  [ "$path" != not ] || fail "a library is missing" "$name" "run tools/setup.sh packages"
  if [[ $name =~ $nvidia ]]; then
    echo "library $name" >>"$partial/needed.txt"
  elif ! [[ $name =~ $c_library || -e $programs/lib/$name ]]; then
    cp -L "$path" "$programs/lib/$name"
  fi
done < <(libraries_of "$programs"/bin/* "$programs/lib/libcaffe.so")
echo "glibc $(grep -aohE 'GLIBC_2\.[0-9]+' "$programs"/*/* | sort -uV | tail -n 1 |
  sed 's/GLIBC_//')" >>"$partial/needed.txt"
outside=$(libraries_of "$programs"/*/* |
  awk -v own="$programs/" -v others="$c_library|$nvidia" \
    '$1 !~ others && index($2, own) != 1')
unset LD_LIBRARY_PATH
[ -z "$outside" ] || fail "libraries would come from outside the kit" "$outside" \
  "mend tools/gpu_kit.sh"
tar -czf "$partial/programs.tar.gz" -C "$programs" bin lib
cat "$partial/needed.txt"

step "drawn vehicles"
drawn=build/gpu_kit_vehicles/${vehicles}_$size
[ -e "$drawn/train_test_split/train_list.txt" ] ||
  python tools/render_vehicleid.py --output "$drawn" --preset mini --size $size \
    --vehicles "$vehicles" --images 10
python tools/build_lmdb.py "$drawn" --output "$partial/train_lmdb" --split train \
  --size $size
rm -f "$partial/train_lmdb/lock.mdb"

python -P tools/gpu_kit/nets.py "$partial/nets" "${mini[@]}"
cp tools/gpu_kit/run.sh "$partial"

bytes=$(du -sb "$partial" | cut -f1)
[ "$bytes" -le $at_most ] || fail "the kit has $bytes bytes, more than $at_most" \
  "$partial" "give fewer vehicles: VEHICLES="
mv -T "$partial" "$output"
step "$output: $bytes bytes; there: ./run.sh"
