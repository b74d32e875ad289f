# Sourced after lib.sh and tools.sh: real Zeebe brokers from the Maven registry, started and ended by the test.
# shellcheck shell=sh

fetch_broker() { # VERSION
    fetched "camunda-zeebe-$1" unpack_broker "$1"
}
unpack_broker() {
    maven_artifact "io.camunda:camunda-zeebe:$1:tar.gz" && tar -xzf ./*.tar.gz --strip-components=1 && rm -f ./*.tar.gz
}
# What a broker needs: has "NAME" broker_tools VERSION.
broker_tools() { need mvn && need_java && fetch_broker "$1" && fetch_grpcurl && fetch_proto; }

# start_broker VERSION [NAME=VALUE...]: sets BROKER_PORT (gRPC), BROKER_HTTP (management) and BROKER_PID.
start_broker() {
    BROKER_PORTS=$(free_ports 5)
    launch_broker "$@"
}

# restart_broker VERSION [NAME=VALUE...]: ends it in good order, and starts it with the same ports and data.
restart_broker() {
    kill "$BROKER_PID"
    until_true 60 closed || FAIL "$p SIGTERM to the broker" "it does not end"
    kill -9 "$BROKER_PID" 2>/dev/null
    end "$BROKER_PID"
    launch_broker "$@"
}

# Its data is closed before its gateway is, which then waits 30 s for the ends of its clients' streams: nobody needs these.
closed() { ! kill -0 "$BROKER_PID" 2>/dev/null || grep -q 'Shutdown Embedded Gateway' "$BROKER_DATA/log"; }

launch_broker() {
    version=$1
    shift
    # shellcheck disable=SC2086 # five words
    set -- $BROKER_PORTS "$@"
    BROKER_PORT=$1 BROKER_HTTP=$5
    BROKER_DATA=$WORK/broker-$BROKER_PORT
    mkdir -p "$BROKER_DATA"
    common="JAVA_HOME=$JAVA21 ZEEBE_BROKER_GATEWAY_NETWORK_PORT=$1 ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT=$2
        ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT=$3 SERVER_PORT=$4 MANAGEMENT_SERVER_PORT=$5 SERVER_ADDRESS=127.0.0.1
        ZEEBE_BROKER_NETWORK_HOST=127.0.0.1 ZEEBE_BROKER_GATEWAY_NETWORK_HOST=127.0.0.1
        ZEEBE_BROKER_DATA_DIRECTORY=$BROKER_DATA ZEEBE_BROKER_DATA_LOGSEGMENTSIZE=16MB
        ZEEBE_BROKER_DATA_DISKUSAGEMONITORINGENABLED=false ZEEBE_BROKER_EXPERIMENTAL_ROCKSDB_MEMORYLIMIT=64MB
        ZEEBE_BROKER_THREADS_CPUTHREADCOUNT=1 ZEEBE_BROKER_THREADS_IOTHREADCOUNT=1"
    shift 5
    # shellcheck disable=SC2086 # a list of NAME=VALUE
    start "$BROKER_DATA/log" env -C "$BROKER_DATA" $common "JAVA_OPTS=-Xms128m -Xmx384m -XX:TieredStopAtLevel=1" "$@" \
        "$CACHE/camunda-zeebe-$version/bin/broker"
    BROKER_PID=$STARTED
}

# leads [grpcurl flag...]: the broker's gateway knows a leader, in the eyes of somebody else.
leads() {
    kill -0 "$BROKER_PID" || until=0 # gone: no use waiting
    "$GRPCURL" -max-time 5 -emit-defaults -import-path "$(dirname "$PROTO")" -proto gateway.proto "$@" "127.0.0.1:$BROKER_PORT" \
        gateway_protocol.Gateway/Topology | grep -q '"LEADER"'
}

# broker_up PREFIX [grpcurl flag...]: waits for the leader.
broker_up() {
    p=$1
    shift
    until_true 90 leads "$@" && return 0
    FAIL "$p start" "no leader: $(grep -v ' INFO ' "$BROKER_DATA/log" | tail -3 | tr '\n' ' ')"
    return 1
}
