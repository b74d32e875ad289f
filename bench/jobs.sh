# Sourced by bench/run: workers on one gateway that always has jobs, weir's and those of others. Writes $WORK/jobs, of
# which each line is MODE ROW and what go/jobs prints.
# shellcheck shell=sh

ACTIVE=32

# worked MODE ROW COMMAND...: the gateway starts the worker and measures it.
worked() {
    mode=$1 row=$2
    shift 2
    if "$GATEWAY" "$mode" $ACTIVE "$least" "$most_ms" "$@" >"$WORK/out" 2>"$WORK/err"; then
        echo "$mode $row $(cat "$WORK/out")" >>"$WORK/jobs"
    else
        fault "$row" "$mode"
    fi
}

weir_worker() { # MODE ROW THREADS
    worked "$1" "$2" "$BUILT/bench/bench_worker" "$1" @address $ACTIVE "$3"
}

weir_program() { # MODE ROW FLAG...
    mode=$1 row=$2
    shift 2
    [ "$mode" = stream ] || set -- "$@" --poll-only
    worked "$mode" "$row" "$BUILT/src/cli/weir" zeebe work bench --address @address --insecure \
        --max-jobs-active $ACTIVE "$@"
}

java_worker() { # MODE: with the heap and collector that suit it best here
    worked "$1" java "$JAVA" -Xmx64m -XX:+UseSerialGC -cp "$JAVA_WORKER:$JAVA_WORKER/lib/*" Worker "$1" @address $ACTIVE
}

node_worker() { # MODE ROW VERSION
    worked "$1" "$2" env NODE_PATH="$NODE_WORKERS/$2-$3/node_modules" node "$HERE/workers/node/$2.js" "$1" @address $ACTIVE
}

work() { # MODE ROW
    case $2 in
    weir-1) weir_worker "$1" weir-1 1 ;;
    weir-4) weir_worker "$1" weir-4 4 ;;
    weir-next) weir_worker "$1" weir-next 0 ;;
    weir-complete) weir_program "$1" weir-complete --complete '{}' ;;
    weir-coprocess) weir_program "$1" weir-coprocess --concurrency $ACTIVE \
        --coprocess "$BUILT/bench/bench_coprocess" ;;
    go-worker) [ "$1" = stream ] || { have go-worker && worked "$1" go-worker "$GO_WORKER" "$1" @address $ACTIVE; } ;;
    pyzeebe) have pyzeebe && worked "$1" pyzeebe "$PYTHON_WORKER" "$HERE/workers/python/worker.py" "$1" @address $ACTIVE ;;
    java) have java && java_worker "$1" ;;
    zeebe-node) [ "$1" = stream ] || { have zeebe-node && node_worker "$1" zeebe-node "$ZEEBE_NODE"; } ;;
    camunda8) have camunda8 && node_worker "$1" camunda8 "$CAMUNDA8_SDK" ;;
    esac
}

# Every other round the other way round, so that nobody always comes first.
round_of_jobs() { # ROUND
    rows="weir-1 go-worker weir-4 pyzeebe weir-next java weir-complete zeebe-node weir-coprocess camunda8"
    [ $(($1 % 2)) = 1 ] ||
        rows="camunda8 weir-coprocess zeebe-node weir-complete java weir-next pyzeebe weir-4 go-worker weir-1"
    for mode in poll stream; do
        for row in $rows; do
            work "$mode" "$row"
        done
    done
}

measure_jobs() { # ROUNDS
    least=$((4000 / share)) most_ms=$((share == 1 ? 2400 : 600))
    round=0
    while [ "$round" -lt "$1" ]; do
        round=$((round + 1))
        echo "bench: jobs, round $round of $1" >&2
        round_of_jobs "$round"
    done
}
