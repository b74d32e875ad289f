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

/* What is not given is as in earnest. */
static const struct flag streaming[] = {
    {.name = "connect-hold",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "how long a connect waits for events (110s; plain CometD: 30s)"},
    {.name = "session-timeout",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "how long a session lives without a connect (40s; plain CometD: 10s)"},
    {.name = "cookie-life",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "after which requests come to another node (3h)"},
    {.name = "token-life",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "of a token that is not used (2h)"},
    {.name = "retain", .kind = FLAG_NUMBER, .value = "N", .help = "events of a channel (1000000)"},
    {.name = "retain-for",
     .kind = FLAG_DURATION,
     .value = "DURATION",
     .help = "how long events are retained (72h)"},
    {.name = "batch", .kind = FLAG_NUMBER, .value = "N", .help = "at most N events in an answer"},
    {.name = "first-replay-id",
     .kind = FLAG_NUMBER,
     .value = "N",
     .help = "replay id of the first event"},
    {0},
};
static const struct flag_group streaming_group = {"The Salesforce-like server", streaming};
static const struct flag_group *const start_groups[] = {&start_group, &streaming_group, NULL};

const struct command command_sandbox = {
    .path = "sandbox",
    .args = "",
    .groups = start_groups,
    .runs_program = true,
    .summary = "Local stand-ins for the services, with faults on order",
    .about =
        "Starts a token endpoint, a Zeebe gateway and a Salesforce-like server, which is a plain "
        "CometD one, too, on loopback: for trying weir out and for "
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
        "WHAT: token, zeebe (every call), zeebe.RPC, zeebe.Health, zeebe.connections; salesforce "
        "(everything there), salesforce.token, salesforce.rest, and single messages: "
        "salesforce.handshake, .connect, .subscribe, .unsubscribe, .disconnect; the same of "
        "bayeux, "
        "and bayeux.publish.\n"
        "\n"
        "HOW: status:NAME[:TEXT] (a gRPC status), http:CODE[:SECONDS] (with Retry-After), "
        "error:NAME (an OAuth2 error), delay:D, cut (the connection is closed), hang (no answer), "
        "goaway (the connection takes no more calls), garbage (an answer that cannot be read), "
        "expire (the token has expired).\n"
        "\n"
        "HOW, at HTTP: cut:body (the connection is closed in the middle of the answer), "
        "html[:CODE] (a page for people), empty (no body).\n"
        "\n"
        "HOW, at messages: bayeux:TEXT (refused with this error, as 403::Unknown client, and the "
        "advice that goes with it; bayeux-none:, bayeux-retry:, bayeux-handshake: with this one, "
        "bayeux-bare: with none), bayeux-reason:TEXT (403::Handshake denied, with TEXT as "
        "failureReason), disconnect[:TEXT] (an unsolicited /meta/disconnect, and the message "
        "refused with TEXT), kill (the session is gone), reroute (the request comes to another "
        "node), lose (nothing is retained any more).\n"
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

static const struct flag emit[] = {
    {.name = "data",
     .kind = FLAG_TEXT,
     .value = "JSON",
     .fallback = "{}",
     .help = "the event's fields, or what its payload is (/u/), or a plain event's data; @FILE, -"},
    {.name = "lines", .help = "one event for each line of standard input"},
    {.name = "count",
     .kind = FLAG_NUMBER,
     .value = "N",
     .help = "N events, numbered by their member Number__c"},
    {.name = "first",
     .kind = FLAG_NUMBER,
     .value = "N",
     .fallback = "1",
     .help = "the first number"},
    {.name = "pad",
     .kind = FLAG_SIZE,
     .value = "SIZE",
     .help = "a member Pad__c of so many bytes in each"},
    {.name = "replay-id",
     .kind = FLAG_NUMBER,
     .value = "N",
     .help = "the (first) event's replay id; it must come after all others"},
    {0},
};
static const struct flag_group emit_group = {"Flags", emit};
static const struct flag_group *const emit_groups[] = {&emit_group, &order_group, NULL};

const struct command command_sandbox_emit = {
    .path = "sandbox emit",
    .args = "SERVICE CHANNEL",
    .max_args = 2,
    .groups = emit_groups,
    .summary = "Emit events to whoever has subscribed",
    .about =
        "SERVICE salesforce: on /event/NAME__e, /data/NAMEChangeEvent, /topic/NAME and /u/NAME, "
        "each "
        "in the form that kind of channel has; the events are retained, and their replay ids "
        "printed, a line each. SERVICE bayeux: on any channel; nothing is retained or printed.",
    .examples = "weir sandbox emit salesforce /event/Order__e --data '{\"Total__c\":5}'\n"
                "weir sandbox emit salesforce /event/Order__e --count 100000 --pad 600\n"
                "weir sandbox emit bayeux /chat/demo --data '{\"text\":\"hello\"}'",
    .run = sandbox_emit_run,
};

static const struct flag_group *const now_groups[] = {&order_group, NULL};

const struct command command_sandbox_now = {
    .path = "sandbox now",
    .args = "SERVICE WHAT [CHANNEL [KEEP]]",
    .max_args = 4,
    .groups = now_groups,
    .summary = "Let something happen to all sessions, tokens or events",
    .about = "salesforce forget [CHANNEL [KEEP]]: nothing is retained any more (but for the KEEP "
             "newest). salesforce expire: every token has expired. salesforce reroute: every "
             "cookie leads to a node that knows no sessions. salesforce stop, salesforce start: "
             "nobody listens until then; sessions are gone, what is retained is not. salesforce "
             "kill, bayeux kill: every "
             "session is gone. salesforce disconnect, bayeux disconnect: every session gets an "
             "unsolicited /meta/disconnect, and is gone.",
    .examples = "weir sandbox now salesforce reroute\n"
                "weir sandbox now salesforce forget /event/Order__e",
    .run = sandbox_now_run,
};
