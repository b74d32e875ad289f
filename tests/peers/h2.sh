#!/bin/sh
# An HTTP/2 server on the `h2` library that does what servers may do, and what they must not: see h2/cases.py.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"

server() { need python3 && fetch_python h2-4.4.0 h2==4.4.0; }

if has "h2:" server; then
    beside=$GRPCURL
    fetch_grpcurl >"$WORK/why" || { beside=none && skip "h2: grpcurl beside it" "$(cat "$WORK/why")"; }
    "$CACHE/h2-4.4.0/bin/python" -B "$HERE/h2/run.py" "$BUILD/tests/peers/peer_h2" "$beside" || FAILED=1
fi
