# Sourced after lib.sh: Bayeux servers and clients of other makers, pinned. Each is fetched by fetch_NAME, which says why it
# cannot be had.
# shellcheck shell=sh

PARTS=$HERE/bayeux
COMETD_JAVA=$CACHE/cometd-java-8.0.10
COMETD_SERVER=$CACHE/cometd-nodejs-server-1.2.1
COMETD_NPM=$CACHE/cometd-9.0.0
FAYE=$CACHE/faye-1.4.3
JSFORCE=$CACHE/jsforce-3.10.16
NFORCE=$CACHE/nforce-1.13.0
AIOSFSTREAM=$CACHE/aiosfstream-0.5.0

npm_packages() { npm install --prefix . --ignore-scripts --no-audit --no-fund "$@"; }
fetch_cometd_server() { need node npm && fetched cometd-nodejs-server-1.2.1 npm_packages cometd-nodejs-server@1.2.1; }
fetch_cometd_npm() { need node npm && fetched cometd-9.0.0 npm_packages cometd@9.0.0 cometd-nodejs-client@2.0.0; }
fetch_faye() { need node npm && fetched faye-1.4.3 npm_packages faye@1.4.3; }
fetch_jsforce() { need node npm && fetched jsforce-3.10.16 npm_packages jsforce@3.10.16; }
fetch_nforce() { need node npm && fetched nforce-1.13.0 npm_packages nforce@1.13.0; }

fetch_cometd_java() { need mvn && need_javac && fetched cometd-java-8.0.10 unpack_cometd_java; }
unpack_cometd_java() {
    cp "$PARTS/pom.xml" . && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime
}

# need_javac: sets JAVA17 to a JAVA_HOME with a compiler, of 17 or later.
need_javac() {
    for JAVA17 in "${JAVA_HOME:-/usr/lib/jvm/default-java}" /usr/lib/jvm/*; do
        [ -x "$JAVA17/bin/javac" ] && [ "$(major_of "$JAVA17")" -ge 17 ] && return 0
    done
    echo "no JDK 17 or later"
    return 1
}

# compile_java: the server and the client, into $WORK/classes; CLASSES is what their -cp takes.
compile_java() {
    CLASSES="$WORK/classes:$COMETD_JAVA/lib/*"
    "$JAVA17/bin/javac" --release 17 -nowarn -d "$WORK/classes" -cp "$COMETD_JAVA/lib/*" "$PARTS/Server.java" "$PARTS/Client.java"
}

# The Python it was made for, if there is one; on a later one aio.py helps itself.
fetch_aiosfstream() { need python3 && fetched aiosfstream-0.5.0 unpack_aiosfstream; }
unpack_aiosfstream() {
    for python in python3.9 python3.8 python3.7 "$HOME"/.pyenv/versions/3.9.*/bin/python \
        "$HOME"/.pyenv/versions/3.[87].*/bin/python python3; do
        "$python" -c 'import venv, ensurepip' 2>/dev/null || continue
        "$python" -m venv . && bin/pip install -q aiosfstream==0.5.0 aiocometd==0.4.5
        return
    done
    return 1
}

# steer VERB [QUERY]: asks the control port of the server that was started last.
steer() {
    python3 -c 'import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:%s%s" % (sys.argv[1], sys.argv[2]), timeout=20).read().decode().strip())' \
        "$CONTROL" "$1${2:+?$2}"
}

# Each sets PEER_PORT, CONTROL, PEER (what answers Bayeux) and STARTED, and returns when the server answers.
start_cometd_java() { # both|polling|websocket
    # shellcheck disable=SC2046 # two words
    set -- "$1" $(free_ports 2)
    PEER_PORT=$2 CONTROL=$3 PEER=http://127.0.0.1:$2/cometd
    start "$WORK/server.log" "$JAVA17/bin/java" -XX:TieredStopAtLevel=1 -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
        -cp "$CLASSES" Server "$2" "$3" "$1"
    until_true 30 port_answers "$CONTROL"
}

start_npm_server() { # cometd|faye
    folder=$COMETD_SERVER
    [ "$1" = cometd ] || folder=$FAYE
    # shellcheck disable=SC2046 # two words
    set -- "$1" $(free_ports 2)
    PEER_PORT=$2 CONTROL=$3 PEER=http://127.0.0.1:$2/cometd
    start "$WORK/server.log" node "$PARTS/servers.mjs" "$1" "$folder" "$2" "$3"
    until_true 20 port_answers "$CONTROL"
}

# Clients: WHERE CHANNEL FROM|- COUNT [TRANSPORT]
run_cometd_java() { "$JAVA17/bin/java" -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$CLASSES" Client "$@"; }
run_cometd_npm() { node "$PARTS/cometd.mjs" "$COMETD_NPM" "$@"; }
