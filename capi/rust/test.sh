#!/bin/sh
# Tests the Rust binding against a library in a build folder; exits with 77, which Meson shows as
# skipped, where there is no fitting cargo. Usage: test.sh test|lint INCLUDE_FOLDER LIBRARY_FOLDER
# WORK_FOLDER. Works on a copy in the last, since cargo writes beside what it builds. $CARGO chooses
# the program.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cargo=${CARGO:-cargo}
skip() {
  printf '%s\n' "skipped: $*"
  exit 77
}

command -v "$cargo" >/dev/null 2>&1 || skip "there is no $cargo"
version=$("$cargo" --version 2>/dev/null | sed 's/^cargo 1\.\([0-9]*\).*/\1/')
case $version in
  '' | *[!0-9]*) skip "$cargo does not work here" ;;
esac
[ "$version" -ge 63 ] || skip "Rust is 1.$version; the binding is written for 1.63 and later"

rm -rf "$4/$1"
mkdir -p "$4/$1"
(cd "$here" && tar cf - Cargo.toml rustfmt.toml README.md build.rs src tests examples) |
  (cd "$4/$1" && tar xf -)
cd "$4/$1"
CARGO_TARGET_DIR=$4/target
STRUCTIO_INCLUDE_DIR=$2
STRUCTIO_LIB_DIR=$3
LD_LIBRARY_PATH=$3${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} # tests in comments get no rpath
export CARGO_TARGET_DIR STRUCTIO_INCLUDE_DIR STRUCTIO_LIB_DIR LD_LIBRARY_PATH

case $1 in
  test)
    "$cargo" test --offline
    "$cargo" run --offline --quiet --example echo
    ;;
  lint)
    "$cargo" fmt --version >/dev/null 2>&1 || skip "there is no rustfmt"
    "$cargo" fmt -- --check
    "$cargo" clippy --version >/dev/null 2>&1 || skip "the format is right; there is no clippy"
    [ "$version" -ge 80 ] || skip "the format is right; clippy 1.$version finds what is not there"
    # What a later clippy warns of is shown and ends nothing.
    "$cargo" clippy --offline --all-targets -- -D clippy::undocumented_unsafe_blocks
    ;;
esac
