# Sourced after lib.sh, certs.sh and broker.sh: nginx as a gRPC proxy that demands client certificates.
# shellcheck shell=sh

# start_nginx: sets FRONT (to the broker) and DEAD (to nobody), both with TLS.
start_nginx() {
    # shellcheck disable=SC2046 # three words
    set -- $(free_ports 3)
    FRONT=$1 DEAD=$2
    cat >"$WORK/nginx.conf" <<N
daemon off;
worker_processes 1;
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
    keepalive_requests 100;
    server {
        listen 127.0.0.1:$FRONT ssl http2;
        ssl_client_certificate $WORK/ca.pem;
        ssl_verify_client on;
        location / { grpc_pass grpc://127.0.0.1:$BROKER_PORT; grpc_read_timeout 3s; }
        location /gateway_protocol.Gateway/DeleteResource { return 403; }
        location /gateway_protocol.Gateway/ResolveIncident { return 429; }
        location /gateway_protocol.Gateway/CancelProcessInstance { return 404; }
        location /gateway_protocol.Gateway/BroadcastSignal { return 401; }
        location /gateway_protocol.Gateway/ThrowError { return 302 /elsewhere; }
    }
    server {
        listen 127.0.0.1:$DEAD ssl http2;
        location / { grpc_pass grpc://127.0.0.1:$3; }
    }
}
N
    start "$WORK/nginx.out" nginx -e "$WORK/nginx.log" -c "$WORK/nginx.conf"
    until_true 20 port_answers "$DEAD"
}
