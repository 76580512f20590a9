#!/bin/sh
# `meson dist` makes the same archive each time, and the archive is a whole: it builds without Git,
# here with the options that no other check uses, and what it installs can be used.
# Usage: dist.sh WORK_FOLDER, which is made anew.
set -eu

source_root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$1"
mkdir -p "$1"
work=$(cd "$1" && pwd)
cc=${CC:-cc}

say() { printf '%s\n' "dist: $*"; }
quietly() {
  "$@" >"$work/log" 2>&1 </dev/null || {
    cat "$work/log"
    say "failed: $*"
    exit 1
  }
}

if ! git -C "$source_root" rev-parse --git-dir >/dev/null 2>&1; then
  say "skipped: meson dist takes what Git has, and this is no repository"
  exit 0
fi

off="-Dtests=disabled -Dexamples=disabled -Dbench=disabled"
for build in one two; do
  # shellcheck disable=SC2086
  quietly meson setup "$work/$build" "$source_root" $off
  # What is not committed is not in it; that is not what is looked at here.
  quietly meson dist -C "$work/$build" --no-tests --allow-dirty
done
archive=$(cd "$work/one/meson-dist" && echo structio-*.tar.xz)
if ! cmp "$work/one/meson-dist/$archive" "$work/two/meson-dist/$archive"; then
  say "two archives of one commit differ"
  exit 1
fi
say "$(cat "$work/one/meson-dist/$archive.sha256sum")"

mkdir "$work/tree"
tar -xf "$work/one/meson-dist/$archive" -C "$work/tree" --strip-components=1
say "the archive, built as a static library, without TLS, with a compiled spdlog"
# shellcheck disable=SC2086
quietly meson setup "$work/build" "$work/tree" $off -Doptimization=0 -Dwerror=true \
  -Ddefault_library=static -Dtls=disabled -Dspdlog=compiled "--prefix=$work/prefix" --libdir=lib
quietly meson compile -C "$work/build"
quietly meson install -C "$work/build" --no-rebuild

export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
# There is only the archive, so a plain --libs has to name all it needs.
# shellcheck disable=SC2046
$cc -std=c99 $(pkg-config --cflags structio) "$work/tree/test/consumer/program.c" \
  $(pkg-config --libs structio) -o "$work/program"
"$work/program"

command -v cmake >/dev/null || exit 0
mkdir "$work/project"
cp "$work/tree/test/consumer/cmake/CMakeLists.txt" "$work/tree/test/consumer"/program.* \
  "$work/project/"
for kind in static any; do
  quietly cmake -S "$work/project" -B "$work/cmake-$kind" -G Ninja \
    "-DCMAKE_PREFIX_PATH=$work/prefix" -DKINDS=$kind
  quietly cmake --build "$work/cmake-$kind"
  (cd "$work/cmake-$kind" && quietly ctest --output-on-failure)
done
if cmake -S "$work/project" -B "$work/cmake-shared" -G Ninja "-DCMAKE_PREFIX_PATH=$work/prefix" \
  -DKINDS=shared >"$work/log" 2>&1; then
  say "CMake finds a shared library that is not there"
  exit 1
fi
