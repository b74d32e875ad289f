#!/bin/sh
# A real broker that checks tokens, with tenants: it verifies what weir fetched from a certified OpenID provider.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/broker.sh"
. "$HERE/checks.sh"
. "$HERE/orders.sh"
. "$HERE/bursts.sh"

p="zeebe 8.5.8, OAuth2:"
everything() { broker_tools 8.5.8 && need node npm openssl && fetch_oidc && fetch_zbctl; }
has "$p" everything || exit 0
start_oidc || { FAIL "$p start" "$(tail -2 "$WORK/oidc.log")"; exit 1; }
issuer=http://127.0.0.1:$OIDC_PORT

# their_token CLIENT SECRET: one that weir had no part in.
their_token() {
    python3 - "$issuer/token" "$1" "$2" <<'P'
import json, sys, urllib.parse, urllib.request
url, client, secret = sys.argv[1:]
form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
print(json.load(urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), 10))["access_token"])
P
}

start_broker 8.5.8 ZEEBE_BROKER_GATEWAY_SECURITY_AUTHENTICATION_MODE=identity CAMUNDA_IDENTITY_TYPE=GENERIC \
    "CAMUNDA_IDENTITY_ISSUER=$issuer" "CAMUNDA_IDENTITY_ISSUERBACKENDURL=$issuer" CAMUNDA_IDENTITY_AUDIENCE=zeebe-api \
    "CAMUNDA_IDENTITY_BASEURL=http://127.0.0.1:$IDENTITY_PORT" ZEEBE_BROKER_GATEWAY_MULTITENANCY_ENABLED=true
brief=$(their_token brief peers-secret-3) # lives for 4 s
broker_up "$p" -plaintext -H "authorization: Bearer $(their_token post peers-secret-1)" || exit 1
at=127.0.0.1:$BROKER_PORT
# expired TOKEN: by its own claim, two seconds ago.
expired() {
    python3 - "$1" <<'P'
import base64, json, sys, time
claims = sys.argv[1].split(".")[1]
sys.exit(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] + 2 > time.time())
P
}
until_true 30 expired "$brief" || FAIL "$p a brief token" "it does not expire"
requests() { grep -c "^token $1 200" "$WORK/oidc.log"; }

check "$p no token is BAD_LOGIN" 77 'bearer token' "$WEIR" zeebe status --address "$at"
check "$p a token that is none is BAD_LOGIN" 77 'bearer token' env WEIR_ACCESS_TOKEN=nonsense "$WEIR" zeebe status --address "$at"
check "$p a token that has expired is BAD_LOGIN" 77 'bearer token' env "WEIR_ACCESS_TOKEN=$brief" "$WEIR" zeebe status --address "$at"
check "$p a token for another audience is BAD_LOGIN" 77 'bearer token' \
    env "WEIR_ACCESS_TOKEN=$(their_token other peers-secret-4)" "$WEIR" zeebe status --address "$at"
check "$p a ready token" 0 'Cluster size: 1' env "WEIR_ACCESS_TOKEN=$(their_token post peers-secret-1)" \
    "$WEIR" zeebe status --address "$at"

export ZEEBE_CLIENT_ID=basic ZEEBE_CLIENT_SECRET=peers-secret-2 ZEEBE_AUTHORIZATION_SERVER_URL="$issuer/token" \
    ZEEBE_TOKEN_AUDIENCE=zeebe-api
set -- --insecure --client-auth basic --cache "$WORK/tokens"
basic_checks "$p" "$at" 8.5.8 "$@"
health_check "$p" "$at" "$@"
TENANT=t1
engine_checks "$p tenant t1:" "$at" "$@"
p="zeebe 8.5.8, OAuth2:"
count=$(requests basic)
[ "$count" = 1 ] && ok "$p one token for all of these commands" || FAIL "$p one token for all of these commands" "$count were fetched"
check "$p another tenant is FORBIDDEN" 77 't2' "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
    --data '{"bpmnProcessId": "one_task", "version": -1, "tenantId": "t2"}'
