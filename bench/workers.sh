# Sourced by bench/run after peers.sh: the other job workers, pinned, each skipped with its reason when it cannot be had.
# shellcheck shell=sh

PYZEEBE=4.7.0
ZEEBE_GO=8.3.0   # also in workers/go/go.mod
ZEEBE_JAVA=8.6.0 # also in workers/java/pom.xml
ZEEBE_NODE=8.3.2
CAMUNDA8_SDK=8.8.13
GO_WORKER=$PEERS/go-worker/worker
PYTHON_WORKER=$PEERS/pyzeebe-$PYZEEBE/bin/python
JAVA_WORKER=$PEERS/java-worker
NODE_WORKERS=$PEERS/node-workers

fetch_workers() {
    skip_unless go-worker make_go_worker
    skip_unless pyzeebe make_pyzeebe
    skip_unless java make_java_worker
    skip_unless zeebe-node make_node_worker zeebe-node "$ZEEBE_NODE"
    skip_unless camunda8 make_node_worker camunda8 "$CAMUNDA8_SDK"
}

make_go_worker() {
    changed "$PEERS/go-worker" bench/workers/go/* || return 0
    cp bench/workers/go/* "$PEERS/go-worker" && (cd "$PEERS/go-worker" && go build -o worker .) && made "$PEERS/go-worker"
}

make_pyzeebe() {
    need_packages python3-venv || return 1
    [ ! -d "$PEERS/pyzeebe-$PYZEEBE/ready" ] || return 0
    rm -rf "$PEERS/pyzeebe-$PYZEEBE"
    python3 -m venv "$PEERS/pyzeebe-$PYZEEBE" &&
        "$PEERS/pyzeebe-$PYZEEBE/bin/pip" install -q "pyzeebe==$PYZEEBE" "grpcio==$GRPC_AIO" &&
        mkdir "$PEERS/pyzeebe-$PYZEEBE/ready"
}

# The newest Java there is: JAVA.
find_java() {
    most=0
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$home/bin/javac" ] || continue
        major=$("$home/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
        [ "${major:-0}" -le "$most" ] || { most=$major && JAVA=$home/bin/java; }
    done
    [ "$most" -ge 17 ] || { echo "no JDK 17 or later"; return 1; }
}

make_java_worker() {
    command -v mvn >/dev/null || need_packages maven default-jdk-headless || return 1
    find_java || return 1
    changed "$JAVA_WORKER" bench/workers/java/* || return 0
    cp bench/workers/java/* "$JAVA_WORKER" && (
        cd "$JAVA_WORKER" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime &&
            "${JAVA}c" --release 17 -nowarn -cp 'lib/*' Worker.java
    ) && made "$JAVA_WORKER"
}

make_node_worker() { # NAME VERSION
    command -v npm >/dev/null || { echo "npm is not installed"; return 1; }
    [ ! -d "$NODE_WORKERS/$1-$2" ] || return 0
    package=$1
    [ "$1" = zeebe-node ] || package=@camunda8/sdk
    rm -rf "$NODE_WORKERS/part" && mkdir -p "$NODE_WORKERS/part" &&
        npm install --silent --prefix "$NODE_WORKERS/part" --ignore-scripts --no-audit --no-fund "$package@$2" &&
        mv "$NODE_WORKERS/part" "$NODE_WORKERS/$1-$2"
}
