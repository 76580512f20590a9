#!/bin/sh
# Lays the sources of Debian's source packages into the subprojects/ of a copy of the tree, where
# the wraps would put what they download. Usage: debian_sources.sh COPY DOWNLOADS
# Nothing of the system is changed: apt works with a source list and folders of its own, which are
# in DOWNLOADS. Ends with 77, and says why, where the sources cannot be had.
set -eu

copy=$(cd "$1" && pwd)
mkdir -p "$2"
downloads=$(cd "$2" && pwd)

say() { printf '%s\n' "wraps: $*" >&2; }
cannot() { say "Debian's sources cannot be had: $*"; exit 77; }

command -v apt-get >/dev/null || cannot "there is no apt-get"
. /etc/os-release
[ "${ID:-}" = debian ] || cannot "this is not Debian"

# The mirror is the one this machine uses.
mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' \
  'Created-By: Packages' | sed -n "s/^$VERSION_CODENAME //p" | head -n 1)
[ -n "$mirror" ] || cannot "no mirror of $VERSION_CODENAME is configured"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] && signed="[signed-by=$keyring]" || signed=

# One of the releases has to have these: those of the first are nearest to what the wraps name.
boost_of() {
  case $1 in
    trixie) echo boost1.83 ;;
    *) apt-cache show libboost-context-dev 2>/dev/null |
         sed -n 's/^Depends:.*libboost-context\([0-9.]*\)-dev.*/boost\1/p' | head -n 1 ;;
  esac
}

fetch() {
  release=$1
  state=$downloads/$release
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/sources"
  printf 'deb-src %s %s %s main\n' "$signed" "$mirror" "$release" >"$state/sources.list"
  apt="apt-get -qq -o Dir::Etc::sourcelist=$state/sources.list -o Dir::Etc::sourceparts=-
    -o Dir::State::lists=$state/lists -o Dir::Cache=$state/cache -o APT::Sandbox::User=root
    -o Acquire::Retries=2"
  # shellcheck disable=SC2086
  (
    cd "$state/sources"
    [ ! -f complete ] || exit 0
    $apt update && $apt source --download-only libuv1 catch2 spdlog fmtlib "$(boost_of "$release")" &&
      : >complete
  ) >"$state/log" 2>&1 </dev/null
}

for release in trixie "$VERSION_CODENAME"; do
  if fetch "$release"; then
    break
  fi
  cat "$downloads/$release/log" >&2
  release=
done
[ -n "$release" ] || cannot "see above"
cd "$downloads/$release/sources"
say "sources of Debian's $release: $(echo *.dsc)"

# unpack PACKAGE FOLDER [MEMBERS]: what is in its tarball, below subprojects/FOLDER.
unpack() {
  package=$1
  target=$copy/subprojects/$2
  shift 2
  mkdir -p "$target"
  tar -C "$target" --strip-components=1 -xf "$(ls "$package"_*.orig.tar.*)" "$@"
}

# The folder that a wrap names.
folder() { sed -n 's/^directory *= *//p' "$copy/subprojects/$1.wrap"; }
files() { cp -R "$copy/subprojects/packagefiles/$1/." "$copy/subprojects/$2/"; }

unpack libuv1 "$(folder libuv)"
files libuv "$(folder libuv)"

# Debian takes fmt out of spdlog: it is put back from where Debian has it.
unpack spdlog "$(folder spdlog)"
files spdlog "$(folder spdlog)"
unpack fmtlib fmt
bundled=$copy/subprojects/$(folder spdlog)/include/spdlog/fmt/bundled
mkdir -p "$bundled"
cp "$copy"/subprojects/fmt/include/fmt/*.h "$bundled/"
rm -rf "$copy/subprojects/fmt"

unpack "$(boost_of "$release")" boost --wildcards '*/libs/context/src/asm/*'
mkdir -p "$copy/subprojects/$(folder boost-context)"
mv "$copy/subprojects/boost/libs/context/src" "$copy/subprojects/$(folder boost-context)/src"
rm -rf "$copy/subprojects/boost"
files boost-context "$(folder boost-context)"

unpack catch2 "$(folder catch2)"
catch=$copy/subprojects/$(folder catch2)
if [ ! -f "$catch/meson.build" ]; then  # version 2: a header
  cat >"$catch/meson.build" <<'END_OF_BUILD'
project('catch2', 'cpp', version: '2.13.10')
catch2_dep = declare_dependency(include_directories: include_directories('single_include'))
END_OF_BUILD
fi
