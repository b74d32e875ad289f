# Sourced after lib.sh: real Zeebe brokers from the Maven registry, started and ended by the test.
# shellcheck shell=sh

fetch_broker() { # VERSION
    fetched "camunda-zeebe-$1" unpack_broker "$1"
}
unpack_broker() {
    maven_artifact "io.camunda:camunda-zeebe:$1:tar.gz"
    tar -xzf ./*.tar.gz --strip-components=1
    rm -f ./*.tar.gz
}

# start_broker VERSION [NAME=VALUE...]: sets BROKER_PORT (gRPC) and BROKER_PID; returns when the port answers.
start_broker() {
    version=$1
    shift
    # shellcheck disable=SC2046 # five words
    set -- $(free_ports 5) "$@"
    BROKER_PORT=$1
    data=$WORK/broker-$BROKER_PORT
    mkdir -p "$data"
    common="JAVA_HOME=$JAVA21 ZEEBE_BROKER_GATEWAY_NETWORK_PORT=$1 ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT=$2
        ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT=$3 SERVER_PORT=$4 MANAGEMENT_SERVER_PORT=$5 SERVER_ADDRESS=127.0.0.1
        ZEEBE_BROKER_NETWORK_HOST=127.0.0.1 ZEEBE_BROKER_GATEWAY_NETWORK_HOST=127.0.0.1
        ZEEBE_BROKER_DATA_DIRECTORY=$data ZEEBE_BROKER_DATA_LOGSEGMENTSIZE=16MB
        ZEEBE_BROKER_DATA_DISKUSAGEMONITORINGENABLED=false ZEEBE_BROKER_EXPERIMENTAL_ROCKSDB_MEMORYLIMIT=64MB
        ZEEBE_BROKER_THREADS_CPUTHREADCOUNT=1 ZEEBE_BROKER_THREADS_IOTHREADCOUNT=1"
    shift 5
    # shellcheck disable=SC2086 # a list of NAME=VALUE
    (cd "$data" && exec env $common JAVA_OPTS='-Xms128m -Xmx384m -XX:TieredStopAtLevel=1' "$@" \
        "$CACHE/camunda-zeebe-$version/bin/broker") >"$data/log" 2>&1 &
    BROKER_PID=$!
    PIDS="$PIDS $BROKER_PID"
    until_true 90 port_answers "$BROKER_PORT" || { tail -5 "$data/log"; return 1; }
}
