#!/bin/sh
# `weir token` against a certified OpenID provider, and against a second, lenient server for the other grants.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"

JWT='^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$'
ODD=' p%+&=:/? ~"x%20\'

# got NAME STATUS PATTERN SECRET [flag...]
got() {
    got_name=$1 got_status=$2 got_pattern=$3 secret=$4
    shift 4
    check "$p $got_name" "$got_status" "$got_pattern" env "OAUTH_CLIENT_SECRET=$secret" "$WEIR" token --token-url "$at" "$@"
}
requests() { grep -c "^token $1 200" "$WORK/oidc.log"; }

certified() {
    p="oidc-provider 9.13.3:"
    start_oidc || { FAIL "$p start" "$(tail -2 "$WORK/oidc.log")"; return; }
    at=http://127.0.0.1:$OIDC_PORT/token
    got "client_secret_post" 0 "$JWT" peers-secret-1 --client-id post --cache none
    got "client_secret_basic" 0 "$JWT" peers-secret-2 --client-id basic --client-auth basic --cache none
    got "client_secret_basic with odd characters" 0 "$JWT" "$ODD" --client-id 'odd:id+%41/?&' --client-auth basic --cache none
    got "client_secret_post with odd characters" 0 "$JWT" "$ODD" --client-id odd-post --cache none
    got "private_key_jwt, RS256" 0 "$JWT" '' --client-id rs256 --client-auth private-key-jwt --cache none \
        --private-key "$WORK/rs256.key"
    got "private_key_jwt, ES256" 0 "$JWT" '' --client-id es256 --client-auth private-key-jwt --cache none \
        --private-key "$WORK/es256.key"
    got "private_key_jwt with a stranger's key" 77 'invalid_client' '' --client-id rs256 --client-auth private-key-jwt \
        --cache none --private-key "$WORK/stranger.key"
    got "a wrong secret is BAD_LOGIN" 77 'invalid_client' wrong --client-id post --cache none
    got "an unknown client is BAD_LOGIN" 77 'invalid_client' peers-secret-1 --client-id nobody --cache none
    got "a header" 0 '^Authorization: Bearer eyJ' peers-secret-1 --client-id post --cache none --header
    got "what came with it" 0 '"expires_in": *3600' peers-secret-1 --client-id post --cache none --info
    got "a scope is asked for" 0 '"scope": *"zeebe"' peers-secret-1 --client-id post --cache none --info --scope zeebe
    got "no token endpoint there" 67 '404' peers-secret-1 --client-id post --cache none --token-url "http://127.0.0.1:$OIDC_PORT/no"
    cached
    end "$STARTED"
    got "an endpoint that is gone is UNREACHABLE" 69 "$OIDC_PORT" peers-secret-1 --client-id post --cache none --request-timeout 2s
}

# The cache on disk: one request for many commands, and no token served beyond its life.
cached() {
    before=$(requests basic)
    set -- --client-id basic --client-auth basic --cache "$WORK/tokens"
    got "into the cache" 0 "$JWT" peers-secret-2 "$@"
    got "from the cache" 0 '"from": *"cache"' peers-secret-2 "$@" --info
    got "not from the cache with another secret" 77 'invalid_client' wrong "$@" --refresh
    got "from the server on request" 0 '"from": *"server"' peers-secret-2 "$@" --info --refresh
    count=$(($(requests basic) - before))
    [ "$count" = 2 ] && ok "$p two requests for three tokens" || FAIL "$p two requests for three tokens" "there were $count"
    mode=$(stat -c %a "$WORK/tokens" 2>&1)
    [ "$mode" = 600 ] && ok "$p the cache is for its owner only" || FAIL "$p the cache is for its owner only" "mode $mode"
}

# Any secret is right, so the shapes of the other grants are what this one shows.
lenient() {
    p="mock-oauth2-server 6.0.2:"
    port=$(free_ports 1)
    set -f
    start "$WORK/mock.log" env SERVER_HOSTNAME=127.0.0.1 "SERVER_PORT=$port" "$JAVA21/bin/java" -XX:TieredStopAtLevel=1 \
        -cp "$MOCK_OAUTH2/lib/*" no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt
    set +f
    until_true 30 port_answers "$port" || { FAIL "$p start" "$(tail -2 "$WORK/mock.log")"; return; }
    at=http://127.0.0.1:$port/issuer/token
    got "client_secret_post" 0 "$JWT" any --client-id peers --cache none --scope zeebe
    got "client_secret_basic" 0 "$JWT" any --client-id peers --client-auth basic --cache none --scope zeebe
    check "$p the password grant" 0 "$JWT" env OAUTH_CLIENT_SECRET=any OAUTH_PASSWORD=secret "$WEIR" token --token-url "$at" \
        --grant password --username someone --client-id peers --cache none --scope zeebe
    got "the JWT bearer grant" 0 "$JWT" any --grant jwt-bearer --client-id peers --subject someone --cache none \
        --private-key "$WORK/rs256.key" --scope zeebe
}

nodes() { need node npm openssl python3 && fetch_oidc; }
mock() { need mvn openssl && need_java && fetch_mock_oauth2; }
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/stranger.key"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/rs256.key"
has "oidc-provider 9.13.3:" nodes && certified
has "mock-oauth2-server 6.0.2:" mock && lenient
exit 0
