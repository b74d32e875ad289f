#!/bin/sh
# The in-memory engine 8.8: a third generation, and its messages.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"

p="engine 8.8.21:"
if ! why=$(need mvn && java21 >/dev/null && fetch_engine && fetch_zbctl && fetch_grpcurl && fetch_proto); then
    skip "$p everything" "${why:-no JDK 21 or later}"
    exit 0
fi
port=$(free_ports 1)
"$(java21)/bin/java" -XX:TieredStopAtLevel=1 -cp "$ENGINE:$ENGINE/lib/*" Engine "$port" >"$WORK/log" 2>&1 &
PIDS="$PIDS $!"
at=127.0.0.1:$port
until_true 60 leader "$at" || { FAIL "$p start" "$(tail -3 "$WORK/log")"; exit 1; }
basic_checks "$p" "$at" 8.8
engine_checks "$p" "$at"
message_checks "$p" "$at"
other_clients "$p" "$at"
check "$p no health service: UNSUPPORTED" 78 'health' "$WEIR" zeebe health --address "$at"
