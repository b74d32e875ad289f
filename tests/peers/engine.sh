#!/bin/sh
# The in-memory engine 8.8: a third generation, and its messages.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/orders.sh"

p="engine 8.8.21:"
everything() { need mvn npm && need_java && fetch_engine && fetch_zbctl && fetch_grpcurl && fetch_proto; }
has "$p" everything || exit 0
BROKER_PORT=$(free_ports 1) BROKER_DATA=$WORK
start "$WORK/log" "$JAVA21/bin/java" -XX:TieredStopAtLevel=1 -cp "$ENGINE:$ENGINE/lib/*" Engine "$BROKER_PORT"
BROKER_PID=$STARTED
broker_up "$p" -plaintext || exit 1
at=127.0.0.1:$BROKER_PORT
basic_checks "$p" "$at" 8.8
rpc_checks "$p" "$at" 8.8 broker
rpc_checks "$p" "$at" 8.8 engine
NO_OBJECT="67 UNKNOWN" # this engine does not look, and fails
engine_checks "$p" "$at"
message_checks "$p" "$at"
other_clients "$p" "$at"
orders "$p" "$at"
check "$p no health service" 69 UNIMPLEMENTED "$WEIR" zeebe health --address "$at"
