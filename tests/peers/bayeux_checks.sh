# Sourced by cometd.sh and faye.sh: the servers' own clients, and weir, the library and the command, on the server that was started
# last ($PEER, $CONTROL, $p).
# shellcheck shell=sh

# subscribed CHANNEL COUNT: the server knows so many of them.
subscribed() { [ "$(steer /subscribers "channel=$1")" -ge "$2" ]; }

# their_own NAME CHANNEL COMMAND...: the server is well: a client of its makers gets what is published there.
their_own() {
    own_name=$1 own_channel=$2
    shift 2
    : >"$WORK/own.out"
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

library() { # TRANSPORT FEATURE...
    timeout 400 "$BUILD/tests/peers/peer_bayeux" "$p library, $1:" "$PEER" "$1" "$CONTROL" "$@" >"$WORK/out" 2>"$WORK/err" && status=0 ||
        status=$?
    judged "library, $1"
}

# judged NAME: what a program that judges itself has said.
judged() {
    cat "$WORK/out"
    [ "$status" = 0 ] || FAILED=1
    [ "$status" -le 1 ] || FAIL "$p $1" "ended with $status: $(tail -2 "$WORK/err" | tr '\n' ' ')"
    grep -q '^ok' "$WORK/out" || FAIL "$p $1" "nothing passed"
}

lossy() { # TRANSPORT
    # shellcheck disable=SC2046 # two words
    set -- "$1" $(free_ports 2)
    start "$WORK/lossy.log" python3 "$PARTS/lossy.py" "$2" "$PEER_PORT" "$3"
    LOSSY=$STARTED
    until_true 10 port_answers "$3" || { FAIL "$p a proxy that loses answers" "$(tail -1 "$WORK/lossy.log")"; return; }
    timeout 300 "$BUILD/tests/peers/peer_bayeux" "$p library, $1:" "http://127.0.0.1:$2/cometd" "$1" "$CONTROL" "lossy=$3" \
        >"$WORK/out" 2>"$WORK/err" && status=0 || status=$?
    judged "a proxy that loses answers"
    end "$LOSSY"
}

# listen CHANNEL COUNT FLAG...: `weir bayeux listen` in the background, into $WORK/heard; LISTENER is its process.
listen() {
    channel=$1 count=$2
    shift 2
    : >"$WORK/heard" # not what the one before has heard
    start "$WORK/listen.err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/heard" "$WEIR" bayeux listen "$PEER" "$channel" \
        --count "$count" "$@"
    LISTENER=$STARTED
    until_true 20 subscribed "$channel" 1
}
heard_lines() { [ "$(wc -l <"$WORK/heard")" -ge "$1" ]; }
publish() { steer /publish "channel=$1&from=$2&count=$3" >/dev/null; } # CHANNEL FROM COUNT

# heard NAME FROM TO: the listener has printed these, in order, and has ended with 0.
heard() {
    until_true 25 sh -c '! kill -0 "$1" 2>/dev/null' sh "$LISTENER" || end "$LISTENER"
    wait "$LISTENER" && ended=0 || ended=$?
    why=$(python3 "$PARTS/numbers.py" "$WORK/heard" "$2" "$3" 2>&1) && [ "$ended" = 0 ] && ok "$p $1" ||
        FAIL "$p $1" "${why:-ended with $ended}; $(tail -2 "$WORK/listen.err" | tr '\n' ' ')"
}

program() { # TRANSPORT FLAG...
    q2=$p p="$p command, $1:" by=$1
    shift
    trial="weir bayeux listen, across a new start of the server"
    if listen "/cli/$by" 40 --transport "$by" "$@"; then
        publish "/cli/$by" 1 20
        until_true 20 heard_lines 20 || :
        steer /down >/dev/null
        steer /up >/dev/null
        until_true 30 subscribed "/cli/$by" 1 || :
        publish "/cli/$by" 21 20
        heard "$trial" 1 40
    else
        FAIL "$p $trial" "not subscribed: $(tail -2 "$WORK/listen.err" | tr '\n' ' ')"
        end "$LISTENER"
    fi
    trial="weir bayeux publish is heard by weir bayeux listen"
    if listen "/pub/$by" 1 --transport "$by" "$@"; then
        check "$p weir bayeux publish" 0 'successful' "$WEIR" bayeux publish "$PEER" "/pub/$by" --data '{"n":1}' --transport "$by" "$@"
        heard "$trial" 1 1
    else
        FAIL "$p $trial" "not subscribed: $(tail -2 "$WORK/listen.err" | tr '\n' ' ')"
        end "$LISTENER"
    fi
    p=$q2
}

# nginx before it: TLS, and the upgrade to WebSocket.
behind_tls() {
    make_certs "$WORK"
    port=$(free_ports 1)
    cat >"$WORK/tls.conf" <<N
daemon off;
worker_processes 1;
pid $WORK/tls.pid;
error_log $WORK/tls.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $WORK/t1; proxy_temp_path $WORK/t2; fastcgi_temp_path $WORK/t3;
    uwsgi_temp_path $WORK/t4; scgi_temp_path $WORK/t5;
    map \$http_upgrade \$onward { default upgrade; '' ''; }
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $WORK/server.pem;
        ssl_certificate_key $WORK/server.key;
        location / {
            proxy_pass http://127.0.0.1:$PEER_PORT;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$onward;
        }
    }
}
N
    start "$WORK/tls.out" nginx -e "$WORK/tls.log" -c "$WORK/tls.conf"
    NGINX=$STARTED
    until_true 20 port_answers "$port" || { FAIL "$p TLS: start" "$(tail -2 "$WORK/tls.log")"; return; }
    q3=$p p="$p TLS:" plain=$PEER
    PEER=https://localhost:$port/cometd
    program long-polling --ca-file "$WORK/ca.pem"
    program websocket --ca-file "$WORK/ca.pem"
    check "$p a server nobody vouches for" 76 'certificate' "$WEIR" bayeux publish "$PEER" /pub/tls --data '{}' --ca-file "$WORK/other.pem"
    p=$q3 PEER=$plain
    end "$NGINX"
}
