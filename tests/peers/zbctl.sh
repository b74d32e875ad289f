#!/bin/sh
# zbctl itself beside weir, started under zbctl's name, on the same broker: every command of zbctl's, word for word the
# same line for both, with the same effect and an output of the same shape. Then what zbctl lacks.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"

everything() { broker_tools "$1" && need npm && fetch_zbctl; }

mkdir -p "$WORK/bin"
ln -s "$WEIR" "$WORK/bin/zbctl"

# theirs_and_ours NAME WORDS...: both run the same words, and print alike. Each {X} in a word becomes the first
# of two keys in the variable X for zbctl, the second for weir.
theirs_and_ours() {
    name=$1
    shift
    one_of 1 "$ZBCTL" "$@" >"$WORK/theirs" 2>"$WORK/theirs.err" || {
        FAIL "$p $name" "zbctl: $(head -1 "$WORK/theirs.err")"
        return 0
    }
    one_of 2 "$WORK/bin/zbctl" "$@" >"$WORK/ours" 2>"$WORK/ours.err" || {
        FAIL "$p $name" "weir: $(head -1 "$WORK/ours.err")"
        return 0
    }
    if fault=$(python3 "$HERE/shape.py" "$WORK/theirs" "$WORK/ours"); then
        ok "$p $name"
    else
        FAIL "$p $name" "$fault"
    fi
}

