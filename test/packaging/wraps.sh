#!/bin/sh
# Builds a copy of the tree with every dependency as a wrap, runs tests of each layer, and uses what
# it installs. The sources of the wraps are Debian's, where those can be had, else what the wraps
# download. Usage: wraps.sh WORK_FOLDER
# [ARGUMENTS]: the latter go to `meson test`. Downloads are kept in the folder for the next time.
set -eu

source_root=$(cd "$(dirname "$0")/../.." && pwd)
here=$source_root/test/packaging
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift

say() { printf '%s\n' "wraps: $*" >&2; }
quietly() {
  "$@" >"$work/log" 2>&1 </dev/null || {
    cat "$work/log" >&2
    say "failed: $*"
    exit 1
  }
}

rm -rf "$work/tree" "$work/build" "$work/installed"
sh "$here/copy_tree.sh" "$source_root" "$work/tree"
status=0
sh "$here/debian_sources.sh" "$work/tree" "$work/downloads" || status=$?
case $status in
  0) ;;
  77)
    if ! (cd "$work/tree" && meson subprojects download) >"$work/log" 2>&1 </dev/null; then
      cat "$work/log" >&2
      say "skipped: the wraps cannot be downloaded either"
      exit 0
    fi
    ;;
  *) exit $status ;;
esac

# OpenSSL has no wrap: TLS is there when the system has it.
quietly meson setup "$work/build" "$work/tree" --wrap-mode=forcefallback -Doptimization=0 \
  -Dwerror=true -Dbench=disabled --prefix=/usr/local
quietly meson compile -C "$work/build"
meson test -C "$work/build" --no-rebuild --print-errorlogs "$@" </dev/null
