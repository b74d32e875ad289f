#!/bin/sh
# Real Zeebe brokers of two generations, plaintext; zbctl and grpcurl beside ours.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"

# A job created after the stream was opened arrives on it.
stream_check() { # PREFIX ADDRESS
    p=$1 at=$2
    start "$WORK/stream" "$WEIR" zeebe call StreamActivatedJobs --request-timeout 40s --compact --address "$at" \
        --data '{"type": "paint", "worker": "stream", "timeout": 5000}'
    if until_true 30 job_pushed "$at"; then
        ok "$p StreamActivatedJobs pushes a job"
    else
        FAIL "$p StreamActivatedJobs pushes a job" "none in 30 s: $(head -1 "$WORK/stream")"
    fi
    kill -INT "$STARTED" 2>/dev/null
    wait "$STARTED" && status=0 || status=$?
    [ "$status" = 130 ] && ok "$p an interrupted stream ends with 130" || FAIL "$p an interrupted stream" "ended with $status"
}
job_pushed() {
    "$WEIR" zeebe call CreateProcessInstance --address "$1" --data '{"bpmnProcessId": "one_task", "version": -1}'
    grep -q '"type": *"paint"' "$WORK/stream"
}

everything() { broker_tools "$1" && need npm && fetch_zbctl; }

generation() { # VERSION STATUS PATTERN: the last two for its web port
    p="zeebe $1:"
    has "$p" everything "$1" || return
    start_broker "$1"
    broker_up "$p" -plaintext || return
    at=127.0.0.1:$BROKER_PORT
    basic_checks "$p" "$at" "$1"
    health_check "$p" "$at"
    engine_checks "$p" "$at"
    message_checks "$p" "$at"
    poll_checks "$p" "$at"
    stream_check "$p" "$at"
    rpc_checks "$p" "$at" "${1%.*}" broker
    other_clients "$p" "$at"
    large_checks "$p" "$at"
    # Tomcat closes without a word, what was before it answers.
    check "$p its web port is no gRPC port" "$2" "$3" "$WEIR" zeebe status --address "127.0.0.1:$BROKER_HTTP"
    check "$p by the environment" 0 'Cluster size: 1' env "ZEEBE_ADDRESS=$at" "$WEIR" zeebe status
    check "$p TLS to a plaintext gateway says so" 76 'TLS|plaintext' "$WEIR" zeebe status --address "grpcs://$at"
    end "$BROKER_PID"
    check "$p a gateway that is gone is UNREACHABLE" 69 "$at" "$WEIR" zeebe status --address "$at" --request-timeout 2s
}

generation 8.5.8 76 'HTTP/1'
generation 8.6.0 69 'gRPC port'
