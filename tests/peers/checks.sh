# Sourced after lib.sh and tools.sh: what must hold on any gateway. Flags are those of the channel.
# shellcheck shell=sh

# json EXPRESSION: prints it, with `a` the JSON document of standard input.
json() {
    python3 -c 'import json, sys; a = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# theirs ADDRESS RPC [flag...]: grpcurl, which does not know weir.
theirs() {
    theirs_at=$1 rpc=$2
    shift 2
    "$GRPCURL" -max-time 20 -emit-defaults -import-path "$(dirname "$PROTO")" -proto gateway.proto "$@" "$theirs_at" \
        "gateway_protocol.Gateway/$rpc"
}

# basic_checks PREFIX ADDRESS VERSION [flag...]: the commands that ask, in their forms.
basic_checks() {
    p=$1 at=$2 v=$3
    shift 3
    check "$p status" 0 "^Gateway version: $v" "$WEIR" zeebe status --address "$at" "$@"
    check "$p status shows the leader" 0 '^    Partition 1 : Leader, Healthy' "$WEIR" zeebe status --address "$at" "$@"
    check "$p status as JSON" 0 "\"gatewayVersion\": *\"$v" "$WEIR" zeebe status -o json --address "$at" "$@"
    check "$p call Topology" 0 "\"gatewayVersion\": \"$v" "$WEIR" zeebe call Topology --address "$at" "$@"
    check "$p call by its full name, with metadata shown" 0 'Response headers received' \
        "$WEIR" zeebe call gateway_protocol.Gateway/Topology -v --address "$at" "$@"
    check "$p call with a header" 0 gatewayVersion "$WEIR" zeebe call Topology --header 'x-weir: peers' --address "$at" "$@"
}

# health_check PREFIX ADDRESS [flag...]
health_check() {
    p=$1 at=$2
    shift 2
    check "$p health" 0 '^SERVING$' "$WEIR" zeebe health --address "$at" "$@"
    check "$p health of an unknown service" 69 'no.such.Service' "$WEIR" zeebe health --service no.such.Service \
        --address "$at" "$@"
}

NO_OBJECT="65 JSON|variables" # status and words for variables that are no JSON object

# engine_checks PREFIX ADDRESS [flag...]: a process from its deployment to its end, through `call` alone. TENANT, where
# set, goes into every request that has one.
engine_checks() {
    p=$1 at=$2
    shift 2
    tenant=${TENANT:+, \"tenantId\": \"$TENANT\"}
    tenants=${TENANT:+, \"tenantIds\": [\"$TENANT\"]}
    content=$(base64 -w0 "$HERE/one_task.bpmn")
    check "$p DeployResource" 0 '"bpmnProcessId": "one_task"' "$WEIR" zeebe call DeployResource --address "$at" "$@" \
        --data "{\"resources\": [{\"name\": \"one_task.bpmn\", \"content\": \"$content\"}]$tenant}"
    check "$p CreateProcessInstance" 0 '"processInstanceKey": "[0-9]{16}"' "$WEIR" zeebe call CreateProcessInstance \
        --address "$at" "$@" \
        --data "{\"bpmnProcessId\": \"one_task\", \"version\": -1, \"variables\": \"{\\\"a\\\": 9007199254740993}\"$tenant}"
    job=$("$WEIR" zeebe call ActivateJobs --address "$at" "$@" --data "{\"type\": \"paint\", \"worker\": \"peers\",
        \"timeout\": 60000, \"maxJobsToActivate\": 1, \"requestTimeout\": 5000$tenants}" 2>"$WORK/err" |
        json 'a["jobs"][0]["key"] + " " + a["jobs"][0]["variables"]' 2>/dev/null) || job=
    case $job in
    *'"a":9007199254740993'*) ok "$p ActivateJobs streams a job, its numbers exact" ;;
    *) FAIL "$p ActivateJobs" "got '$job' $(head -1 "$WORK/err")" ;;
    esac
    key=${job%% *}
    [ -n "$key" ] || key=2251799813685999
    check "$p CompleteJob" 0 '^\{\}$' "$WEIR" zeebe call CompleteJob --compact --address "$at" "$@" --data "{\"jobKey\": \"$key\"}"
    check "$p a second CompleteJob is NOT_FOUND" 67 "$key" "$WEIR" zeebe call CompleteJob --address "$at" "$@" \
        --data "{\"jobKey\": $key}"
    check "$p an unknown process is NOT_FOUND" 67 'nowhere' "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "{\"bpmnProcessId\": \"nowhere\", \"version\": -1$tenant}"
    check "$p variables that are no object are refused" "${NO_OBJECT% *}" "${NO_OBJECT#* }" "$WEIR" zeebe call CreateProcessInstance \
        --address "$at" "$@" --data "{\"bpmnProcessId\": \"one_task\", \"version\": -1, \"variables\": \"[1]\"$tenant}"
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

# rpc_checks PREFIX ADDRESS GENERATION NAME: the cases of rpcs/NAME.cases, each an outcome; on an engine of its own.
rpc_checks() {
    timeout 240 "$BUILD/tests/peers/peer_rpcs" "$2" "$3" "$1" "$HERE/rpcs/$4.cases" >"$WORK/out" 2>"$WORK/err" && status=0 || status=$?
    cat "$WORK/out"
    [ "$status" = 0 ] || FAILED=1
    [ "$status" -le 1 ] && grep -q '^ok' "$WORK/out" || FAIL "$1 $4.cases" "ended with $status: $(head -1 "$WORK/err")"
}

# poll_checks PREFIX ADDRESS [flag...]: a poll that finds nothing ends with nothing, in its time, and is no error.
poll_checks() {
    p=$1 at=$2
    shift 2
    check "$p a poll without jobs is no error" 0 '^$' "$WEIR" zeebe call ActivateJobs --compact --address "$at" "$@" \
        --data '{"type": "none", "worker": "p", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": 1000}'
    check "$p a limit shorter than the poll is TIMEOUT" 75 'limit|time' "$WEIR" zeebe call ActivateJobs --address "$at" "$@" \
        --request-timeout 1s \
        --data '{"type": "none", "worker": "p", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": 5000}'
}

large_job() { # ADDRESS [flag...]
    large_at=$1
    shift
    size=$("$WEIR" zeebe call ActivateJobs --address "$large_at" "$@" --data '{"type": "paint", "worker": "peers",
        "timeout": 60000, "maxJobsToActivate": 1, "requestTimeout": 2000}' | json 'len(a["jobs"][0]["variables"])') 2>/dev/null
    [ "${size:-0}" -gt 1500000 ]
}

# large_checks PREFIX ADDRESS [flag...]: 1.5 MB there and back; 3 MB, which the engine refuses, and 5 MB, which the gateway does.
large_checks() {
    p=$1 at=$2
    shift 2
    python3 - "$WORK" <<'P'
import json, sys
for name, size in (("fits", 1500000), ("large", 3000000), ("beyond", 5000000)):
    variables = json.dumps({"large": "x" * size})
    json.dump({"bpmnProcessId": "one_task", "version": -1, "variables": variables}, open(f"{sys.argv[1]}/{name}.json", "w"))
P
    check "$p 1.5 MB of variables" 0 processInstanceKey "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "@$WORK/fits.json"
    attempts=5 # jobs of earlier checks may come first
    until large_job "$at" "$@" || [ "$attempts" = 0 ]; do attempts=$((attempts - 1)); done
    [ "$attempts" -gt 0 ] && ok "$p and back, in a job" || FAIL "$p and back, in a job" "no job of that size"
    check "$p 3 MB are refused in the engine's words" 67 "EXCEEDED_BATCH_RECORD_SIZE" "$WEIR" zeebe call CreateProcessInstance \
        --address "$at" "$@" --data "@$WORK/large.json"
    check "$p 5 MB are INVALID, not BUSY" 65 'size|large|exceeds' "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
        --data "@$WORK/beyond.json"
}

# same NAME OURS THEIRS: two files.
same() {
    if [ -s "$2" ] && cmp -s "$2" "$3"; then
        ok "$1"
    else
        diff "$2" "$3" | head -10 | sed 's/^/  /'
        FAIL "$1" "they differ (above; < ours, > theirs)"
    fi
}

# other_clients PREFIX ADDRESS: zbctl's and grpcurl's view of a plaintext gateway beside ours.
other_clients() {
    p=$1 at=$2
    "$WEIR" zeebe status --address "$at" >"$WORK/ours" 2>&1
    "$ZBCTL" status --insecure --address "$at" >"$WORK/theirs" 2>&1
    same "$p zbctl prints the same status, byte for byte" "$WORK/ours" "$WORK/theirs"
    "$WEIR" zeebe call Topology --address "$at" >"$WORK/ours" 2>&1
    theirs "$at" Topology -plaintext >"$WORK/theirs.raw" 2>&1
    # What 8.8 does not know yet is shown by ours only, unset.
    json 'json.dumps({k: v for k, v in a.items() if k != "clusterId"}, indent=2, sort_keys=True)' <"$WORK/ours" >"$WORK/a"
    json 'json.dumps(a, indent=2, sort_keys=True)' <"$WORK/theirs.raw" >"$WORK/b"
    same "$p grpcurl sees the same topology" "$WORK/a" "$WORK/b"
    none='{"bpmnProcessId": "nowhere", "version": -1}'
    "$WEIR" zeebe call CreateProcessInstance --address "$at" --data "$none" 2>&1 | grep -o "Expected to find.*found" >"$WORK/ours"
    theirs "$at" CreateProcessInstance -plaintext -d "$none" 2>&1 | grep -o "Expected to find.*found" >"$WORK/theirs"
    same "$p grpcurl is told the same of an unknown process" "$WORK/ours" "$WORK/theirs"
}
