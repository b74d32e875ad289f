# Sourced by bench/run: events of a Salesforce-like server, taken by weir and by other clients. Writes $WORK/events, of which
# each line is SIZE AN_ANSWER ROW CPU_NS_EACH EVENTS_A_SECOND RSS_KB, and $WORK/events.more, which says the rest.
# shellcheck shell=sh

CACHE=${PEERS%/bench}
CLIENTS=$PWD/tests/peers/bayeux
EVENT_CHANNEL=/event/Order__e

fetch_events() {
    skip_unless weir-events test -x "$BUILT/bench/bench_events"
    skip_unless cometd-java fetch_event_peer cometd_java
    skip_unless cometd-npm fetch_event_peer cometd_npm
    skip_unless jsforce fetch_event_peer jsforce
    skip_unless aiosfstream fetch_event_peer aiosfstream
    have cometd-java && skip_unless cometd-java compile_event_client
}
fetch_event_peer() { WEIR_PEERS_CACHE=$CACHE sh tests/peers/bayeux_fetch.sh "$1"; }
compile_event_client() {
    find_java && "${JAVA}c" --release 17 -nowarn -d "$WORK/classes" -cp "$CACHE/cometd-java-8.0.10/lib/*" "$CLIENTS/Client.java"
}

# The server ends when its standard input does. Its clients log in as anybody.
start_event_server() { # AN_ANSWER SIZE
    rm -f "$WORK/event-in" "$WORK/event-port"
    mkfifo "$WORK/event-in" "$WORK/event-port"
    "$BUILT/bench/bench_events_server" "$1" "$2" <"$WORK/event-in" >"$WORK/event-port" &
    EVENT_SERVER=$!
    exec 8>"$WORK/event-in"
    read -r event_port <"$WORK/event-port" || return 1
    export SALESFORCE_LOGIN_URL="http://localhost:$event_port" SALESFORCE_CLIENT_ID=bench SALESFORCE_CLIENT_SECRET=bench
    export SALESFORCE_USERNAME=bench SALESFORCE_PASSWORD=bench SALESFORCE_API_VERSION=67.0
}

# The client of a ROW takes COUNT events, and writes each as a line of JSON to /dev/null (the floor: what comes, as it is).
# What it has used is in $WORK/used, as watch prints it.
client_of() { # ROW COUNT
    set -- "$1" "$2" "$WORK/positions"
    rm -f "$3"*
    case $1 in
    floor) to_null "$BUILT/bench/bench_events_floor" "$SALESFORCE_LOGIN_URL/cometd/67.0" $(($2 / an_answer)) ;;
    weir) to_null "$BUILT/bench/bench_events" "$EVENT_CHANNEL" "$2" ;;
    weir-store) to_null "$BUILT/bench/bench_events" "$EVENT_CHANNEL" "$2" "$3" ;;
    weir-cli) to_null "$BUILT/src/cli/weir" salesforce listen "$EVENT_CHANNEL" --replay all --count "$2" ;;
    weir-cli-store) to_null "$BUILT/src/cli/weir" salesforce listen "$EVENT_CHANNEL" --replay all --count "$2" --store "$3" ;;
    cometd-npm) to_null node "$CLIENTS/cometd.mjs" "$CACHE/cometd-9.0.0" salesforce "$EVENT_CHANNEL" -2 "$2" ;;
    cometd-java) to_null "$JAVA" -Xmx256m -XX:+UseSerialGC -cp "$WORK/classes:$CACHE/cometd-java-8.0.10/lib/*" Client salesforce \
        "$EVENT_CHANNEL" -2 "$2" ;;
    jsforce) to_null node "$CLIENTS/jsforce.mjs" "$CACHE/jsforce-3.10.16" "$EVENT_CHANNEL" -2 "$2" ;;
    aiosfstream) to_null "$CACHE/aiosfstream-0.5.0/bin/python" "$CLIENTS/aio.py" "$EVENT_CHANNEL" -2 "$2" ;;
    aiosfstream-store) to_null "$CACHE/aiosfstream-0.5.0/bin/python" "$CLIENTS/aio.py" "$EVENT_CHANNEL" -2 "$2" - "$3" ;;
    esac
}
to_null() {
    timeout 300 "$WATCH" "$WORK/out" sh -c 'exec "$@" >/dev/null' sh "$@" >"$WORK/used" 2>"$WORK/err"
}

# A fifth of the work is deducted from the whole, and with it start-up, login and what a compiler at run time needs at first.
taken() { # ROW COUNT
    taken_some=$(($2 / 5))
    client_of "$1" "$taken_some" && few_used=$(cat "$WORK/used") && client_of "$1" "$2" && lots_used=$(cat "$WORK/used") ||
        { fault "$1" "$size-$an_answer" && return; }
    echo "$few_used $lots_used" | awk -v of="$size $an_answer $1" -v count="$(($2 - taken_some))" '{
        cpu = $8 - $3; wall = $7 - $2
        printf "%s %d %d %d\n", of, cpu / count, (wall > 0 ? count * 1e9 / wall : 0), $10
    }' >>"$WORK/events"
}

take_events() { # ROW: slow ones take fewer
    case $an_answer in
    1) events=8000 ;;
    10) events=40000 ;;
    *) events=100000 ;;
    esac
    case $1 in
    floor | weir*) events=$((events * 10)) ;;
    aiosfstream*) events=$((events / 2)) ;;
    esac
    case $1 in
    floor | weir*) have weir-events || [ "$1" = floor ] || return ;;
    aiosfstream*) have aiosfstream || return ;;
    *) have "$1" || return ;;
    esac
    taken "$1" $((events / share))
}

# Every other round the other way round, so that nobody always comes first.
round_of_events() { # ROUND
    rows="floor weir cometd-npm weir-store jsforce weir-cli cometd-java weir-cli-store aiosfstream aiosfstream-store"
    [ $(($1 % 2)) = 1 ] ||
        rows="aiosfstream-store aiosfstream weir-cli-store cometd-java weir-cli jsforce weir-store cometd-npm weir floor"
    for size in 600 4096; do
        for an_answer in 1 10 100; do
            start_event_server "$an_answer" "$size" || return 1
            for row in $rows; do take_events "$row"; done
            server_used
            exec 8>&-
        done
    done
}

# The server's own CPU, so that it is seen not to be the limit.
server_used() {
    ticks=$(sed 's/.*) //' "/proc/$EVENT_SERVER/stat" | awk '{print $12 + $13}')
    echo "server $size $an_answer $ticks" >>"$WORK/events.more"
}

# What a subscription needs: the memory of 1,000 of them.
measure_subscriptions() {
    have weir-events || return
    start_event_server 0 600 || return 1
    if "$BUILT/bench/bench_events" subscriptions 1000 >"$WORK/out" 2>"$WORK/err"; then
        echo "subscriptions $(cat "$WORK/out")" >>"$WORK/events.more"
    else
        fault weir subscriptions
    fi
    exec 8>&-
}

measure_events() { # ROUNDS
    round=0
    while [ "$round" -lt "$1" ]; do
        round=$((round + 1))
        echo "bench: events, round $round of $1" >&2
        round_of_events "$round"
    done
    measure_subscriptions
}
