#!/bin/sh
# src/zeebe/gateway.proto, message by message, with the one that the gateway itself is built from.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"

theirs() { need mvn python3 protoc-c && fetch_proto; }
describe() { protoc-c --proto_path="$(dirname "$1")" --descriptor_set_out="$2" "$1"; }
compare() {
    describe "$ROOT/src/zeebe/gateway.proto" "$WORK/ours" && describe "$PROTO" "$WORK/theirs" &&
        python3 "$HERE/proto_compare.py" "$WORK/ours" "$WORK/theirs" "$HERE/proto_newer.txt"
}

if has "proto:" theirs; then
    compare >"$WORK/out" 2>&1 || FAIL "proto: gateway.proto says all that 8.8.21 says" "$(grep -v '^proto' "$WORK/out" | head -20)"
    [ "$FAILED" = 1 ] || ok "proto: gateway.proto says all that 8.8.21 says ($(tail -1 "$WORK/out"))"
fi