check "$p no tenant is INVALID" 65 'tenant' "$WEIR" zeebe call CreateProcessInstance --address "$at" "$@" \
    --data '{"bpmnProcessId": "one_task", "version": -1}'

check "$p a wrong secret is BAD_LOGIN, of the token endpoint" 77 'invalid_client' env ZEEBE_CLIENT_SECRET=wrong \
    "$WEIR" zeebe status --address "$at" --insecure --client-auth basic --cache none
check "$p a token endpoint that is gone is UNREACHABLE" 69 'token' env ZEEBE_AUTHORIZATION_SERVER_URL=http://127.0.0.1:1/token \
    "$WEIR" zeebe status --address "$at" --insecure --cache none --request-timeout 2s
check "$p private_key_jwt" 0 'Cluster size: 1' env -u ZEEBE_CLIENT_SECRET ZEEBE_CLIENT_ID=es256 "OAUTH_PRIVATE_KEY=$WORK/es256.key" \
    "$WEIR" zeebe status --address "$at" --insecure --client-auth private-key-jwt --cache none
check "$p zbctl keeps a token" 0 'Cluster size: 1' env ZEEBE_CLIENT_ID=post \
    ZEEBE_CLIENT_SECRET=peers-secret-1 "$ZBCTL" status --address "$at" --insecure --clientCache "$WORK/zbctl.yaml"
count=$(requests post)
check "$p the token that zbctl kept is used" 0 'Cluster size: 1' env ZEEBE_CLIENT_ID=post ZEEBE_CLIENT_SECRET=peers-secret-1 \
    "$WEIR" zeebe status --address "$at" --insecure --cache "$WORK/zbctl.yaml"
[ "$(requests post)" = "$count" ] && ok "$p without asking for one" || FAIL "$p without asking for one" "it asked"

# A program that lives longer than its tokens (4 s each): no call notices, and the broker looks at each of them.
before=$(requests brief)
check "$p a program outlives its tokens" 0 'calls: [1-9][0-9]' env ZEEBE_CLIENT_ID=brief ZEEBE_CLIENT_SECRET=peers-secret-3 \
    "$BUILD/tests/peers/peer_renew" "$at" "$issuer/token" 10
fetched=$(($(requests brief) - before))
if [ "$fetched" -ge 2 ] && [ "$fetched" -le 10 ]; then
    ok "$p a few tokens did"
else
    FAIL "$p a few tokens did" "$fetched were fetched in 10 s"
fi

# Workers of a tenant that live longer than their tokens: 75 jobs of 200 ms each, one after the other.
export ZEEBE_CLIENT_ID=brief ZEEBE_CLIENT_SECRET=peers-secret-3
set -- --insecure --cache none
deploy "$at" "$HERE/burst/burst.bpmn" "$@" || exit 1
burst "$at" tenant 75 t1 && burst "$at" tenantp 75 t1 || exit 1
before=$(requests brief)
library_works tenant "$at" tenant tenant=t1 pause=200
library=$STARTED
program_works tenantp "$at" tenantp 200 --tenant-ids t1 "$@"
program=$STARTED
verdict "$p tenant t1, library:" "$at" tenant 75 "$WORK/journal.tenant"
verdict "$p tenant t1, command:" "$at" tenantp 75 "$WORK/journal.tenantp"
fetched=$(($(requests brief) - before))
[ "$fetched" -ge 6 ] && ok "$p the workers' tokens expired meanwhile" || FAIL "$p the workers' tokens expired meanwhile" "$fetched were fetched"
ended "$p the worker has lived through it" "$library"
ended "$p the command has lived through it" "$program"
check "$p a worker of another tenant ends with FORBIDDEN" 77 't2' "$BURST" work "$at" tenant "$WORK/journal.t2" tenant=t2
check "$p a command of another tenant ends with FORBIDDEN" 77 't2' "$WEIR" zeebe work tenant --address "$at" --tenant-ids t2 \
    "$@" --complete '{}'
