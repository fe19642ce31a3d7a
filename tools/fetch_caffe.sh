#!/usr/bin/env bash
# Prints the CMake options that name the Caffe source, one a line. The pinned
# tarball is downloaded if need be: the upstream part of Debian's source package
# `caffe`, release bullseye, through apt's ordinary client. The system's own
# package lists stay untouched.
#
# CAFFE_SOURCE_DIR=FOLDER      use this checkout of BVLC Caffe instead
# CAFFE_SOURCE_TARBALL=FILE    verify this file and use it instead
set -euo pipefail

name=caffe_1.0.0+git20180821.99bd997.orig.tar.gz
sha256=e0eb3f06794f7402c77b7dec8e8480273ee1a1bb192e9122b621a69d4147ad0c
cache=${XDG_CACHE_HOME:-$HOME/.cache}/drdl-caffe
file=$cache/$name

matches() { echo "$sha256  $1" | sha256sum --check --status 2>/dev/null; }
fail() {
  printf 'error: %s\n  where: %s\n  next: %s\n' "$1" "$2" \
    "get $name (Debian source package caffe, bullseye) elsewhere and set CAFFE_SOURCE_TARBALL=FILE, or CAFFE_SOURCE_DIR= to a BVLC Caffe checkout" >&2
  exit 1
}

if [ -n "${CAFFE_SOURCE_DIR:-}" ]; then
  [ -e "$CAFFE_SOURCE_DIR/src/caffe/proto/caffe.proto" ] ||
    fail "no Caffe source" "CAFFE_SOURCE_DIR=$CAFFE_SOURCE_DIR"
  echo "-DCAFFE_SOURCE_DIR=$(realpath "$CAFFE_SOURCE_DIR")"
  exit
fi
use_tarball() { printf '%s\n' "-DCAFFE_SOURCE_TARBALL=$1" -DCAFFE_SOURCE_DIR=; }
if [ -n "${CAFFE_SOURCE_TARBALL:-}" ]; then
  [ -f "$CAFFE_SOURCE_TARBALL" ] ||
    fail "no such file" "CAFFE_SOURCE_TARBALL=$CAFFE_SOURCE_TARBALL"
  matches "$CAFFE_SOURCE_TARBALL" || fail "not the pinned Caffe source" \
    "CAFFE_SOURCE_TARBALL=$CAFFE_SOURCE_TARBALL; its sha256 is not $sha256"
  use_tarball "$(realpath "$CAFFE_SOURCE_TARBALL")"
  exit
fi

if ! matches "$file"; then
  echo "setup: downloading the Caffe source" >&2
  mkdir -p "$cache"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # The mirror is the one that this machine's apt already uses for Debian.
  mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
    'Created-By: Packages' |
    awk '$1 ~ /^(bookworm|stable)$/ && $2 == "main" && !n++ { print $3 }')
  [ -n "$mirror" ] || fail "apt knows no Debian mirror" \
    "apt-get indextargets names no bookworm main"
  mkdir -p "$work/lists/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" \
    >"$work/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$work/sources.list"
    -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache::srcpkgcache=" -o "Dir::Cache::pkgcache="
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
  (
    cd "$work"
    apt-get "${options[@]}" update
    apt-get "${options[@]}" source --download-only caffe
  ) >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "cannot download the Caffe source" "apt-get source caffe, bullseye"
  }
  matches "$work/$name" || fail "the download is not the pinned Caffe source" \
    "sha256 of $name: $(sha256sum <"$work/$name" 2>&1)"
  mv "$work/$name" "$file.partial"
  mv "$file.partial" "$file"
fi
use_tarball "$file"
