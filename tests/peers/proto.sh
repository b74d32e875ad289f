#!/bin/sh
# Compares src/zeebe/gateway.proto, message by message, with the one that the gateway itself is built from.
# Usage: proto.sh [SOURCE_FOLDER]. The artifact is fetched by Maven into the cache, never into the repository.
# Exit status: 0 equal but for what is newer here, 1 faults, 77 the artifact is not to be had.
set -eu
version=8.8.21
source=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
cache=${WEIR_PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-peers}/gateway-protocol-$version
jar=$cache/zeebe-gateway-protocol-impl-$version.jar
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ ! -f "$jar" ]; then
    mkdir -p "$cache"
    if ! mvn -q -B dependency:copy -Dartifact=io.camunda:zeebe-gateway-protocol-impl:$version:jar \
        -DoutputDirectory="$cache" >"$scratch/mvn.log" 2>&1; then
        tail -3 "$scratch/mvn.log"
        echo "proto: SKIPPED: io.camunda:zeebe-gateway-protocol-impl:$version cannot be fetched"
        exit 77
    fi
fi
mkdir "$scratch/theirs"
(cd "$scratch/theirs" && python3 -m zipfile -e "$jar" .)
theirs=$(find "$scratch/theirs" -name gateway.proto | head -1)
[ -n "$theirs" ] || { echo "proto: no gateway.proto in $jar"; exit 1; }

describe() { protoc --proto_path="$(dirname "$1")" --descriptor_set_out="$2" "$1"; }
describe "$source/src/zeebe/gateway.proto" "$scratch/ours"
describe "$theirs" "$scratch/theirs.set"
python3 "$(dirname "$0")/proto_compare.py" "$scratch/ours" "$scratch/theirs.set" "$(dirname "$0")/proto_newer.txt"
