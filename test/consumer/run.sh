#!/bin/sh
# Uses structio as its users do, from an installed prefix in a folder of its own, which lies
# elsewhere than it was configured for: through pkg-config, Meson, CMake, dlopen; and, unless brief,
# as a subproject from a wrap, from a program on libc++, with a library that brings its own C++
# runtime, as two copies in one process, from C on musl.
# Usage: run.sh RELEASE_BUILD WORK_FOLDER [brief]; the first is a build folder of the library, which
# is installed from there, the second is made anew.
set -eu

source_root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
rm -rf "$2"
mkdir -p "$2"
work=$(cd "$2" && pwd)
here=$work/consumer
cc=${CC:-cc}
cxx=${CXX:-c++}
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
[ "$(uname)" = Darwin ] && ending=dylib || ending=so
own_sonames=$([ "$(uname)" = Linux ] && echo yes || echo no)

have() { command -v "$1" >/dev/null 2>&1; }
began=$(date +%s)
step() {
  now=$(date +%s)
  printf '%s\n' "consumer: $* (after $((now - began)) s)"
}
skip() { printf '%s\n' "consumer: skipped: $*"; }
quietly() {
  "$@" >"$work/log" 2>&1 </dev/null || {
    cat "$work/log"
    printf '%s\n' "consumer: failed: $*"
    exit 1
  }
}
flags() { pkg-config "$@" structio; }

install_it() {
  step "what is installed"
  # The programs are copied, so that nothing is found beside them in the tree.
  cp -R "$source_root/test/consumer" "$here"
  quietly meson install -C "$build" --no-rebuild --destdir "$work/destdir"
  pc=$(find "$work/destdir" -name structio.pc)
  library_at_first=$(dirname "$(dirname "$pc")")
  python3 "$here/installed.py" "$source_root" "$work/destdir" "$library_at_first"
  # Moved away, without what came before the prefix.
  prefix=$work/moved
  mv "$(dirname "$(find "$work/destdir" -type d -name include)")" "$prefix"
  rm -rf "$work/destdir"
  pc=$(find "$prefix" -name structio.pc)
  library=$(dirname "$(dirname "$pc")")
  PKG_CONFIG_PATH=$(dirname "$pc")
  LD_LIBRARY_PATH=$library
  DYLD_LIBRARY_PATH=$library
  export PKG_CONFIG_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH
}

with_pkg_config() {
  step "pkg-config"
  # shellcheck disable=SC2046,SC2086
  {
    $cc -std=c99 $warnings $(flags --cflags) "$here/program.c" $(flags --libs) -o shared-c
    $cxx -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" $(flags --libs) -o shared-cpp
  }
  ./shared-c
  ./shared-cpp
  step "pkg-config --static"
  # The archive is all there is, in a folder of its own.
  archive=$(archive_only)
  # shellcheck disable=SC2046,SC2086
  {
    $cc -std=c99 $warnings $(flags --cflags) "$here/program.c" "-L$archive" \
      $(flags --static --libs) -o static-c
    $cxx -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" "-L$archive" \
      $(flags --static --libs) -o static-cpp
  }
  is_static ./static-c
  ./static-c
  is_static ./static-cpp
  ./static-cpp
}

# A folder with the archive alone: a linker that looks there first takes no shared library.
archive_only() {
  mkdir -p "$work/archive"
  cp "$library/libstructio.a" "$work/archive/"
  echo "$work/archive"
}

is_static() {
  [ -x "$1" ] || { echo "consumer: there is no $1"; exit 1; }
  if (ldd "$1" || otool -L "$1") 2>/dev/null | grep -q libstructio; then
    echo "consumer: $1 is linked to the shared library"
    exit 1
  fi
}

with_meson() {
  step "Meson, installed"
  mkdir -p meson-installed
  cp "$here/meson/meson.build" "$here"/program.* meson-installed/
  for kind in false true; do
    quietly meson setup "meson-installed/static-$kind" meson-installed --wrap-mode=nofallback \
      -Dbuildtype=plain -Dprefer_static=$kind
    quietly meson compile -C "meson-installed/static-$kind"
    quietly meson test -C "meson-installed/static-$kind" --no-rebuild --print-errorlogs
  done
  is_static meson-installed/static-true/consumer-c
}

with_cmake() {
  have cmake || { skip "CMake, which is not here"; return; }
  step "CMake, installed"
  mkdir -p cmake-installed
  cp "$here/cmake/CMakeLists.txt" "$here"/program.* cmake-installed/
  unset LD_LIBRARY_PATH DYLD_LIBRARY_PATH  # CMake's programs know where the library is
  for only_c in 0 1; do
    quietly cmake -S cmake-installed -B "cmake-installed/$only_c" -G Ninja \
      "-DCMAKE_PREFIX_PATH=$prefix" "-DKINDS=shared;static" -DONLY_C=$only_c
    quietly cmake --build "cmake-installed/$only_c"
    (cd "cmake-installed/$only_c" && quietly ctest --output-on-failure)
  done
  is_static cmake-installed/0/static_CXX
  export LD_LIBRARY_PATH=$library DYLD_LIBRARY_PATH=$library
}

with_dlopen() {
  step "dlopen"
  # shellcheck disable=SC2046,SC2086
  $cc -std=c99 $warnings $(flags --cflags) "$here/late.c" -ldl -o late
  env -u LD_LIBRARY_PATH -u DYLD_LIBRARY_PATH ./late "$library/libstructio.$ending"
}

