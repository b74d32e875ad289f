# Sourced after lib.sh and tools.sh: what must hold on any gateway.
# shellcheck shell=sh

# json EXPRESSION: prints it, with `a` the JSON document of standard input.
json() {
    python3 -c 'import json, sys; a = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# leader ADDRESS [flag...]: true once Topology shows a leader.
leader() {
    at=$1
    shift
    "$WEIR" zeebe topology --address "$at" "$@" | grep -q Leader
}

# basic_checks PREFIX ADDRESS VERSION [flag...]: the commands that ask, in their three forms.
basic_checks() {
    p=$1 at=$2 v=$3
    shift 3
    check "$p status" 0 "Gateway version: $v" "$WEIR" zeebe status --address "$at" "$@"
    check "$p status shows the leader" 0 'Partition 1 : Leader, Healthy' "$WEIR" zeebe status --address "$at" "$@"
    check "$p status as JSON" 0 "\"gatewayVersion\": *\"$v\"" "$WEIR" zeebe status -o json --address "$at" "$@"
    check "$p call Topology" 0 "\"gatewayVersion\": \"$v\"" "$WEIR" zeebe call Topology --address "$at" "$@"
    check "$p call by its full name, with metadata shown" 0 'grpc-status|Response trailers' \
        "$WEIR" zeebe call gateway_protocol.Gateway/Topology -v --address "$at" "$@"
    check "$p gzip accepted" 0 gatewayVersion "$WEIR" zeebe call Topology --header 'x-weir: peers' --address "$at" "$@"
}

# health_check PREFIX ADDRESS [flag...]
health_check() {
    p=$1 at=$2
    shift 2
    check "$p health" 0 '^SERVING$' "$WEIR" zeebe health --address "$at" "$@"
    check "$p health of an unknown service" 67 'no.such.Service' "$WEIR" zeebe health --service no.such.Service \
        --address "$at" "$@"
}

# engine_checks PREFIX ADDRESS [flag...]: a process from its deployment to its end, through `call` alone. Flags: the
# channel's. TENANT in the environment goes into every request that has one.
engine_checks() {
    p=$1 at=$2
    shift 2
    tenant=${TENANT:+, \"tenantId\": \"$TENANT\"}
    tenants=${TENANT:+, \"tenantIds\": [\"$TENANT\"]}
    content=$(base64 -w0 "$HERE/one_task.bpmn")
    check "$p DeployResource" 0 '"bpmnProcessId": "one_task"' "$WEIR" zeebe call DeployResource --address "$at" "$@" \
        --data "{\"resources\": [{\"name\": \"one_task.bpmn\", \"content\": \"$content\"}]$tenant}"
    until_true 20 "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "{\"bpmnProcessId\": \"one_task\", \"version\": -1, \"variables\": \"{\\\"a\\\": 9007199254740993}\"$tenant}" ||
        FAIL "$p CreateProcessInstance" "never worked"
    job=$("$WEIR" zeebe call ActivateJobs --address "$at" "$@" --data "{\"type\": \"paint\", \"worker\": \"peers\",
        \"timeout\": 60000, \"maxJobsToActivate\": 1, \"requestTimeout\": 5000$tenants}" 2>"$WORK/err" |
        json 'a["jobs"][0]["key"] + " " + a["jobs"][0]["variables"]') || job=
    case $job in
    *'"a":9007199254740993'*) ok "$p ActivateJobs streams a job, its numbers exact" ;;
    *) FAIL "$p ActivateJobs" "got '$job' $(head -1 "$WORK/err")" ;;
    esac
    key=${job%% *}
    check "$p CompleteJob" 0 '^\{\}$' "$WEIR" zeebe call CompleteJob --compact --address "$at" "$@" --data "{\"jobKey\": \"$key\"}"
    check "$p a second CompleteJob is NOT_FOUND" 67 "$key" "$WEIR" zeebe call CompleteJob --address "$at" "$@" \
        --data "{\"jobKey\": $key}"
    check "$p an unknown process is NOT_FOUND" 67 'nowhere' "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "{\"bpmnProcessId\": \"nowhere\", \"version\": -1$tenant}"
    check "$p variables that are no object are INVALID" 65 'CreateProcessInstance|variables|JSON' \
        "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "{\"bpmnProcessId\": \"one_task\", \"version\": -1, \"variables\": \"[1]\"$tenant}"
    check "$p an unknown field is named before anything is sent" 65 'bpmnProcesId' "$WEIR" zeebe call \
        CreateProcessInstance --address "$at" "$@" --data '{"bpmnProcesId": "x"}'
}

# message_checks PREFIX ADDRESS [flag...]
message_checks() {
    p=$1 at=$2
    shift 2
    message="{\"name\": \"m\", \"correlationKey\": \"k\", \"messageId\": \"once\", \"timeToLive\": \"600000\"}"
    check "$p PublishMessage" 0 '"key": "[0-9]+"' "$WEIR" zeebe call PublishMessage --address "$at" "$@" --data "$message"
    check "$p the same message id is CONFLICT" 67 'once' "$WEIR" zeebe call PublishMessage --address "$at" "$@" --data "$message"
}

# other_clients PREFIX ADDRESS VERSION: zbctl's and grpcurl's view of a plaintext gateway beside ours.
other_clients() {
    p=$1 at=$2
    "$WEIR" zeebe status --address "$at" | sort >"$WORK/ours"
    if "$ZBCTL" status --insecure --address "$at" | sort | cmp -s - "$WORK/ours"; then
        ok "$p zbctl prints the same status"
    else
        "$ZBCTL" status --insecure --address "$at" | sort | diff - "$WORK/ours" | sed 's/^/  /'
        FAIL "$p zbctl prints the same status" "they differ (above)"
    fi
    "$WEIR" zeebe call Topology --address "$at" | json 'a' >"$WORK/ours"
    if "$GRPCURL" -plaintext -emit-defaults -import-path "$(dirname "$PROTO")" -proto gateway.proto "$at" \
        gateway_protocol.Gateway/Topology | json '{k: v for k, v in a.items()}' | cmp -s - "$WORK/ours"; then
        ok "$p grpcurl sees the same topology"
    else
        FAIL "$p grpcurl sees the same topology" "$(cat "$WORK/ours")"
    fi
}
