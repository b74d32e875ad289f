# Sourced by bench/run: the servers and the other gRPC clients, pinned, each skipped with its reason when it cannot be had.
# shellcheck shell=sh

GRPC_GO=1.85.0 # also in go/go.mod
GRPC_AIO=1.85.0
PEERS=${WEIR_PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-peers}/bench
SERVER=$PEERS/go/server
GATEWAY=$PEERS/go/jobs # for workers
GO_CLIENT=$PEERS/go/client
CORE=$PEERS/core/client
PYTHON=$PEERS/aio-$GRPC_AIO/bin/python
export PYTHONPATH="$PEERS/aio-$GRPC_AIO/gateway"

have() { ! grep -q "^$1:" "$WORK/skipped"; }

# skip_unless NAME COMMAND...: what COMMAND says at its end is the reason.
skip_unless() {
    name=$1
    shift
    "$@" >"$WORK/fetch.log" 2>&1 && return 0
    echo "$name: $(tail -1 "$WORK/fetch.log" | cut -c1-200)" >>"$WORK/skipped"
    echo "bench: $name is skipped: $(tail -3 "$WORK/fetch.log")" >&2
}

# changed FOLDER FILE...: true when FOLDER was not made from these files as they are now; notes them in FOLDER.of.
changed() {
    folder=$1
    shift
    sums=$(cat "$@" | cksum)
    [ ! -d "$folder" ] || [ "$(cat "$folder.of" 2>/dev/null)" != "$sums" ] || return 1
    rm -rf "$folder" && mkdir -p "$folder" && echo "$sums" >"$folder.new"
}

made() { mv "$1.new" "$1.of"; } # FOLDER: it is complete

fetch_clients() {
    skip_unless h2load need_packages nghttp2-client
    skip_unless core make_core
    skip_unless aio make_aio
}

make_go() {
    mkdir -p "$PEERS"
    # shellcheck disable=SC2086 # a list of words
    need_packages $PACKAGES_BENCH_PROTOC || return 1
    command -v go >/dev/null || { echo "the Go toolchain (1.21 or later, which fetches the one it needs) is not installed"; return 1; }
    changed "$PEERS/go" bench/go/go.* bench/go/*/*.go src/zeebe/gateway.proto || return 0
    cp -r bench/go "$PEERS/go/source" && mkdir "$PEERS/go/source/gateway" || return 1
    (
        cd "$PEERS/go/source" &&
            GOBIN=$PEERS/go/bin go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12 &&
            GOBIN=$PEERS/go/bin go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.1
    ) && go_code "$PEERS/go/source/gateway" &&
        (cd "$PEERS/go/source" && go build -o "$PEERS/go" ./server ./client ./jobs) && made "$PEERS/go"
}

go_code() { # FOLDER
    package=weir/bench/gateway
    PATH=$PEERS/go/bin:$PATH protoc -I src/zeebe --go_out="$1" --go_opt=paths=source_relative \
        --go_opt=Mgateway.proto=$package --go-grpc_out="$1" --go-grpc_opt=paths=source_relative \
        --go-grpc_opt=Mgateway.proto=$package gateway.proto
}

make_core() {
    # shellcheck disable=SC2086 # a list of words
    need_packages $PACKAGES_BENCH_PROTOC $PACKAGES_BENCH_CORE || return 1
    changed "$PEERS/core" bench/cpp/client.cc src/zeebe/gateway.proto || return 0
    protoc -I src/zeebe --cpp_out="$PEERS/core" --grpc_out="$PEERS/core" \
        --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" gateway.proto || return 1
    # shellcheck disable=SC2046 # a list of words
    c++ -O2 -std=c++17 -I"$PEERS/core" -o "$CORE" bench/cpp/client.cc "$PEERS/core"/gateway.*cc \
        $(pkg-config --cflags --libs grpc++ protobuf) && made "$PEERS/core"
}

make_aio() {
    need_packages python3-venv || return 1
    folder_aio=$PEERS/aio-$GRPC_AIO
    changed "$folder_aio" src/zeebe/gateway.proto || return 0
    python3 -m venv "$folder_aio" && "$folder_aio/bin/pip" install -q "grpcio==$GRPC_AIO" "grpcio-tools==$GRPC_AIO" &&
        mkdir "$folder_aio/gateway" && "$PYTHON" -m grpc_tools.protoc -I src/zeebe \
        --python_out="$folder_aio/gateway" --grpc_python_out="$folder_aio/gateway" gateway.proto && made "$folder_aio"
}
