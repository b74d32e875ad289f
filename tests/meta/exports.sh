#!/bin/sh
# The shared library exports nothing that exports.txt does not list. Usage: exports.sh LIBRARY LIST
set -u
found=$(nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort)
extra=$(printf '%s\n' "$found" | LC_ALL=C comm -23 - "$2")
[ -z "$extra" ] || { printf 'exported but not listed in exports.txt:\n%s\n' "$extra"; exit 1; }
