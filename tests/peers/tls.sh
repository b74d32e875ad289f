#!/bin/sh
# A real broker with TLS at its gateway.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/certs.sh"

p="zeebe 8.5.8, TLS:"
everything() { broker_tools 8.5.8 && need npm openssl && fetch_zbctl; }
has "$p" everything || exit 0
make_certs "$WORK"
start_broker 8.5.8 ZEEBE_BROKER_GATEWAY_SECURITY_ENABLED=true \
    "ZEEBE_BROKER_GATEWAY_SECURITY_CERTIFICATECHAINPATH=$WORK/server.pem" \
    "ZEEBE_BROKER_GATEWAY_SECURITY_PRIVATEKEYPATH=$WORK/server.key"
broker_up "$p" -cacert "$WORK/ca.pem" || exit 1
at=127.0.0.1:$BROKER_PORT
basic_checks "$p" "$at" 8.5.8 --ca-file "$WORK/ca.pem"
health_check "$p" "$at" --ca-file "$WORK/ca.pem"
engine_checks "$p" "$at" --certPath "$WORK/ca.pem"
check "$p by the name localhost" 0 'Cluster size: 1' "$WEIR" zeebe status --address "grpcs://localhost:$BROKER_PORT" \
    --ca-file "$WORK/ca.pem"
check "$p by the environment" 0 'Cluster size: 1' env "ZEEBE_ADDRESS=$at" "ZEEBE_CA_CERTIFICATE_PATH=$WORK/ca.pem" \
    "$WEIR" zeebe status
check "$p the system's roots do not know it: UNTRUSTED" 76 'certificate' "$WEIR" zeebe status --address "grpcs://$at"
check "$p another CA: UNTRUSTED" 76 'certificate' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/other.pem"
check "$p another name: UNTRUSTED" 76 'certificate' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/ca.pem" \
    --authority elsewhere.example
check "$p a CA file that is none" 74 'no-ca.pem' "$WEIR" zeebe status --address "$at" --ca-file "$WORK/no-ca.pem"
check "$p plaintext to it says so" 69 'plaintext' "$WEIR" zeebe status --address "$at" --insecure \
    --request-timeout 5s
check "$p zbctl agrees" 0 'Cluster size: 1' "$ZBCTL" status --address "$at" --certPath "$WORK/ca.pem"