# one_of N PROGRAM WORDS...
one_of() {
    n=$1 program=$2
    shift 2
    count=$#
    while [ "$count" -gt 0 ]; do
        word=$1
        shift
        case $word in
        *{[A-Z]}*)
            variable=${word#*\{}
            variable=${variable%%\}*}
            eval "both=\$$variable"
            # shellcheck disable=SC2154 # eval sets it
            [ "$n" = 1 ] && chosen=${both% *} || chosen=${both#* }
            word=${word%%\{*}$chosen${word#*\}}
            ;;
        esac
        set -- "$@" "$word"
        count=$((count - 1))
    done
    timeout 60 "$program" "$@" --address "$at" --insecure
}

# both_fail NAME STATUS WORDS...: zbctl ends with 1, weir with STATUS, and both say the gateway's words, or nothing alike.
both_fail() {
    name=$1 wanted=$2
    shift 2
    one_of 1 "$ZBCTL" "$@" >"$WORK/theirs" 2>&1 && status=0 || status=$?
    one_of 2 "$WORK/bin/zbctl" "$@" >"$WORK/ours" 2>&1 && ours=0 || ours=$?
    if [ "$status" = 0 ]; then
        FAIL "$p $name" "zbctl does not fail"
    elif [ "$ours" != "$wanted" ]; then
        FAIL "$p $name" "weir ended with $ours, not $wanted: $(head -1 "$WORK/ours")"
    elif words=$(sed -n 's/.*rejected with code \(.*\)/\1/p' "$WORK/theirs" | sed 's/[0-9]\{16,\}/KEY/g') && [ -n "$words" ] &&
        ! sed 's/[0-9]\{16,\}/KEY/g' "$WORK/ours" | grep -Fq -- "$words"; then
        FAIL "$p $name" "the gateway's words are not in: $(head -1 "$WORK/ours")"
    else
        ok "$p $name"
    fi
}

# instances: two new ones, for zbctl and weir: their keys in I, of their jobs in J.
instances() {
    I= J=
    for _ in 1 2; do
        instance=$("$WEIR" zeebe create instance side_by_side --variables '{"a":1}' --address "$at" | json 'a["processInstanceKey"]')
        I="${I:+$I }$instance"
    done
    for _ in 1 2; do
        job=$("$WEIR" zeebe activate jobs first --timeout 2m --address "$at" | json 'a["jobs"][0]["key"]')
        J="${J:+$J }$job"
    done
}
# away: the instances of before, so that their jobs are in nobody's way.
away() { for instance in $I; do "$WEIR" zeebe cancel instance "$instance" --address "$at" >/dev/null 2>&1 || :; done; }

# next_variables NAME EXPRESSION: it holds for v, the variables of the two jobs that come next.
next_variables() {
    got=$("$WEIR" zeebe activate jobs second --max-jobs 2 --timeout 10s --address "$at" 2>"$WORK/err" | tee "$WORK/jobs" |
        python3 -c 'import json, sys
v = [json.loads(job["variables"]) for job in json.load(sys.stdin)["jobs"]]
print(len(v) == 2 and eval(sys.argv[1]))' "$2") || got=
    [ "$got" = True ] && ok "$p $1" || FAIL "$p $1" "$(head -1 "$WORK/err") $(tr -d '\n' <"$WORK/jobs")"
}

# incident PROGRAM KEY OUT: resolves the incident that came some records after the job's key; nothing lists incidents.
incident() {
    for after in $(seq 1 80); do
        timeout 60 "$1" resolve incident $(($2 + after)) --address "$at" --insecure >"$3" 2>/dev/null && return 0
    done
    return 1
}
same_incidents() {
    if ! incident "$ZBCTL" "${J% *}" "$WORK/theirs" || ! incident "$WORK/bin/zbctl" "${J#* }" "$WORK/ours"; then
        FAIL "$p resolve incident" "no incident was found behind the jobs $J"
    elif fault=$(python3 "$HERE/shape.py" "$WORK/theirs" "$WORK/ours"); then
        ok "$p resolve incident"
    else
        FAIL "$p resolve incident" "$fault"
    fi
}

same_commands() {
    cp "$HERE/side_by_side.bpmn" "$HERE/discount.dmn" "$WORK"
    cd "$WORK" || exit 1
    theirs_and_ours "status" status
    theirs_and_ours "status -o json" status -o json
    theirs_and_ours "status -o human" status -o human
    theirs_and_ours "deploy resource" deploy resource side_by_side.bpmn discount.dmn
    theirs_and_ours "deploy resource --resourceNames" deploy resource side_by_side.bpmn --resourceNames other.bpmn
    check "$p weir's deployment of a folder" 0 discount.dmn "$WEIR" zeebe deploy . --address "$at"
    theirs_and_ours "create instance" create instance side_by_side --variables '{"a": 1}'
    theirs_and_ours "create instance --version" create instance at_once --version 1
    theirs_and_ours "create instance --withResult" create instance at_once --withResult --variables '{"x":1,"y":2}'
    theirs_and_ours "create instance --withResult=x" create instance at_once --withResult=x --variables '{"x":1,"y":2}'
    D=$("$WEIR" zeebe deploy side_by_side.bpmn --address "$at" | json 'a["deployments"][0]["process"]["processDefinitionKey"]')
    D="$D $D"
    theirs_and_ours "create instance by key" create instance '{D}'
    theirs_and_ours "activate jobs" activate jobs first --maxJobsToActivate 1 --timeout 5m --variables a --worker w
    theirs_and_ours "activate jobs, none there" activate jobs nothing --requestTimeout 15s
    for job in $("$WEIR" zeebe activate jobs first --max-jobs 10 --timeout 1s --address "$at" | json '" ".join(j["processInstanceKey"] for j in a["jobs"])'); do
        I="${I:-} $job"
    done
    away
    theirs_and_ours "evaluate decision" evaluate decision discount --variables '{"amount":200}'
    theirs_and_ours "publish message" publish message m --correlationKey k --ttl 1m --variables '{"b":1}'
    printf '{"c": 1}' >variables.json
    theirs_and_ours "publish message, variables of a file" publish message m --correlationKey k --variables variables.json
    theirs_and_ours "broadcast signal" broadcast signal s --variables '{}'
}

same_jobs() {
    instances
    theirs_and_ours "update retries" update retries '{J}' --retries 4
    theirs_and_ours "update retries -o json" update retries '{J}' --retries 5 -o json
    theirs_and_ours "update timeout" update timeout '{J}' --timeout 60000
    theirs_and_ours "set variables" set variables '{I}' --variables '{"d": 1}'
    theirs_and_ours "set variables -o json" set variables '{I}' --variables '{"d": 2}' --local -o json
    theirs_and_ours "complete job" complete job '{J}' --variables '{"e": 1}'
    next_variables "both completions arrived alike" 'v[0] == v[1] == {"a": 1, "d": 2, "e": 1}'
    both_fail "completing it again" 67 complete job '{J}'
    theirs_and_ours "cancel instance" cancel instance '{I}'
    both_fail "cancelling it again" 67 cancel instance '{I}'
    instances
    theirs_and_ours "fail job" fail job '{J}' --retries 2 --retryBackoff 90s --errorMessage "it broke" --variables '{"f": 1}'
    theirs_and_ours "cancel instance -o json" cancel instance '{I}' -o json
    instances
    theirs_and_ours "fail job without retries" fail job '{J}' --retries 0
    theirs_and_ours "retries for its incident" update retries '{J}' --retries 1
    same_incidents
    both_fail "an unknown incident" 67 resolve incident 2251799813799999
    away
    instances
    theirs_and_ours "throwError job" throwError job '{J}' --errorCode C --errorMessage m
    away
    R=
    for file in one two; do
        sed "s/side_by_side/$file/; s/at_once/$file-x/" side_by_side.bpmn >"$file.bpmn"
        R="${R:+$R }$("$WEIR" zeebe deploy "$file.bpmn" --address "$at" | json 'a["deployments"][0]["process"]["processDefinitionKey"]')"
    done
    theirs_and_ours "delete resource" delete resource '{R}'
    both_fail "deleting it again" 67 delete resource '{R}'
}

same_failures() {
    both_fail "an unknown process" 67 create instance nowhere
    both_fail "an unknown decision" 65 evaluate decision nowhere
    both_fail "a missing file" 74 deploy resource missing.bpmn
    both_fail "a file that is no process" 65 deploy resource variables.json
    both_fail "a key that is none" 64 cancel instance abc
    both_fail "a missing argument" 64 cancel instance
    both_fail "a missing flag" 64 fail job 5
    both_fail "an unknown flag" 64 status --nonsense
    both_fail "an unknown command" 64 nonsense
    both_fail "variables that are no JSON" 65 complete job 5 --variables '{bad'
    both_fail "variables that are no object" 65 complete job 5 --variables '[1]'
}

# What zbctl lacks, with the effect seen by what it has.
more_than_zbctl() {
    instances
    for instance in $I; do
        check "$p modify instance" 0 "^Modified process instance with key '$instance'" "$WEIR" zeebe modify instance "$instance" \
            --activate 'second={"g":1}' --address "$at"
    done
    next_variables "the elements were activated with their variables" 'v[0] == v[1] == {"a": 1, "g": 1}'
    check "$p modify instance by a plan" 0 '^\{\}$' "$WEIR" zeebe modify instance "${I#* }" -o json --address "$at" \
        --plan '{"activateInstructions": [{"elementId": "second"}]}'
    check "$p migrate instance" 0 "^Migrated process instance with key '${I% *}'" "$WEIR" zeebe migrate instance "${I% *}" \
        --target-definition "${D% *}" --map first=first --map second=second --address "$at"
    check "$p create instance in the middle" 0 processInstanceKey "$WEIR" zeebe create instance side_by_side \
        --start-instruction second --address "$at"
    check "$p a result that does not come in time" 75 'Time out between gateway and broker' "$WEIR" zeebe create instance side_by_side \
        --with-result --request-timeout 2s --address "$at"
    check "$p activate jobs without a wait" 0 '"jobs": \[\]' "$WEIR" zeebe activate jobs nothing --long-poll 0 --address "$at"
    check "$p activate jobs with a short limit" 0 '"jobs": \[\]' "$WEIR" zeebe activate jobs nothing --request-timeout 15s \
        --address "$at"
    check "$p a tenant, where there are none" 65 tenant "$WEIR" zeebe create instance side_by_side --tenant-id t --address "$at"
    check "$p an operation reference" 0 Canceled "$WEIR" zeebe cancel instance "${I% *}" --operation-reference 7 --address "$at"
    away
}

# How many partitions have a leader and are well: a broker that has just elected one may say "Unhealthy" for a moment, to one
# program and not to the next.
well() { [ "$("$WEIR" zeebe status --address "$at" | grep -c ': Leader, Healthy')" = "$1" ]; }

for version in ${ZBCTL_BROKERS:-8.5.8 8.6.0}; do
    p="zbctl, $version:"
    has "$p" everything "$version" || continue
    start_broker "$version"
    broker_up "$p" -plaintext || continue
    at=127.0.0.1:$BROKER_PORT
    until_true 60 well 1 || { FAIL "$p start" "its partition is not healthy"; continue; }
    I= J= D=
    same_commands
    same_jobs
    same_failures
    more_than_zbctl
    end "$BROKER_PID"
done

# Jobs of two partitions come in messages of their own; both programs make one document of them.
p="zbctl, 8.6.0, two partitions:"
has "$p" everything 8.6.0 || exit 0
start_broker 8.6.0 ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT=2
at=127.0.0.1:$BROKER_PORT
if ! broker_up "$p" -plaintext || ! until_true 60 well 2; then
    FAIL "$p start" "not both partitions have a leader"
    exit 1
fi
check "$p deploy" 0 side_by_side "$WEIR" zeebe deploy "$HERE/side_by_side.bpmn" --request-timeout 50s --address "$at"
made=0
make_one() { "$WEIR" zeebe create instance side_by_side --request-timeout 5s --address "$at" >"$WORK/out" 2>"$WORK/err"; }
while [ "$made" -lt 8 ]; do
    until_true 90 make_one || { FAIL "$p create instance" "$(head -1 "$WORK/err")"; exit 1; }
    made=$((made + 1))
done
partitions='len(set(int(j["key"]) >> 51 for j in a["jobs"]))'
all_there() { # PROGRAM...: jobs of both partitions in one document
    [ "$("$@" activate jobs first --maxJobsToActivate 8 --timeout 1s --address "$at" | json "$partitions")" = 2 ]
}
for who in zbctl weir; do
    if [ "$who" = weir ]; then set -- "$WEIR" zeebe; else set -- "$ZBCTL" --insecure; fi
    # A lock of one second: the next has them again.
    if until_true 30 all_there "$@"; then
        ok "$p $who merges the jobs of both"
    else
        FAIL "$p $who merges the jobs of both" "they were never in one document"
    fi
done
