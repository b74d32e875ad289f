# Sourced by bench/run: single calls and a stream of messages, by weir and other gRPC clients. Writes $WORK/calls, of
# which each line is ROW COLUMN NS RSS_KB THREADS.
# shellcheck shell=sh

# The server ends when its standard input does.
start_server() {
    mkfifo "$WORK/in" "$WORK/port"
    GOMAXPROCS=1 "$SERVER" <"$WORK/in" >"$WORK/port" &
    exec 9>"$WORK/in"
    read -r port <"$WORK/port" || return 1
    ADDRESS=127.0.0.1:$port
}

# record ROW COLUMN NS RSS_KB THREADS
record() { echo "$*" >>"$WORK/calls"; }

fault() { # ROW COLUMN
    echo "bench: $1 failed ($2): $(tail -1 "$WORK/err" | cut -c1-300)" >&2
    echo "$1 $2" >>"$WORK/faults"
}

# timed ROW COLUMN MODE IN_FLIGHT WARM_UP COUNT COMMAND...: a client that measures itself.
timed() {
    row=$1 column=$2 mode=$3 in_flight=$4 warm_up=$5 count=$6
    shift 6
    if used=$("$WATCH" "$WORK/out" "$@" "$mode" "$ADDRESS" "$in_flight" "$warm_up" "$count" 2>"$WORK/err"); then
        case $column in
        first) record "$row" first "${used%% *}" 0 0 ;;
        # shellcheck disable=SC2046 # three words
        *) record "$row" "$column" $(cat "$WORK/out") ;;
        esac
    else
        fault "$row" "$column"
    fi
}

# h2load does not measure itself: what a long run takes beyond a short one.
h2load_used() { # IN_FLIGHT REQUESTS RPC BODY
    "$WATCH" "$WORK/out" h2load -n "$2" -c 1 -t 1 -m "$1" -w 20 -W 24 -d "$4" -H 'te: trailers' \
        -H 'content-type: application/grpc' "http://$ADDRESS/gateway_protocol.Gateway/$3" 2>"$WORK/err" || return 1
    grep -q " $2 succeeded" "$WORK/out" || { grep requests: "$WORK/out" >"$WORK/err" && return 1; }
}

between() { # COLUMN COUNT SHORT LONG: as printed by watch
    echo "$3 $4" | awk -v count="$2" '{printf "%d %d %d\n", ($8 - $3) / count, $10, $9}'
}

h2load_calls() { # COLUMN IN_FLIGHT WARM_UP COUNT
    short=$(h2load_used "$2" "$3" Topology "$WORK/empty") &&
        long=$(h2load_used "$2" $(($3 + $4)) Topology "$WORK/empty") || { fault h2load "$1" && return; }
    # shellcheck disable=SC2046 # three words
    record h2load "$1" $(between "$1" "$4" "$short" "$long")
}

h2load_stream() { # WARM_UP COUNT
    jobs_request "$1" >"$WORK/few"
    jobs_request $(($1 + $2)) >"$WORK/lots"
    short=$(h2load_used 1 1 StreamActivatedJobs "$WORK/few") &&
        long=$(h2load_used 1 1 StreamActivatedJobs "$WORK/lots") || { fault h2load stream && return; }
    # shellcheck disable=SC2046 # three words
    record h2load stream $(between stream "$2" "$short" "$long")
}

h2load_first() {
    used=$(h2load_used 1 1 Topology "$WORK/empty") || { fault h2load first && return; }
    record h2load first "$(echo "$used" | cut -d' ' -f2)" 0 0
}

octal() { # NUMBER...: these bytes
    for byte in "$@"; do
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf %o "$byte")"
    done
}

# A gRPC message with StreamActivatedJobsRequest.timeout (field 3, a varint of up to 28 bits) = N.
jobs_request() {
    octal 0 0 0 0 5 24 $(($1 % 128 + 128)) $(($1 / 128 % 128 + 128)) $(($1 / 16384 % 128 + 128)) $(($1 / 2097152))
}

one() { # ROW
    case $1 in
    weir) timed weir one calls 1 "$warm" "$single" "$weir" ;;
    weir-typed) timed weir-typed one typed 1 "$warm" "$single" "$weir" ;;
    weir-callbacks) timed weir-callbacks one callbacks 1 "$warm" "$single" "$weir" ;;
    h2load) have h2load && h2load_calls one 1 "$warm" "$single" ;;
    core) have core && timed core one calls 1 "$warm" "$single" "$CORE" ;;
    go) have go && timed go one calls 1 "$warm" "$single" "$GO_CLIENT" ;;
    aio) have aio && timed aio one calls 1 "$warm" "$few" "$PYTHON" "$HERE/python/client.py" ;;
    esac
}

many() { # ROW
    case $1 in
    weir-window) timed weir-window many window 128 "$warm" "$lots" "$weir" ;;
    weir-callbacks) timed weir-callbacks many callbacks 128 "$warm" "$lots" "$weir" ;;
    h2load) have h2load && h2load_calls many 128 "$warm" "$lots" ;;
    core) have core && timed core many calls 128 "$warm" "$lots" "$CORE" ;;
    go) have go && timed go many calls 128 "$warm" "$lots" "$GO_CLIENT" ;;
    aio) have aio && timed aio many calls 128 "$warm" "$few" "$PYTHON" "$HERE/python/client.py" ;;
    esac
}

stream() { # ROW
    case $1 in
    weir) timed weir stream stream 1 "$warm" "$messages" "$weir" ;;
    h2load) have h2load && h2load_stream "$warm" "$messages" ;;
    core) have core && timed core stream stream 1 "$warm" "$messages" "$CORE" ;;
    go) have go && timed go stream stream 1 "$warm" "$messages" "$GO_CLIENT" ;;
    aio) have aio && timed aio stream stream 1 "$warm" "$few" "$PYTHON" "$HERE/python/client.py" ;;
    esac
}

first() { # ROW
    case $1 in
    weir) timed weir first first 1 0 1 "$weir" ;;
    weir-typed) timed weir-typed first first-typed 1 0 1 "$weir" ;;
    h2load) have h2load && h2load_first ;;
    core) have core && timed core first first 1 0 1 "$CORE" ;;
    go) have go && timed go first first 1 0 1 "$GO_CLIENT" ;;
    aio) have aio && timed aio first first 1 0 1 "$PYTHON" "$HERE/python/client.py" ;;
    esac
}

# Every other round the other way round, so that nobody always comes first.
round_of_calls() { # ROUND
    rows="weir h2load weir-typed weir-window weir-callbacks core go aio"
    [ $(($1 % 2)) = 1 ] || rows="aio go core weir-callbacks weir-window weir-typed h2load weir"
    for column in one many stream first; do
        for row in $rows; do
            "$column" "$row"
        done
    done
}

measure_calls() { # ROUNDS
    start_server || return 1
    weir=$BUILT/bench/bench_weir
    lots=$((100000 / share)) single=$((20000 / share)) messages=$((200000 / share)) few=$((10000 / share))
    warm=$((5000 / share))
    octal 0 0 0 0 0 >"$WORK/empty"
    round=0
    while [ "$round" -lt "$1" ]; do
        round=$((round + 1))
        echo "bench: calls, round $round of $1" >&2
        round_of_calls "$round"
    done
    exec 9>&-
}
