#!/bin/sh
# What the library exports is exactly the committed list. Usage: exports.sh LIBRARY LIST
exported=$(mktemp)
trap 'rm -f "$exported"' EXIT
nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | grep -v '^WEIR_' | LC_ALL=C sort -u >"$exported"
LC_ALL=C sort -u "$2" | diff - "$exported" && echo "exports: as listed"
