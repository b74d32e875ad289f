# Sourced after checks.sh: the order process (order/order.bpmn) run through by workers of several makers, and their results
# beside each other. It has three service tasks, a failure with a try left, a thrown error, a message and a timer.
# shellcheck shell=sh

PYZEEBE=$CACHE/pyzeebe-4.7.0/bin/python
fetch_pyzeebe() { fetch_python pyzeebe-4.7.0 pyzeebe==4.7.0; }

# deploy ADDRESS FILE [flag...]
deploy() {
    deploy_at=$1 file=$2
    shift 2
    "$WEIR" zeebe call DeployResource --address "$deploy_at" "$@" --data "{\"resources\": [{\"name\": \"$(basename "$file")\",
        \"content\": \"$(base64 -w0 "$file")\"}]${TENANT:+, \"tenantId\": \"$TENANT\"}}" >"$WORK/out" 2>&1 ||
        { FAIL "$p deploy $(basename "$file")" "$(head -1 "$WORK/out")"; return 1; }
}

# order ADDRESS RUNNER CARD: one order to its end; prints CARD VARIABLES.
order() {
    "$WEIR" zeebe call PublishMessage --address "$1" --data "{\"name\": \"order-paid\", \"correlationKey\": \"$2-$3\",
        \"timeToLive\": 60000, \"variables\": \"{\\\"paid\\\": true}\"}" >/dev/null || return
    "$WEIR" zeebe call CreateProcessInstanceWithResult --address "$1" --request-timeout 60s --data "{\"requestTimeout\": 50000,
        \"request\": {\"bpmnProcessId\": \"order\", \"version\": -1,
        \"variables\": \"{\\\"order\\\": \\\"$2-$3\\\", \\\"card\\\": \\\"$3\\\", \\\"items\\\": 3}\"}}" |
        json '"'"$3"' " + a["variables"]'
}

# alike RUNNER: its results without its name, members sorted, the same order of lines.
alike() {
    sort "$WORK/orders.$1" | sed "s/$1-/runner-/" | while read -r card variables; do
        echo "$card $(echo "$variables" | json 'json.dumps(a, sort_keys=True, ensure_ascii=False)')"
    done
}

# What it must come to; numbers exact.
expected_orders() {
    cat <<'J'
bad {"card": "bad", "declined": "bad", "items": 3, "order": "runner-bad", "paid": true, "parcel": {"number": 9007199254740993, "to": "Zürich"}, "reserved": 3, "retries": 1}
good {"card": "good", "charged": "EUR", "items": 3, "order": "runner-good", "paid": true, "parcel": {"number": 9007199254740993, "to": "Zürich"}, "reserved": 3, "retries": 1}
J
}

# results PREFIX RUNNER: of $WORK/orders.RUNNER beside what is expected, and beside pyzeebe's if there is one.
results() {
    alike "$2" >"$WORK/alike.$2"
    expected_orders >"$WORK/alike.expected"
    same "$1 orders by $2 end as they must" "$WORK/alike.$2" "$WORK/alike.expected"
    [ "$2" = pyzeebe ] || [ ! -s "$WORK/alike.pyzeebe" ] ||
        same "$1 orders by $2 end as pyzeebe's" "$WORK/alike.$2" "$WORK/alike.pyzeebe"
}

# run_orders PREFIX ADDRESS RUNNER PID...: both orders at once, with the workers of these processes, which must then end with 0.
run_orders() {
    p=$1 at=$2 runner=$3
    shift 3
    order "$at" "$runner" good >"$WORK/good.$runner" 2>"$WORK/good.err" &
    good=$!
    order "$at" "$runner" bad >"$WORK/bad.$runner" 2>"$WORK/bad.err" || cat "$WORK/bad.err"
    wait "$good" || cat "$WORK/good.err"
    cat "$WORK/good.$runner" "$WORK/bad.$runner" >"$WORK/orders.$runner"
    results "$p" "$runner"
    for pid in "$@"; do
        kill -TERM "$pid" 2>/dev/null
        wait "$pid" && status=0 || status=$?
        [ "$status" = 0 ] && ok "$p orders by $runner: SIGTERM ends a worker with 0" ||
            FAIL "$p orders by $runner: SIGTERM ends a worker with 0" "ended with $status: $(tail -2 "$WORK/worker.$pid" | tr '\n' ' ')"
    done
}

# worker COMMAND...: in the background, its output in $WORK/worker.PID.
worker() {
    WORKERS=$((${WORKERS:-0} + 1))
    start "$WORK/out.$WORKERS" "$@"
    ln -sf "out.$WORKERS" "$WORK/worker.$STARTED"
}
work() { worker "$WEIR" zeebe work "$@"; }

orders_by_pyzeebe() { # PREFIX ADDRESS
    has "$1 pyzeebe 4.7.0:" fetch_pyzeebe || return
    timeout 100 "$PYZEEBE" "$HERE/order/pyzeebe_order.py" "$2" pyzeebe >"$WORK/orders.pyzeebe" 2>"$WORK/err" ||
        FAIL "$1 orders by pyzeebe" "$(tail -1 "$WORK/err")"
    results "$1" pyzeebe
}

orders_by_library() { # PREFIX ADDRESS
    worker "$BUILD/tests/peers/peer_order" "$2"
    library=$STARTED
    run_orders "$1" "$2" library "$library"
    # Two orders: each reserved twice, one of them declined.
    for line in 'reserve: completed 2, failed 2, thrown 0' 'charge: completed 1, failed 0, thrown 1' 'ship: completed 2, failed 0'; do
        grep -q "order-$line" "$WORK/worker.$library" && ok "$1 orders by library: $line" ||
            FAIL "$1 orders by library: $line" "$(tr '\n' ' ' <"$WORK/worker.$library")"
    done
}

# The three ways that weir has to run a handler, each with each that it can do.
orders_by_program() { # PREFIX ADDRESS
    h="python3 $HERE/order/handler.py"
    # shellcheck disable=SC2086 # $h is a list of words
    { work order-reserve --address "$2" --retry-backoff 100ms -- $h plain; reserve=$STARTED; }
    work order-charge --address "$2" --coprocess "$h coprocess"
    charge=$STARTED
    work order-ship --address "$2" --complete '{"parcel": {"number": 9007199254740993, "to": "Zürich"}}'
    run_orders "$1" "$2" commands "$reserve" "$charge" "$STARTED"
    work order-reserve --address "$2" --coprocess "$h coprocess"
    reserve=$STARTED
    # shellcheck disable=SC2086
    { work order-charge --address "$2" --outcomes -- $h outcomes; charge=$STARTED; }
    work order-ship --address "$2" --exec "$h plain"
    run_orders "$1" "$2" outcomes "$reserve" "$charge" "$STARTED"
}

orders() { # PREFIX ADDRESS
    deploy "$2" "$HERE/order/order.bpmn" || return
    orders_by_pyzeebe "$1" "$2"
    orders_by_library "$1" "$2"
    orders_by_program "$1" "$2"
}
