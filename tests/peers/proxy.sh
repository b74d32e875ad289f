#!/bin/sh
# nginx as a gRPC proxy that demands client certificates, before a real broker: mutual TLS, and the proxy's own errors.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/certs.sh"

p="nginx before zeebe 8.5.8:"
if ! why=$(need mvn nginx && java21 >/dev/null && fetch_broker 8.5.8); then
    skip "$p everything" "${why:-no JDK 21 or later}"
    exit 0
fi
make_certs "$WORK"
start_broker 8.5.8 || { FAIL "$p start" "the broker did not start"; exit 1; }
# shellcheck disable=SC2046 # three words
set -- $(free_ports 3)
front=$1 dead=$2 nobody=$3
cat >"$WORK/nginx.conf" <<N
daemon off;
pid $WORK/nginx.pid;
error_log $WORK/nginx.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $WORK/t1; proxy_temp_path $WORK/t2; fastcgi_temp_path $WORK/t3;
    uwsgi_temp_path $WORK/t4; scgi_temp_path $WORK/t5;
    ssl_certificate $WORK/server.pem;
    ssl_certificate_key $WORK/server.key;
    keepalive_timeout 2s;
    server {
        listen 127.0.0.1:$front ssl http2;
        ssl_client_certificate $WORK/ca.pem;
        ssl_verify_client on;
        location / { grpc_pass grpc://127.0.0.1:$BROKER_PORT; grpc_read_timeout 3s; }
        location /gateway_protocol.Gateway/DeleteResource { return 403; }
        location /gateway_protocol.Gateway/ResolveIncident { return 429; }
        location /gateway_protocol.Gateway/CancelProcessInstance { return 404; }
        location /gateway_protocol.Gateway/BroadcastSignal { return 401; }
    }
    server {
        listen 127.0.0.1:$dead ssl http2;
        location / { grpc_pass grpc://127.0.0.1:$nobody; }
    }
}
N
nginx -e "$WORK/nginx.log" -c "$WORK/nginx.conf" &
PIDS="$PIDS $!"
until_true 10 port_answers "$front" || FAIL "$p start" "$(tail -2 "$WORK/nginx.log")"
at=127.0.0.1:$front
mine="--ca-file $WORK/ca.pem --client-cert $WORK/client.pem --client-key $WORK/client.key"
# shellcheck disable=SC2086 # $mine is a list of words
{
    until_true 60 leader "$at" $mine
    basic_checks "$p mutual TLS:" "$at" 8.5.8 $mine
    health_check "$p mutual TLS:" "$at" $mine
    engine_checks "$p mutual TLS:" "$at" $mine
    check "$p no client certificate" 76 'certificate' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/ca.pem"
    check "$p a stranger's certificate" 76 'certificate' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/ca.pem" \
        --client-cert "$WORK/stranger.pem" --client-key "$WORK/stranger.key"
    check "$p key and certificate of two persons" 65 'key' "$WEIR" zeebe status --address "$at" \
        --ca-file "$WORK/ca.pem" --client-cert "$WORK/client.pem" --client-key "$WORK/stranger.key"
    check "$p its 403 is FORBIDDEN" 77 403 "$WEIR" zeebe call DeleteResource --address "$at" $mine
    check "$p its 401 is BAD_LOGIN" 77 401 "$WEIR" zeebe call BroadcastSignal --address "$at" $mine
    check "$p its 404 is UNSUPPORTED" 78 404 "$WEIR" zeebe call CancelProcessInstance --address "$at" $mine
    check "$p its 429 is retried, then said" 69 429 "$WEIR" zeebe call ResolveIncident --address "$at" $mine \
        --request-timeout 2s
    check "$p nobody behind it is UNREACHABLE" 69 502 "$WEIR" zeebe status --address "127.0.0.1:$dead" \
        --ca-file "$WORK/ca.pem" --request-timeout 2s
    check "$p a poll that it cuts says so" 69 504 "$WEIR" zeebe call ActivateJobs --address "$at" $mine \
        --request-timeout 8s --data '{"type": "none", "worker": "p", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": 7000}'
}
