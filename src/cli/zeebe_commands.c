/* `weir zeebe` and `weir token`, as data. */
#include "cli/commands.h"
#include "cli/groups.h"

static const struct flag_group *const channel_groups[] = {&group_channel, &group_login,
                                                          &group_cache_zeebe, &group_network, NULL};
static const struct flag_group *const health_groups[] = {
    &group_health, &group_channel, &group_login, &group_cache_zeebe, &group_network, NULL};
static const struct flag_group *const call_groups[] = {
    &group_call, &group_channel, &group_login, &group_cache_zeebe, &group_network, NULL};
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

const struct command command_zeebe_call = {
    .path = "zeebe call",
    .args = "[RPC]",
    .max_args = 1,
    .groups = call_groups,
    .summary = "Call any RPC of the gateway, from JSON to JSON",
    .about =
        "RPC is Topology or gateway_protocol.Gateway/Topology. Each message of the answer is "
        "printed as it arrives, in protojson form: unset fields shown, 64-bit numbers as strings, "
        "enums by name. In --data, 64-bit numbers may be numbers or strings, enums names or "
        "numbers; an unknown field or a value of the wrong type is status 65, before anything "
        "is sent. With -o json the messages of a streaming RPC are JSON Lines.\n"
        "\n"
        "Where the request has a field requestTimeout (how long the gateway may wait before it "
        "answers that there is nothing) and --data does not set it, it becomes 90 % of "
        "--request-timeout, so that an empty answer is an answer and not a timeout.\n"
        "\n"
        "-v shows what grpcurl -v shows, on standard error: the method, the metadata sent, "
        "response "
        "headers and trailers, counts. Tokens and cookies are shown as ***.",
    .examples =
        "weir zeebe call Topology\n"
        "weir zeebe call --list\n"
        "weir zeebe call --describe PublishMessage\n"
        "weir zeebe call PublishMessage --data '{\"name\":\"paid\",\"correlationKey\":\"7\"}'\n"
        "# jobs as they come, for a minute\n"
        "weir zeebe call StreamActivatedJobs --data @stream.json --request-timeout 1m -o json",
    .run = zeebe_call_run,
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
