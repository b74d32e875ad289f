# Sourced by the peers' scripts: outcomes, the cache, ports, what registries hold, real brokers.
# shellcheck shell=sh

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
WEIR=${WEIR:-$ROOT/build/dev/weir}
CACHE=${WEIR_PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-peers}
WORK=$(mktemp -d)
PIDS=
FAILED=0
mkdir -p "$CACHE"
# What the machine's environment says must not steer the tests.
unset ZEEBE_ADDRESS ZEEBE_CLIENT_ID ZEEBE_CLIENT_SECRET CAMUNDA_CLIENT_ID CAMUNDA_CLIENT_SECRET CAMUNDA_CLUSTER_ID

finish() {
    status=$?
    trap - EXIT INT TERM
    for pid in $PIDS; do end "$pid"; done
    rm -rf "$WORK"
    [ "$FAILED" = 0 ] || exit 1
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

end() { # PID: asks, then insists
    kill "$1" 2>/dev/null || return 0
    tries=0
    while kill -0 "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || kill -9 "$1" 2>/dev/null
        sleep 0.1 # polls
    done
    wait "$1" 2>/dev/null || :
}

ok() { echo "ok $1"; }
FAIL() {
    echo "FAIL $1: $2"
    FAILED=1
}
skip() { echo "skip $1: $2"; }

# check NAME WANTED_STATUS PATTERN COMMAND...: the exit status and a line of the output (both streams) must be as said.
check() {
    name=$1 wanted=$2 pattern=$3
    shift 3
    output=$(timeout 60 "$@" 2>&1) && status=0 || status=$?
    if [ "$status" != "$wanted" ]; then
        FAIL "$name" "ended with $status, not $wanted: $(printf %s "$output" | head -3 | tr '\n' ' ')"
    elif ! printf '%s\n' "$output" | grep -Eq -- "$pattern"; then
        FAIL "$name" "nothing like '$pattern' in: $(printf %s "$output" | head -5 | tr '\n' ' ')"
    else
        ok "$name"
    fi
}

# until_true SECONDS COMMAND...: polls.
until_true() {
    tries=$(($1 * 5))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.2 # polls
    done
}

free_ports() { # N: so many ports nobody listens on
    python3 - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])
P
}

need() { # NAME COMMAND...: for a command that the machine must have
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "$tool is not installed"; return 1; }
    done
}

# java21: prints a JAVA_HOME of 21 or later.
java21() {
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$home/bin/java" ] || continue
        major=$("$home/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
        [ "${major:-0}" -ge 21 ] && { echo "$home"; return 0; }
    done
    return 1
}

# fetched NAME COMMAND...: runs COMMAND in an empty folder that becomes $CACHE/NAME when it succeeds.
fetched() {
    target=$CACHE/$1
    shift
    [ ! -d "$target" ] || return 0
    rm -rf "$target.part"
    mkdir -p "$target.part"
    if (cd "$target.part" && "$@") >"$CACHE/fetch.log" 2>&1; then
        mv "$target.part" "$target"
    else
        rm -rf "$target.part"
        tail -3 "$CACHE/fetch.log" | tr '\n' ' '
        return 1
    fi
}

maven_artifact() { # GROUP:NAME:VERSION[:TYPE] into the current folder
    mvn -q -B dependency:copy "-Dartifact=$1" -DoutputDirectory=. -Dmdep.useBaseVersion=true
}
