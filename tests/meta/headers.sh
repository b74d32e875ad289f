#!/bin/sh
# Every public header compiles alone, without a warning, as C99, C11 and C++11. Usage: headers.sh SOURCE CC CXX
set -u
cd "$1/include" || exit 1
bad=0
try() { # header command...
    header=$1
    shift
    "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I. -include "$header" /dev/null || {
        echo "$header: not with $*"
        bad=1
    }
}
for header in weir/*.h; do
    try "$header" "$2" -std=c99 -x c
    try "$header" "$2" -std=c11 -x c
    try "$header" "$3" -std=c++11 -x c++
done
exit $bad
