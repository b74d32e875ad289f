#!/bin/sh
# The official gRPC interop server (Go), plaintext and TLS: every case a client without a Google account can run.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/certs.sh"

if ! why=$(need go && fetch_interop); then
    skip "interop: everything" "$why"
    exit 0
fi
make_certs "$WORK"
# shellcheck disable=SC2046 # two words
set -- $(free_ports 2)
"$INTEROP_SERVER" -port "$1" >"$WORK/plain.log" 2>&1 &
PIDS="$PIDS $!"
"$INTEROP_SERVER" -port "$2" -use_tls -tls_cert_file "$WORK/server.pem" -tls_key_file "$WORK/server.key" >"$WORK/tls.log" 2>&1 &
PIDS="$PIDS $!"
until_true 10 port_answers "$1" && until_true 10 port_answers "$2" || FAIL "interop: start" "$(cat "$WORK"/*.log)"
program=$(dirname "$WEIR")/tests/peers/peer_interop
timeout 120 "$program" "$1" || FAIL "interop: plaintext" "ended with $?"
timeout 120 "$program" "$2" "$WORK/ca.pem" | sed 's/interop:/interop over TLS:/' >"$WORK/out" || :
cat "$WORK/out"
[ -s "$WORK/out" ] && ! grep -q ^FAIL "$WORK/out" || FAIL "interop over TLS:" "see above"
