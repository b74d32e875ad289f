#!/bin/sh
# The official gRPC interop servers, Go's and Java's, plaintext and TLS: every case that a client can run without a
# Google account.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/certs.sh"

PROGRAM=$BUILD/tests/peers/peer_interop

# cases PREFIX LEAST PORT [flag...]: at least so many cases must have run.
cases() {
    p=$1 least=$2 port=$3
    shift 3
    until_true 30 port_answers "$port" || { FAIL "$p start" "$(tail -2 "$WORK"/*.log)"; return; }
    timeout 120 "$PROGRAM" "$port" "$@" >"$WORK/out" 2>"$WORK/err" && status=0 || status=$?
    sed "s/^\([a-zA-Z]*\) interop:/\1 $p/" "$WORK/out"
    if grep -q '^FAIL ' "$WORK/out"; then
        FAILED=1
    elif [ "$status" != 0 ] || [ "$(grep -c '^ok ' "$WORK/out")" -lt "$least" ]; then
        FAIL "$p every case" "ended with $status after $(tail -1 "$WORK/out") $(head -1 "$WORK/err")"
    fi
}

go_server() { need go && fetch_interop; }
java_server() { need mvn && need_java && fetch_java_interop; }

make_certs "$WORK"
# shellcheck disable=SC2046 # four words
set -- $(free_ports 4)
if has "interop go:" go_server; then
    start "$WORK/go.log" "$INTEROP_SERVER" -port "$1"
    start "$WORK/go-tls.log" "$INTEROP_SERVER" -port "$2" -use_tls -tls_cert_file "$WORK/server.pem" \
        -tls_key_file "$WORK/server.key"
    cases "interop go:" 18 "$1"
    cases "interop go, TLS:" 18 "$2" -ca "$WORK/ca.pem"
fi
# Java's brings its own certificate, for *.test.google.fr, and compresses.
if has "interop java:" java_server; then
    java="$JAVA21/bin/java -XX:TieredStopAtLevel=1 -cp $JAVA_INTEROP/lib/* io.grpc.testing.integration.TestServiceServer"
    set -f # not the names of files
    start "$WORK/java.log" $java --port="$3" --use_tls=false
    start "$WORK/java-tls.log" $java --port="$4" --use_tls=true
    set +f
    python3 -m zipfile -e "$JAVA_INTEROP"/lib/grpc-testing-1*.jar "$WORK/testing"
    cases "interop java:" 22 "$3" -gzip
    cases "interop java, TLS:" 22 "$4" -gzip -ca "$WORK/testing/certs/ca.pem" -name foo.test.google.fr
fi
