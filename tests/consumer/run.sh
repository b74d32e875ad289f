#!/bin/sh
# Three outside programs are built against an installed tree, each in the way of its build system, and run; then what
# the tree should hold is looked for. Usage: run.sh SOURCE BUILD
set -eu
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >"$work/log"
export CMAKE_GENERATOR=Ninja LD_LIBRARY_PATH="$prefix/lib"
libdir=$(dirname "$(find "$prefix" -name libweir.so)")
export LD_LIBRARY_PATH="$libdir"

attempt() { # NAME COMMAND...: quiet unless it fails
    name=$1
    shift
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log"
        echo "consumer: $name failed"
        exit 1
    }
    echo "ok $name"
}

cp -r "$source/tests/consumer" "$work/consumer"
cd "$work/consumer"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
attempt "pkg-config: build" make -C pkgconfig
attempt "pkg-config: run" pkgconfig/program
attempt "find_package: configure" cmake -S find_package -B fp -DCMAKE_PREFIX_PATH="$prefix"
attempt "find_package: build" cmake --build fp
attempt "find_package: run" fp/program
attempt "find_package: run, static" fp/program_static
attempt "add_subdirectory: configure" cmake -S add_subdirectory -B as -DWEIR_SOURCE="$source"
attempt "add_subdirectory: build" cmake --build as
attempt "add_subdirectory: run" as/program

for file in bin/weir share/man/man1/weir.1 share/man/man1/weir-zeebe-status.1 \
    share/bash-completion/completions/weir share/zsh/site-functions/_weir share/fish/vendor_completions.d/weir.fish; do
    attempt "installed: $file" test -s "$prefix/$file"
done
attempt "weir --version" "$prefix/bin/weir" --version
