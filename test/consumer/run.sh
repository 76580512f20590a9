#!/bin/sh
# Uses structio as its users do: as a subproject of Meson, from an installed prefix by pkg-config
# (shared and static), and loaded by dlopen. Usage: run.sh RELEASE_BUILD WORK_FOLDER [brief]; the
# first is a build folder of the library, which is installed from there, the second is made anew;
# brief leaves out the subproject, which builds the library twice more.
set -eu

source_root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
rm -rf "$2"
mkdir -p "$2"
work=$(cd "$2" && pwd)
here=$source_root/test/consumer
cc=${CC:-cc}
cxx=${CXX:-c++}
warnings="-Wall -Wextra -Wpedantic -Werror"
[ "$(uname)" = Darwin ] && ending=dylib || ending=so

say() { printf '%s\n' "consumer: $*"; }

say "from a prefix, shared"
DESTDIR=$work/installed meson install -C "$build" --no-rebuild --quiet
pc=$(find "$work/installed" -name structio.pc)
library=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$(dirname "$pc")"
export LD_LIBRARY_PATH="$library" DYLD_LIBRARY_PATH="$library"
flags() { pkg-config "$@" structio; }
cd "$work"
# shellcheck disable=SC2046,SC2086
{
  $cc -std=c99 $warnings $(flags --cflags) "$here/program.c" $(flags --libs) -o shared-c
  $cxx -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" $(flags --libs) -o shared-cpp
}
./shared-c
./shared-cpp

if [ -z "${CXX:-}" ] && command -v clang++ >/dev/null; then
  say "another compiler than the library's"
  # shellcheck disable=SC2046,SC2086
  clang++ -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" $(flags --libs) -o clang-cpp
  ./clang-cpp
fi

say "loaded late"
# shellcheck disable=SC2086
$cc -std=c99 $warnings "$here/late.c" -ldl -o late
./late "$library/libstructio.$ending"

say "from a prefix, static"
rm -f "$library"/libstructio*."$ending"*
# shellcheck disable=SC2046,SC2086
{
  $cc -std=c99 $warnings $(flags --cflags) "$here/program.c" $(flags --static --libs) -o static-c
  $cxx -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" $(flags --static --libs) \
    -o static-cpp
}
./static-c
./static-cpp

[ "${3:-}" != brief ] || exit 0
say "as a subproject"
unset PKG_CONFIG_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH  # the one just installed is not meant
unset PKG_CONFIG_PATH  # not the one that has just been installed
mkdir -p project/subprojects
cp "$here/meson/meson.build" "$here/program.c" "$here/program.cpp" project/
ln -s "$source_root" project/subprojects/structio
meson setup project/build project --buildtype=debug --force-fallback-for=structio >setup.log 2>&1 || {
  cat setup.log
  exit 1
}
meson compile -C project/build >compile.log 2>&1 || {
  cat compile.log
  exit 1
}
meson test -C project/build --no-rebuild --print-errorlogs consumer: </dev/null
