#!/bin/sh
# The store in Redis against Debian's redis-server: records, leases, servers that forget, are full, replicas or gone;
# passwords, users, TLS.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"

p="redis:"
# serve NAME OPTION...: a server that keeps nothing on disk unless told; SERVER_PID.
serve() {
    name=$1
    shift
    mkdir -p "$WORK/$name"
    start "$WORK/$name.log" redis-server --bind 127.0.0.1 --dir "$WORK/$name" --save '' --daemonize no "$@"
    SERVER_PID=$STARTED
}
answers() { [ "$(redis-cli -p "$1" PING 2>/dev/null)" = PONG ]; }

plain() {
    port=$(free_ports 1)
    serve plain --port "$port"
    until_true 20 answers "$port" || { FAIL "$p start" "$(tail -2 "$WORK/plain.log")"; return; }
    timeout 120 "$BUILD/tests/peers/peer_redis" "$port" "$SERVER_PID" || FAIL "$p all of it" "ended with $?"
    check "$p a database by number" 0 '' "$BUILD/tests/peers/peer_redis" open "redis://localhost:$port/3"
    check "$p no such database is INVALID" 65 'database' "$BUILD/tests/peers/peer_redis" open "redis://127.0.0.1:$port/99"
    check "$p a password that it does not want is BAD_LOGIN" 77 'password' \
        "$BUILD/tests/peers/peer_redis" open "redis://:x@127.0.0.1:$port"
    redis-cli -p "$port" CONFIG SET requirepass 'p@ss/w:rd %' >/dev/null
    check "$p no password is BAD_LOGIN" 77 'NOAUTH' "$BUILD/tests/peers/peer_redis" open "redis://127.0.0.1:$port"
    check "$p a wrong password is BAD_LOGIN" 77 'WRONGPASS' \
        "$BUILD/tests/peers/peer_redis" open "redis://:no@127.0.0.1:$port"
    check "$p a password with odd characters" 0 '' \
        "$BUILD/tests/peers/peer_redis" open "redis://:p%40ss%2Fw%3Ard%20%25@127.0.0.1:$port/1"
    redis-cli -p "$port" -a 'p@ss/w:rd %' ACL SETUSER reader on '>x' '~*' +get >/dev/null 2>&1
    check "$p a user that may not is FORBIDDEN" 77 'NOPERM' \
        "$BUILD/tests/peers/peer_redis" open "redis://reader:x@127.0.0.1:$port"
    redis-cli -p "$port" -a 'p@ss/w:rd %' ACL SETUSER writer on '>x' '~weir:*' +select +eval +get +set +del +pttl \
        +hget +hset +hdel >/dev/null 2>&1
    check "$p a user that may do just what is needed" 0 '' \
        "$BUILD/tests/peers/peer_redis" open "redis://writer:x@127.0.0.1:$port/2"
    end "$SERVER_PID"
    check "$p a server that is gone is UNREACHABLE" 69 "127.0.0.1:$port.*refused" \
        "$BUILD/tests/peers/peer_redis" open "redis://127.0.0.1:$port"
}

# A server that is killed and comes back with its file, under a program that saves all the while.
restart() {
    port=$(free_ports 1)
    serve kept --port "$port" --appendonly yes --appendfsync always
    until_true 20 answers "$port" || { FAIL "$p start with a file" "$(tail -2 "$WORK/kept.log")"; return; }
    "$BUILD/tests/peers/peer_redis" save "redis://127.0.0.1:$port" 5000 >"$WORK/saver.log" 2>&1 &
    saver=$!
    PIDS="$PIDS $saver"
    for _ in 1 2 3; do
        until_true 20 sh -c "[ \"\$(tail -1 '$WORK/saver.log')\" -gt ${at:-0} ]"
        kill -0 "$saver" || FAIL "$p a server that is killed" "the program that saves had ended before"
        kill -9 "$SERVER_PID"
        wait "$SERVER_PID" 2>/dev/null
        at=$(tail -1 "$WORK/saver.log")
        serve kept --port "$port" --appendonly yes --appendfsync always
        until_true 20 answers "$port"
    done
    wait "$saver" && [ "$(tail -1 "$WORK/saver.log")" = 5000 ] &&
        ok "$p a server that is killed and started anew loses nothing" ||
        FAIL "$p a server that is killed and started anew loses nothing" "$(tail -1 "$WORK/saver.log")"
}

# Two listeners, one of which stands by: killed and put to sleep at random instants.
listeners() {
    port=$(free_ports 1)
    serve pair --port "$port"
    until_true 20 answers "$port" || { FAIL "$p start for listeners" "$(tail -2 "$WORK/pair.log")"; return; }
    env "WEIR_BINARY=$BUILD" "WEIR_SOAK_REDIS=redis://127.0.0.1:$port/0" \
        timeout 300 python3 "$ROOT/tests/soak/listener.py" 16 "$(date +%s)" redis >"$WORK/pair.out" 2>&1
    outcome=$(grep -E '^(ok|FAIL) ' "$WORK/pair.out" | head -1)
    case $outcome in
    ok*) ok "$p two listeners, killed and put to sleep, lose nothing" ;;
    *) FAIL "$p two listeners, killed and put to sleep, lose nothing" "${outcome:-$(tail -1 "$WORK/pair.out")}" ;;
    esac
}

tls() {
    ldd "$(command -v redis-server)" | grep -q libssl || { skip "$p TLS" "this redis-server has none"; return; }
    make_certs || { FAIL "$p certificates" "openssl"; return; }
    port=$(free_ports 1)
    serve tls --port 0 --tls-port "$port" --tls-cert-file "$WORK/server.pem" --tls-key-file "$WORK/server.key" \
        --tls-ca-cert-file "$WORK/ca.pem" --tls-auth-clients no --requirepass secret
    until_true 20 redis-cli -p "$port" --tls --cacert "$WORK/ca.pem" -a secret PING ||
        { FAIL "$p TLS start" "$(tail -2 "$WORK/tls.log")"; return; }
    check "$p TLS with a password" 0 '' \
        env "WEIR_CA_FILE=$WORK/ca.pem" "$BUILD/tests/peers/peer_redis" open "rediss://:secret@localhost:$port"
    check "$p TLS of an unknown authority is UNTRUSTED" 76 'certificate' \
        "$BUILD/tests/peers/peer_redis" open "rediss://:secret@localhost:$port"
    check "$p TLS of another host is UNTRUSTED" 76 'certificate|name|match' \
        env "WEIR_CA_FILE=$WORK/ca.pem" "$BUILD/tests/peers/peer_redis" open "rediss://:secret@127.0.0.1:$port"
    check "$p plaintext to a server that wants TLS ends" 69 '.' \
        "$BUILD/tests/peers/peer_redis" open "redis://:secret@127.0.0.1:$port"
}

make_certs() {
    (cd "$WORK" &&
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=peers-ca &&
        openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost &&
        printf 'subjectAltName=DNS:localhost\n' >ext &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem
    ) >"$WORK/certs.log" 2>&1
}

has "$p" need redis-server redis-cli || exit 0
plain
restart
tls
listeners
