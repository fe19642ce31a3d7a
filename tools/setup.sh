#!/usr/bin/env bash
# Builds everything: system packages, .venv, the Caffe source, Caffe with our
# layers, pycaffe. Run it again at any time; what is done is not done twice.
#
#   tools/setup.sh             with CUDA if there are nvcc and a GPU, else without
#   tools/setup.sh cpu|cuda    as it says (.venv holds one of the two at a time)
#   tools/setup.sh packages    the system packages only
#
# CAFFE_SOURCE_TARBALL=FILE    use this tarball, do not download
# CAFFE_SOURCE_DIR=FOLDER      use this checkout of BVLC Caffe
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {  # what, where, next, exit code
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}

preset=${1:-}
if [ -z "$preset" ]; then
  preset=cpu
  if command -v nvcc >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
    preset=cuda
  fi
fi
case "$preset" in
  cpu | cuda | packages) ;;
  *) fail "unknown preset" "$preset" "give cpu, cuda or packages" 2 ;;
esac
if [ "$preset" = cuda ] && ! command -v nvcc >/dev/null; then
  fail "no CUDA compiler" "nvcc is not on PATH" \
    "install the CUDA toolkit, or build with: tools/setup.sh cpu"
fi

# --- 1. System packages
packages=(
  ca-certificates ccache cmake g++ libboost-filesystem-dev libboost-python-dev
  libboost-system-dev libboost-thread-dev libgflags-dev libgoogle-glog-dev
  libgtest-dev libhdf5-dev libjpeg-dev libleveldb-dev liblmdb-dev libopenblas-dev
  libopencv-core-dev libopencv-imgcodecs-dev libopencv-imgproc-dev
  libprotobuf-dev libsnappy-dev ninja-build patch protobuf-compiler python3-dev
  python3-venv zlib1g-dev
)
missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "system packages are missing" \
      "${missing[*]}" "run as root: apt-get install ${missing[*]}"
    as_root=(sudo -n)
  fi
  echo "setup: installing ${#missing[@]} system packages"
  {
    "${as_root[@]}" apt-get update -qq &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >/dev/null
  } || fail "system packages could not be installed" "${missing[*]}" \
    "read what apt-get says above; is there a network?"
fi
[ "$preset" != packages ] || exit 0

# --- 2. Python: Debian's own, which its Boost.Python is built for
wanted=$(cat pyproject.toml constraints.txt | sha256sum)
if [ "$(cat .venv/setup.stamp 2>/dev/null)" != "$wanted" ]; then
  echo "setup: installing Python packages into .venv"
  pip=(.venv/bin/pip install --quiet --disable-pip-version-check
    --constraint constraints.txt)
  {
    /usr/bin/python3 -P -m venv .venv &&
      "${pip[@]}" hatchling editables &&
      "${pip[@]}" --no-build-isolation --editable \
        '.[caffe,cluster,docs,export,milvus,search,test]'
  } || fail "Python packages could not be installed" "$PWD/.venv" \
    "read what pip says above; is there a network, or an index (PIP_INDEX_URL)?"
  printf '%s\n' "$wanted" >.venv/setup.stamp
fi

# --- 3. The Caffe source
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"

# --- 4. Build and install into .venv
# Another clone of this repository finds what this one compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
mkdir -p build
log=build/$preset.log
started=$SECONDS
echo "setup: building (preset $preset, log in $log)"
{
  cmake --preset "$preset" "${source_options[@]}" &&
    cmake --build --preset "$preset" &&
    cmake --install "build/$preset"
} >"$log" 2>&1 || {
  tail -n 30 "$log" >&2
  fail "the build failed" "$log" "read the lines above"
}
echo "$preset" >.venv/preset
echo "setup: built and installed in $((SECONDS - started)) s"
echo "setup: done; activate with: source .venv/bin/activate"
