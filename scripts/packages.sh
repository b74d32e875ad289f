# Sourced by the other scripts: which Debian packages are needed, and installing those that are missing.
# shellcheck shell=sh

# To build the library and the program.
PACKAGES_BUILD="gcc g++ libc6-dev cmake ninja-build pkg-config libuv1-dev libssl-dev libjansson-dev libnghttp2-dev
libprotobuf-c-dev protobuf-c-compiler libexpat1-dev zlib1g-dev libcurl4-openssl-dev libwslay-dev
libsqlite3-dev ca-certificates"
# To run the tests: make for one consumer, python3 for the checks of the house, groff and fish for pages and completion.
PACKAGES_TEST="libcmocka-dev make python3 groff-base fish"
# For make check.
PACKAGES_CHECK="clang clang-format clang-tidy cppcheck doxygen groff-base"
# For make fuzz and make soak.
PACKAGES_FUZZ="clang libclang-rt-dev"
# For make bench: what reads the gateway's proto for the peers, and the C++ API over gRPC C-core.
PACKAGES_BENCH_PROTOC="protobuf-compiler protobuf-compiler-grpc"
PACKAGES_BENCH_CORE="libgrpc++-dev libprotobuf-dev pkg-config g++"
# For make peers, beside Java, Maven, Node, Go and what the registries hold.
PACKAGES_PEERS="nginx-light openssl python3-venv redis-server"

# need_packages NAME... installs what dpkg does not know as installed.
need_packages() {
    command -v dpkg-query >/dev/null || return 0 # another system: its own compiler says what is missing
    missing=
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "weir: missing packages; as root: apt-get install -y$missing" >&2
        return 1
    fi
    echo "weir: installing$missing" >&2
    # shellcheck disable=SC2086 # a list of words
    install_packages $missing
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

# With the lists as they are; if that fails (a fresh system has none), with new ones.
install_packages() {
    log=$(mktemp) || return 1
    apt_install "$@" >"$log" 2>&1 || { $as_root apt-get update -q && apt_install "$@"; } >"$log" 2>&1 || {
        tail -20 "$log" >&2
        rm -f "$log"
        echo "weir: apt-get could not install: $*" >&2
        return 1
    }
    rm -f "$log"
}

# build PRESET: configures and builds; quiet unless it fails.
build() {
    log=$(mktemp) || return 1
    { cmake --preset "$1" && cmake --build --preset "$1"; } >"$log" 2>&1 || {
        cat "$log" >&2
        rm -f "$log"
        echo "weir: the build of preset $1 failed (above)" >&2
        return 1
    }
    rm -f "$log"
}
