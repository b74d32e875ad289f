# Sourced after lib.sh: other people's clients and servers, pinned, from the registries.
# shellcheck shell=sh

ZBCTL=$CACHE/zbctl-8.4.1/package/bin/zbctl-cli.linux
GRPCURL=$CACHE/grpcurl-1.9.3/grpcurl
INTEROP_SERVER=$CACHE/grpc-interop-1.85.0/server
JAVA_INTEROP=$CACHE/grpc-java-interop-1.79.0
PROTO=$CACHE/gateway-protocol-8.8.21/proto/gateway.proto
ENGINE=$CACHE/engine-8.8.21

fetch_zbctl() { fetched zbctl-8.4.1 unpack_zbctl; }
unpack_zbctl() {
    npm pack --silent zbctl@8.4.1 && tar -xzf zbctl-8.4.1.tgz && rm zbctl-8.4.1.tgz &&
        chmod +x package/bin/zbctl-cli.linux
}

fetch_grpcurl() { fetched grpcurl-1.9.3 build_go github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3; }
build_go() { GOBIN=$PWD go install "$1"; }

fetch_interop() { fetched grpc-interop-1.85.0 build_interop; }
build_interop() {
    go mod init interop && go get google.golang.org/grpc@v1.85.0 &&
        GOFLAGS=-mod=mod go build -o server google.golang.org/grpc/interop/server &&
        GOFLAGS=-mod=mod go build -o client google.golang.org/grpc/interop/client
}

fetch_java_interop() { fetched grpc-java-interop-1.79.0 unpack_java_interop; }
unpack_java_interop() {
    cp "$HERE/interop-java/pom.xml" . &&
        mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime
}

fetch_proto() { fetched gateway-protocol-8.8.21 unpack_proto; }
unpack_proto() {
    maven_artifact io.camunda:zeebe-gateway-protocol-impl:8.8.21:jar && mkdir proto &&
        (cd proto && python3 -m zipfile -e ../*.jar . && find . -name gateway.proto ! -path ./gateway.proto -exec cp {} . \;)
}

# The in-memory engine of the process test library, with six lines of Java to start it.
fetch_engine() { fetched engine-8.8.21 build_engine; }
build_engine() {
    cp "$HERE/engine/pom.xml" "$HERE/engine/Engine.java" . &&
        mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime &&
        "$JAVA21/bin/javac" --release 21 -cp 'lib/*' Engine.java
}

fetch_python() { # NAME PACKAGE==VERSION...: a virtual environment
    name=$1
    shift
    fetched "$name" make_venv "$@"
}
make_venv() { python3 -m venv --copies . && bin/pip install -q "$@"; }

OIDC=$CACHE/oidc-provider-9.13.3
fetch_oidc() { fetched oidc-provider-9.13.3 npm install --prefix . --ignore-scripts --no-audit --no-fund oidc-provider@9.13.3; }

# start_oidc: a certified OpenID provider at OIDC_PORT, and beside it what a gateway asks of Camunda Identity, at
# IDENTITY_PORT. Keys of clients in $WORK: rs256.key, es256.key. Each request for a token is a line of $WORK/oidc.log.
start_oidc() {
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/rs256.key"
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/es256.key"
    # shellcheck disable=SC2046 # two words
    set -- $(free_ports 2)
    OIDC_PORT=$1 IDENTITY_PORT=$2
    start "$WORK/oidc.log" node "$HERE/oidc.mjs" "$OIDC" "$OIDC_PORT" "$IDENTITY_PORT" "$WORK"
    until_true 20 port_answers "$IDENTITY_PORT"
}

MOCK_OAUTH2=$CACHE/mock-oauth2-server-6.0.2
fetch_mock_oauth2() { fetched mock-oauth2-server-6.0.2 unpack_mock_oauth2; }
unpack_mock_oauth2() {
    cp "$HERE/oidc-mock/pom.xml" . && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime
}
