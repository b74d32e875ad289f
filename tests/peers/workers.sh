#!/bin/sh
# Workers on real brokers: the order process by workers of several makers, and what must not be lost when a broker is started
# anew, a worker is killed, or one is asked to end.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/orders.sh"
. "$HERE/bursts.sh"

everything() { broker_tools "$1" && need python3; }

generation() { # VERSION
    rm -f "$WORK"/journal.* "$WORK"/keys.* # those of the generation before
    p="workers, zeebe $1:"
    has "$p" everything "$1" || return
    start_broker "$1"
    broker_up "$p" -plaintext || return
    at=127.0.0.1:$BROKER_PORT
    orders "$p" "$at"
    deploy "$at" "$HERE/burst/burst.bpmn" || return
    stream_alone "$p" "$at"
    handed_back "$p" "$at"
    poll_cancelled "$p" "$at"
    [ "$1" != 8.5.8 ] || killed "$p" "$at"
    restarted "$p" "$at" "$1"
    end "$BROKER_PID"
}

generation 8.5.8
generation 8.6.0
back_pressure 8.5.8
