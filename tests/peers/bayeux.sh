#!/bin/sh
# Bayeux servers of other makers: CometD's Java server (long polling, WebSocket, acknowledge extension), CometD's npm server, faye.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/bayeux_tools.sh"
. "$HERE/bayeux_checks.sh"
. "$HERE/certs.sh"

npm_server_tools() { fetch_cometd_server && fetch_cometd_npm; }
faye_tools() { fetch_faye && fetch_cometd_npm; }

# subscribed CHANNEL COUNT: the server knows so many of them.
subscribed() { [ "$(steer /subscribers "channel=$1")" -ge "$2" ]; }

# their_own NAME CHANNEL COMMAND...: the server is well: a client of its makers gets what is published there.
their_own() {
    own_name=$1 own_channel=$2
    shift 2
    start "$WORK/own.err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/own.out" "$@"
    until_true 20 subscribed "$own_channel" 1 || { FAIL "$p $own_name" "not subscribed: $(tail -1 "$WORK/own.err")"; return 1; }
    steer /publish "channel=$own_channel&count=50" >/dev/null
    until_true 20 sh -c '! kill -0 "$1" 2>/dev/null' sh "$STARTED" || end "$STARTED"
    why=$(python3 "$PARTS/numbers.py" "$WORK/own.out" 1 50 2>&1) && ok "$p $own_name" || FAIL "$p $own_name" "$why"
}
own_java() { # TRANSPORT
    their_own "CometD's own client gets 50 events by $1" "/own/java/$1" "$JAVA17/bin/java" -XX:TieredStopAtLevel=1 \
        -cp "$CLASSES" Client "$PEER" "/own/java/$1" - 50 "$1"
}
own_npm() { # TRANSPORT
    their_own "CometD's JavaScript client gets 50 events by $1" "/own/npm/$1" node "$PARTS/cometd.mjs" "$COMETD_NPM" \
        "$PEER" "/own/npm/$1" - 50 "$1"
}

# started COMMAND...
started() {
    "$@" >"$WORK/why" 2>&1 || { FAIL "$p start" "$(cat "$WORK/why" "$WORK/server.log" 2>/dev/null | head -3 | tr '\n' ' ')"; return 1; }
    SERVER=$STARTED
}

cometd_java() {
    compile_java || { FAIL "$p start" "its Java does not compile (above)"; return; }
    started start_cometd_java both || return
    own_java long-polling
    own_java websocket
    library long-polling service refuses read-only disconnects
    library websocket service refuses read-only disconnects
    command auto
    lossy long-polling
    lossy websocket
    has "$p TLS:" need nginx openssl && behind_tls
    end "$SERVER"
    only polling auto
    only websocket websocket
}

# A server that takes one transport only. Of "auto" it gets the one it takes.
only() { # WHICH TRANSPORT
    q=$p p="$p $1 only:"
    if started start_cometd_java "$1"; then command "$2" && end "$SERVER"; fi
    p=$q
}

cometd_npm() {
    started start_npm_server cometd || return
    own_npm long-polling
    library long-polling service refuses read-only disconnects
    command auto
    lossy long-polling
    end "$SERVER"
}

faye() {
    started start_npm_server faye || return
    own_npm websocket
    library long-polling refuses
    library websocket refuses
    command auto
    end "$SERVER"
}

p="CometD Java 8.0.10:"
has "$p" fetch_cometd_java && cometd_java
p="CometD npm server 1.2.1:"
has "$p" npm_server_tools && cometd_npm
p="faye 1.4.3:"
has "$p" faye_tools && faye
exit 0
