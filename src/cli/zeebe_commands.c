/* `weir zeebe` and `weir token`, as data. */
#include "cli/commands.h"
#include "cli/groups.h"

static const struct flag_group *const channel_groups[] = {&group_channel, &group_login,
                                                          &group_cache_zeebe, &group_network, NULL};
static const struct flag_group *const health_groups[] = {
    &group_health, &group_channel, &group_login, &group_cache_zeebe, &group_network, NULL};
static const struct flag_group *const token_groups[] = {
    &group_token,       &group_grant,      &group_cache, &group_network,
    &group_token_zeebe, &group_salesforce, NULL};

const struct command command_zeebe_status = {
    .path = "zeebe status",
    .also = "zeebe topology",
    .args = "",
    .groups = channel_groups,
    .summary = "Show the cluster: brokers, partitions, who leads and who is well",
    .about = "The text is zbctl's. With -o json it is the gateway's answer in protojson form: "
             "64-bit numbers as strings, enums by name, brokers in the order of the answer.",
    .examples = "# a local gateway, without TLS\n"
                "weir zeebe status\n"
                "# Camunda SaaS; CAMUNDA_CLIENT_ID and CAMUNDA_CLIENT_SECRET are set\n"
                "weir zeebe status --cluster-id 0f3b-... --region bru-2\n"
                "# a gateway with a certificate of a private authority\n"
                "weir zeebe status --address gateway.example:443 --ca-file ca.pem\n"
                "# how many brokers?\n"
                "weir zeebe status -o json | jq '.brokers | length'",
    .run = zeebe_status_run,
};

const struct command command_zeebe_health = {
    .path = "zeebe health",
    .args = "",
    .groups = health_groups,
    .summary = "Ask whether the gateway serves: SERVING and status 0, else status 69",
    .about = "Asks gRPC's health service (grpc.health.v1). With -o json: {\"status\":\"SERVING\"}.",
    .examples = "weir zeebe health --address gateway.example:26500 --insecure\n"
                "# until it serves\n"
                "until weir zeebe health --request-timeout 2s; do :; done",
    .run = zeebe_health_run,
};

const struct command command_zeebe_config = {
    .path = "zeebe config",
    .args = "",
    .groups = channel_groups,
    .summary = "Show the resolved settings and where each came from, secrets as ***",
    .about = "Nothing is connected. What is missing or contradictory is said as the other commands "
             "would say it, after the settings that were found.\n"
             "\n"
             "TLS is on unless --insecure is given, the address has the scheme grpc:// or http://, "
             "or it is a loopback address and nothing asks for TLS (--cert-path, --client-cert, "
             "--client-key, --ca-file as a flag, --insecure=false). A flag beats a variable; two "
             "of the same origin that contradict each other are refused. --cluster-id beats an "
             "address of the environment.",
    .examples = "weir zeebe config\n"
                "weir zeebe config --address grpcs://gateway.example -o json",
    .run = zeebe_config_run,
};

const struct command command_token = {
    .path = "token",
    .args = "",
    .groups = token_groups,
    .summary = "Print an access token, from the cache or fetched anew",
    .about =
        "Without --for everything comes from the flags below and OAUTH_... variables. --for zeebe "
        "logs in as weir zeebe does, by CAMUNDA_... and ZEEBE_... variables and the same flags, "
        "and "
        "shares its cache entries. --for salesforce uses SALESFORCE_... variables; the grant is "
        "chosen by what is there: a ready token, a refresh token, a private key, user name and "
        "password, else client credentials.\n"
        "\n"
        "The cache file is readable by its owner only and serves only the same request: token URL, "
        "client, audience and scope. It has zbctl's format. A cache that cannot be used is a "
        "warning, never a failure.\n"
        "\n"
        "--info prints JSON without the token: token_type, expires_in (seconds), expires_at "
        "(seconds since the epoch), scope, instance_url, from (cache or server). With -o json the "
        "token itself stands in access_token.",
    .examples = "# with curl\n"
                "curl -H \"$(weir token --header)\" https://api.example/v1/things\n"
                "# a client of one's own; OAUTH_CLIENT_SECRET is set\n"
                "weir token --token-url https://login.example/token --client-id app --scope read\n"
                "# how long is it good for?\n"
                "weir token --for zeebe --info",
    .run = token_run,
};