with_another_compiler() {
  if [ -n "${CXX:-}" ] || ! have clang++; then skip "another compiler"; return; fi
  step "another compiler than the library's"
  # shellcheck disable=SC2046,SC2086
  clang++ -std=c++20 $warnings $(flags --cflags) "$here/program.cpp" $(flags --libs) -o clang-cpp
  ./clang-cpp
}

with_libcxx() {
  echo '#include <vector>' >libcxx.cpp
  if ! have clang++ || ! clang++ -stdlib=libc++ -fsyntax-only libcxx.cpp 2>/dev/null; then
    skip "a program on libc++, which is not here"
    return
  fi
  step "a program on libc++, a library on libstdc++"
  for name in program exceptions; do
    # shellcheck disable=SC2046,SC2086
    clang++ -stdlib=libc++ -std=c++20 $warnings $(flags --cflags) "$here/$name.cpp" \
      $(flags --libs) -o "libcxx-$name"
    "./libcxx-$name"
  done
}

# relink NAME FLAGS...: the library from its archive under another soname.
relink() {
  name=$1
  shift
  # shellcheck disable=SC2046,SC2086
  $cxx -shared -o "$name" "-Wl,-soname,$name" -Wl,--whole-archive "$library/libstructio.a" \
    -Wl,--no-whole-archive "-Wl,--version-script=$source_root/capi/structio.map" -Wl,-Bsymbolic \
    -Wl,-z,nodelete -Wl,-z,defs "$@" $(flags --static --libs-only-other) \
    $(flags --static --libs-only-l | sed 's/-lstructio\b//g; s/-lstdc++//g')
}

with_own_runtime() {
  [ "$own_sonames" = yes ] || { skip "a library with its own C++ runtime: for ELF only"; return; }
  step "a library with its own, hidden C++ runtime"
  relink libstructio-own.so -static-libstdc++ -static-libgcc \
    -Wl,--exclude-libs,libstdc++.a:libgcc.a:libgcc_eh.a
  if readelf -d libstructio-own.so | grep 'NEEDED.*\(stdc++\|gcc_s\)' ||
    nm -D --defined-only libstructio-own.so | grep -v ' structio_\| STRUCTIO_'; then
    echo "consumer: the C++ runtime is not inside, or not hidden"
    exit 1
  fi
  for name in program exceptions; do
    # shellcheck disable=SC2046,SC2086
    $cxx -std=c++20 $warnings $(flags --cflags) "$here/$name.cpp" -o "own-$name" \
      ./libstructio-own.so "-Wl,-rpath,$work"
    "./own-$name"
  done
}

plugin() {
  name=$1
  shift
  # shellcheck disable=SC2046,SC2086
  $cxx -std=c++20 -fPIC -shared -fvisibility=hidden $warnings $(flags --cflags) \
    "$here/plugin.cpp" -o "$name" "$@"
}

with_two_copies() {
  [ "$own_sonames" = yes ] || { skip "two copies in one process: for ELF only"; return; }
  step "two copies in one process"
  relink libstructio-two.so -lstdc++
  # shellcheck disable=SC2046
  plugin plugin-one.so $(flags --libs)
  plugin plugin-two.so ./libstructio-two.so "-Wl,-rpath,$work"
  plugin plugin-own.so ./libstructio-own.so "-Wl,-rpath,$work"
  # shellcheck disable=SC2086
  $cc -std=c99 $warnings "$here/copies.c" -ldl -pthread -o copies
  for other in two own; do
    ./copies ./plugin-one.so ./plugin-$other.so >copies.log || { cat copies.log; exit 1; }
    tail -n 1 copies.log
  done
}

with_musl() {
  have musl-gcc || { skip "C on musl, which is not here"; return; }
  step "C on musl: the header"
  # There is no C++ runtime for musl among Debian's packages, so no library either.
  # shellcheck disable=SC2046,SC2086
  musl-gcc -std=c99 $warnings $(flags --cflags) -c "$here/program.c" -o musl.o
}

with_wrap() {
  step "Meson, as a subproject from a wrap"
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH  # the one just installed is not meant
  mkdir -p wrapped/subprojects/packagecache
  cp "$here/meson/meson.build" "$here"/program.* wrapped/
  sh "$source_root/test/packaging/copy_tree.sh" "$source_root" wrapped/structio
  (cd wrapped && tar -czf subprojects/packagecache/structio.tar.gz structio && rm -rf structio)
  hash=$(python3 -c 'import hashlib, sys
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' \
    wrapped/subprojects/packagecache/structio.tar.gz)
  sed "s/@HASH@/$hash/" "$here/meson/structio.wrap.in" >wrapped/subprojects/structio.wrap
  quietly meson setup wrapped/build wrapped --buildtype=debug --force-fallback-for=structio
  quietly meson compile -C wrapped/build
  quietly meson test -C wrapped/build --no-rebuild --print-errorlogs consumer:
}

cd "$work"
install_it
with_pkg_config
with_meson
with_cmake
with_dlopen
if [ "${3:-}" != brief ]; then
  with_another_compiler
  with_libcxx
  with_own_runtime
  with_two_copies
  with_musl
  with_wrap
fi
step done
