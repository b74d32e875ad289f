/* The commands of `weir sandbox` and their flags, as data. */
#include "cli/commands.h"

#include "cli/groups.h"

static const struct flag start[] = {
    {.name = "only",
     .kind = FLAG_TEXT,
     .value = "SERVICE[,SERVICE...]",
     .fallback = "zeebe,oauth,salesforce",
     .help = "start only these services"},
    {.name = "port-base",
     .kind = FLAG_NUMBER,
     .value = "N",
     .help = "listen on N (control), N+1 (oauth), N+2 (zeebe) and N+3 (salesforce) instead of "
             "free ports"},
    {.name = "tls",
     .help = "gateway and token endpoint with a certificate made at the start, whose authority "
             "WEIR_CA_FILE names"},
    {.name = "deploy",
     .kind = FLAG_FILE,
     .repeat = true,
     .value = "FILE",
     .help = "deploy this BPMN or form file at the start"},
    {.name = "latency",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "added to every answer"},
    {.name = "log",
     .kind = FLAG_FILE,
     .value = "FILE",
     .help = "append every request as a JSON line, credentials redacted"},
    {.name = "script",
     .kind = FLAG_FILE,
     .value = "FILE",
     .help = "faults to begin with, in lines of WHAT N HOW [--after D]"},
    {0},
};
static const struct flag_group start_group = {"Flags", start};
static const struct flag_group *const start_groups[] = {&start_group, NULL};

const struct command command_sandbox = {
    .path = "sandbox",
    .args = "",
    .groups = start_groups,
    .runs_program = true,
    .summary = "Local stand-ins for the services, with faults on order",
    .about =
        "Starts a token endpoint and a Zeebe gateway on loopback: for trying weir out and for "
        "tests of programs, never as the services themselves. The gateway does every RPC in "
        "memory, "
        "for processes that are a line of tasks and waits: what it cannot interpret of a BPMN file "
        "it refuses by name, when it is deployed. It wants a token of the token endpoint, unless "
        "that is left out by --only.\n"
        "\n"
        "Prints the variables that point clients at it as lines of export NAME=VALUE, then ready; "
        "with -o json one object. It ends by SIGINT or SIGTERM, with status 0, "
        "and with 141 when nobody reads its output any more.\n"
        "\n"
        "With -- CMD it prints nothing, runs CMD with these variables, passes signals on to it, "
        "and "
        "ends with its status (127: there is no such program, 126: it cannot be run, 128 and the "
        "number of the signal that killed it).",
    .examples = "# everything below one command\n"
                "weir sandbox -- sh -c 'weir zeebe status'\n"
                "# in the background of a shell\n"
                "weir sandbox > vars & until grep -qs ready vars; do :; done\n"
                "eval \"$(grep ^export vars)\"",
    .run = sandbox_run,
};

static const struct flag order[] = {
    {.name = "request-timeout",
     .also = "timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .fallback = "10s",
     .help = "limit of the command (also --timeout); 0: none"},
    {.name = "sandbox",
     .kind = FLAG_VARIABLE,
     .env = "WEIR_SANDBOX",
     .help = "where the sandbox is; one of the variables it prints"},
    {0},
};
static const struct flag_group order_group = {"Which sandbox", order};

static const struct flag fault[] = {
    {.name = "after",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "so long after the request's arrival"},
    {.name = "script",
     .kind = FLAG_FILE,
     .value = "FILE",
     .help = "many at once, in lines of WHAT N HOW [--after D]; -: standard input"},
    {0},
};
static const struct flag_group fault_group = {"Flags", fault};
static const struct flag_group *const fault_groups[] = {&fault_group, &order_group, NULL};

const struct command command_sandbox_fault = {
    .path = "sandbox fault",
    .args = "[WHAT N HOW]",
    .max_args = 3,
    .groups = fault_groups,
    .summary = "Make the next requests fail",
    .about =
        "The next N requests (all: every one from now on) of WHAT get HOW instead of an answer.\n"
        "\n"
        "WHAT: token, zeebe (every call), zeebe.RPC, zeebe.Health, zeebe.connections.\n"
        "\n"
        "HOW: status:NAME[:TEXT] (a gRPC status), http:CODE[:SECONDS] (with Retry-After), "
        "error:NAME (an OAuth2 error), delay:D, cut (the connection is closed), hang (no answer), "
        "goaway (the connection takes no more calls), garbage (an answer that cannot be read), "
        "expire (the token has expired).\n"
        "\n"
        "forget [WHAT] takes back what is left of earlier ones.",
    .examples = "weir sandbox fault zeebe.Topology 2 status:UNAVAILABLE\n"
                "weir sandbox fault token 1 http:503 --after 2s\n"
                "printf 'token 1 cut\\nzeebe 1 hang\\n' | weir sandbox fault --script -\n"
                "weir sandbox fault forget",
    .run = sandbox_fault_run,
};

static const struct flag_group *const order_groups[] = {&order_group, NULL};

const struct command command_sandbox_requests = {
    .path = "sandbox requests",
    .args = "",
    .groups = order_groups,
    .summary = "Print the requests the sandbox has had, as JSON lines",
    .about = "Each with its time, headers, fault and outcome; credentials are redacted. Of a long "
             "log only the end is kept (8 MiB).",
    .examples = "weir sandbox requests | jq -r .what | sort | uniq -c",
    .run = sandbox_requests_run,
};
