#!/bin/sh
# Real Zeebe brokers of two generations, plaintext; zbctl and grpcurl beside ours.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"

stream_check() { # PREFIX ADDRESS: a job created after the stream was opened arrives on it
    p=$1 at=$2
    timeout 60 "$WEIR" zeebe call StreamActivatedJobs --request-timeout 40s --compact --address "$at" \
        --data '{"type": "paint", "worker": "stream", "timeout": 5000}' >"$WORK/stream" 2>&1 &
    stream=$!
    until_true 30 job_pushed "$at" || FAIL "$p StreamActivatedJobs" "no job in 30 s: $(head -1 "$WORK/stream")"
    kill "$stream" 2>/dev/null && wait "$stream" 2>/dev/null
    grep -q '"type":"paint"' "$WORK/stream" && ok "$p StreamActivatedJobs pushes a job"
}
job_pushed() {
    "$WEIR" zeebe call CreateProcessInstance --address "$1" --data '{"bpmnProcessId": "one_task", "version": -1}'
    grep -q '"type":"paint"' "$WORK/stream"
}

one_generation() { # VERSION
    p="zeebe $1:"
    if ! why=$(need mvn && java21 >/dev/null && fetch_broker "$1" && fetch_zbctl && fetch_grpcurl && fetch_proto); then
        skip "$p everything" "${why:-no JDK 21 or later}"
        return
    fi
    start_broker "$1" || { FAIL "$p start" "the broker did not start"; return; }
    at=127.0.0.1:$BROKER_PORT
    until_true 60 leader "$at" || { FAIL "$p a leader" "$("$WEIR" zeebe status --address "$at" 2>&1 | head -3)"; return; }
    basic_checks "$p" "$at" "$1"
    health_check "$p" "$at"
    engine_checks "$p" "$at"
    message_checks "$p" "$at"
    stream_check "$p" "$at"
    other_clients "$p" "$at"
    check "$p TLS to a plaintext gateway says so" 76 'TLS|plaintext' "$WEIR" zeebe status --address "grpcs://$at"
    end "$BROKER_PID"
    check "$p a gateway that is gone is UNREACHABLE" 69 "$at" "$WEIR" zeebe status --address "$at" --request-timeout 2s
}

one_generation 8.5.8
one_generation 8.6.0
