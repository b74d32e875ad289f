#!/bin/sh
# No two object files of the program define the same global name: the linker would only notice when both are needed.
# Usage: symbols.sh ARCHIVE...
twice=$(nm -A -g --defined-only "$@" 2>/dev/null | awk '{print $NF}' | sort | uniq -d)
[ -z "$twice" ] && echo "symbols: each is defined once" && exit 0
for name in $twice; do
    echo "$name is defined in:"
    nm -A -g --defined-only "$@" 2>/dev/null | awk -v name="$name" '$NF == name {print "  " $1}'
done
exit 1
