#!/bin/sh
# Salesforce clients of other makers against our sandbox: what they were made for and tested with must be what it does.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/bayeux_tools.sh"
. "$HERE/sandbox.sh"

# hear CHANNEL FROM COUNT [FALLBACK]: the client $c in the background, into $WORK/out and $WORK/err; HEARING is its process.
hear() {
    case $c in
    aiosfstream) set -- "$AIOSFSTREAM/bin/python" "$PARTS/aio.py" "$@" ;;
    jsforce) set -- node "$PARTS/jsforce.mjs" "$JSFORCE" "$1" "$2" "$3" ;;
    cometd-npm) set -- node "$PARTS/cometd.mjs" "$COMETD_NPM" salesforce "$1" "$2" "$3" ;;
    cometd-java) set -- "$JAVA17/bin/java" -XX:TieredStopAtLevel=1 -cp "$CLASSES" Client salesforce "$1" "$2" "$3" ;;
    nforce) set -- node "$PARTS/nforce.mjs" "$NFORCE" "${1#/topic/}" "$2" "$3" ;;
    esac
    : >"$WORK/err" # what the one before has said is not this one's
    : >"$WORK/out"
    start "$WORK/err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/out" "$@"
    HEARING=$STARTED
}
is_subscribed() { [ "$(grep -c '^subscribed' "$WORK/err")" -ge "${1:-1}" ]; }
lines() { [ "$(wc -l <"$WORK/out")" -ge "$1" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# heard NAME FROM TO [again]: these events, each once and in order; then the client is gone.
heard() {
    until_true 25 gone "$HEARING" || end "$HEARING"
    why=$(python3 "$PARTS/numbers.py" "$WORK/out" "$2" "$3" ${4:-} 2>&1) && ok "$p $1" || FAIL "$p $1" "$why; $(tail -1 "$WORK/err" | cut -c1-200)"
}
said() { # NAME PATTERN
    until_true 20 grep -Eq "$2" "$WORK/err" && ok "$p $1" || FAIL "$p $1" "nothing like '$2': $(tail -2 "$WORK/err" | cut -c1-300)"
}
listening() { # NAME CHANNEL
    hear "$2" -1 "$3"
    until_true 25 is_subscribed && return 0
    FAIL "$p $1" "not subscribed: $(tail -1 "$WORK/err" | cut -c1-200)"
    end "$HEARING"
    return 1
}

replays() { # CHANNEL
    : >"$WORK/ids"
    emit_numbers "$1" 1 10
    hear "$1" -2 10
    heard "what is retained, with -2" 1 10
    after=$(sed -n 6p "$WORK/ids")
    name="what is new, with -1"
    listening "$name" "$1" 10 && emit_numbers "$1" 11 20 && heard "$name" 11 20
    hear "$1" "$after" 14
    heard "what came after an id" 7 20
    hear "$1" 999999999 1
    said "an id that is none is refused with 400 and the id" "400.*replayId.*999999999"
    end "$HEARING"
}

# The session is lost between events: the client shakes hands anew and misses nothing.
loses_session() { # CHANNEL
    name="403 for an unknown client: a new handshake"
    listening "$name" "$1" 20 || return
    emit_numbers "$1" 21 30
    until_true 20 lines 10 || { FAIL "$p $name" "not the first events" && return; }
    sandbox_now kill
    emit_numbers "$1" 31 40
    heard "$name" 21 40
}

token_refused() { # CHANNEL
    name="401 when the token has expired"
    listening "$name" "$1" 20 || return
    emit_numbers "$1" 41 50
    until_true 20 lines 10 || { FAIL "$p $name" "not the first events" && return; }
    sandbox_now expire
    emit_numbers "$1" 51 60 # the connect that is held is answered, the next one refused
    if [ "$c" = aiosfstream ]; then
        heard "$name: a new token, and no event is lost" 41 60
    else
        said "$name: the client is told" '401'
        end "$HEARING"
    fi
}

wrong_password() { # CHANNEL
    right=$SALESFORCE_PASSWORD
    export SALESFORCE_PASSWORD=wrong
    hear "$1" -1 1
    export SALESFORCE_PASSWORD="$right"
    said "a wrong password is refused as invalid_grant" invalid_grant
    end "$HEARING"
}

client_checks() { # CHANNEL
    replays "$1"
    # nforce asks for what is new whenever it subscribes, so what came meanwhile is lost to it; a refused token it does not tell.
    if [ "$c" != nforce ]; then
        loses_session "$1"
        token_refused "$1"
    fi
    wrong_password "$1"
}

fallback() { # CHANNEL
    hear "$1" 999999999 10 -2
    heard "a wrong id falls back to all" 1 10
}

# Both at once, through a lost session and expired tokens: the same events, by number and by replay id.
asked() { [ "$("$WEIR" sandbox requests | grep -c '"salesforce.subscribe"')" -ge "$1" ]; }
beside() {
    c=aiosfstream p="weir beside aiosfstream:" before=$("$WEIR" sandbox requests | grep -c '"salesforce.subscribe"')
    : >"$WORK/ours"
    start "$WORK/ours.err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/ours" "$WEIR" salesforce listen /event/Both__e \
        --replay new --count 100
    OURS=$STARTED
    hear /event/Both__e -1 100
    until_true 30 asked $((before + 2)) || FAIL "$p start" "no two subscriptions: $(tail -1 "$WORK/ours.err" "$WORK/err")"
    emit_numbers /event/Both__e 1 40
    until_true 20 lines 40
    sandbox_now kill
    emit_numbers /event/Both__e 41 70
    until_true 20 lines 70
    sandbox_now expire
    emit_numbers /event/Both__e 71 100
    heard "aiosfstream has them" 1 100
    until_true 25 gone "$OURS" || end "$OURS"
    why=$(python3 "$PARTS/numbers.py" "$WORK/ours" 1 100 2>&1) && ok "$p weir has them" ||
        FAIL "$p weir has them" "$why; $(tail -1 "$WORK/ours.err")"
    for side in ours out; do
        python3 -c 'import json, sys
for line in open(sys.argv[1]):
    message = json.loads(line)
    print(json.dumps([message["channel"], message["data"]], sort_keys=True))' "$WORK/$side" >"$WORK/$side.same"
    done
    cmp -s "$WORK/ours.same" "$WORK/out.same" && ok "$p the same events, member by member" ||
        FAIL "$p the same events, member by member" "$(diff "$WORK/ours.same" "$WORK/out.same" | head -2 | cut -c1-300)"
}

# Answers with events that are cut on their way: aiosfstream and the others lose those.
cut_short() {
    p="weir on the sandbox:"
    : >"$WORK/ours"
    start "$WORK/ours.err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/ours" "$WEIR" salesforce listen /event/Cut__e \
        --replay all --count 40
    OURS=$STARTED
    for from in 1 11 21 31; do
        "$WEIR" sandbox fault salesforce.connect 1 cut:body
        emit_numbers /event/Cut__e "$from" $((from + 9))
    done
    until_true 30 gone "$OURS" || end "$OURS"
    why=$(python3 "$PARTS/numbers.py" "$WORK/ours" 1 40 2>&1) && ok "$p answers cut on the way cost no event" ||
        FAIL "$p answers cut on the way cost no event" "$why; $(tail -1 "$WORK/ours.err")"
}

with() { # NAME VERSION FETCH CHANNEL
    c=$1 p="$1 $2 on the sandbox:"
    has "$p" "$3" || return
    if [ "$1" = cometd-java ]; then compile_java || return; fi
    client_checks "$4"
}

start_sandbox || { FAIL "the sandbox" "$(tail -2 "$WORK/sandbox.err")"; exit 1; }
with aiosfstream 0.5.0 fetch_aiosfstream /event/Aio__e && fallback /event/Aio__e && beside
cut_short
with cometd-npm 9.0.0 fetch_cometd_npm /data/AccountChangeEvent
with cometd-java 8.0.10 fetch_cometd_java /u/Java
with jsforce 3.10.16 fetch_jsforce /event/Js__e
with nforce 1.13.0 fetch_nforce /topic/Numbers
exit 0
