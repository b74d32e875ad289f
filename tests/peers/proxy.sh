#!/bin/sh
# nginx as a gRPC proxy that demands client certificates, before a real broker: mutual TLS, and the proxy's own errors.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/certs.sh"
. "$HERE/nginx.sh"

p="nginx before zeebe 8.5.8:"
everything() { broker_tools 8.5.8 && need nginx openssl; }
has "$p" everything || exit 0
make_certs "$WORK"
start_broker 8.5.8
start_nginx || { FAIL "$p start" "$(tail -2 "$WORK/nginx.log" "$WORK/nginx.out")"; exit 1; }
broker_up "$p" -plaintext || exit 1

at=127.0.0.1:$FRONT
mine="--ca-file $WORK/ca.pem --client-cert $WORK/client.pem --client-key $WORK/client.key"
refused() { # NAME STATUS PATTERN RPC [flag...]
    refused_name=$1 refused_status=$2 refused_pattern=$3 refused_rpc=$4
    shift 4
    # shellcheck disable=SC2086 # $mine is a list of words
    check "$p $refused_name" "$refused_status" "$refused_pattern" "$WEIR" zeebe call "$refused_rpc" --address "$at" $mine "$@"
}

# shellcheck disable=SC2086 # $mine is a list of words
{
    basic_checks "$p" "$at" 8.5.8 $mine
    health_check "$p" "$at" $mine
    engine_checks "$p" "$at" $mine
}
check "$p no client certificate" 67 '400' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/ca.pem"
check "$p a stranger's certificate" 67 '400' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/ca.pem" \
    --client-cert "$WORK/stranger.pem" --client-key "$WORK/stranger.key"
check "$p key and certificate of two persons" 65 'key' "$WEIR" zeebe status --address "$at" \
    --ca-file "$WORK/ca.pem" --client-cert "$WORK/client.pem" --client-key "$WORK/stranger.key"
refused "its 403 is FORBIDDEN" 77 403 DeleteResource
refused "its 401 is BAD_LOGIN" 77 401 BroadcastSignal
refused "its 404 is UNSUPPORTED" 78 404 CancelProcessInstance
refused "its 302 is no gRPC" 76 302 ThrowError
refused "its 429 is BUSY, after repeating" 75 429 ResolveIncident --request-timeout 2s
refused "a poll that it cuts says so" 69 504 ActivateJobs --request-timeout 8s \
    --data '{"type": "none", "worker": "p", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": 7000}'
check "$p nobody behind it is UNREACHABLE" 69 502 "$WEIR" zeebe status --address "127.0.0.1:$DEAD" \
    --ca-file "$WORK/ca.pem" --request-timeout 2s

# One channel, and what the proxy does to its connections.
timeout 90 "$BUILD/tests/peers/peer_channel" "$at" "$WORK/ca.pem" "$WORK/client.pem" "$WORK/client.key" >"$WORK/out" 2>&1 && status=0 ||
    status=$?
sed "s/^\([a-zA-Z]*\) channel:/\1 $p/" "$WORK/out" | sort | uniq
[ "$status" = 0 ] || FAILED=1
grep -q '^ok' "$WORK/out" || FAIL "$p one channel" "ended with $status"
