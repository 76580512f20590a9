#!/bin/sh
# Copies the files of the tree as they are now, without build folders or anything else that Git
# ignores. Usage: copy_tree.sh TREE COPY; COPY is made.
set -eu
mkdir -p "$2"
copy=$(cd "$2" && pwd)
cd "$1"

names() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
  else
    find . \( -path './build*' -o -path './subprojects/*/*' \) -prune -o -type f -print
    find ./subprojects/packagefiles -type f
  fi
}

names | while IFS= read -r name; do
  [ ! -f "$name" ] || printf '%s\n' "$name"
done | tar -cf - -T - | tar -xf - -C "$copy"
