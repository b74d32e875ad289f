/* The commands of `weir salesforce`, as data. */
#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/listen_flags.h"
#include "cli/salesforce_flags.h"

#define MOST_CHANNELS 10000

static const struct flag_group *const listen_groups[] = {&group_salesforce_store,
                                                         &group_listen_handler,
                                                         &group_listen_session,
                                                         &group_salesforce_login,
                                                         &group_cache,
                                                         &group_network,
                                                         NULL};

const struct command command_salesforce_listen = {
    .path = "salesforce listen",
    .args = "CHANNEL...",
    .min_args = 1,
    .max_args = MOST_CHANNELS,
    .groups = listen_groups,
    .summary = "Print, or hand to programs, the events of channels, losing none",
    .about =
        "Channels of all kinds: /event/Order__e, /data/AccountChangeEvent, /topic/Accounts (with "
        "filters: \"/topic/Accounts?Region='EMEA'\"), /u/Generic. A line an event, in order on "
        "each channel.\n"
        "\n"
        "With --store an event's position is stored once the event is done: its line was written "
        "(--ack auto), its replay id came back on standard input (--ack stdin: a line REPLAYID "
        "with one channel, or CHANNEL REPLAYID; it acknowledges all before it on its channel; the "
        "end of the input is as SIGTERM), or its program ended with 0. Whatever ends the listener "
        "at whatever instant, the next one begins behind the last event that is done: only events "
        "that were not come again.\n"
        "\n" LISTEN_ABOUT_PROGRAMS "\n"
        "\n"
        "A coprocess gets a line an event and acknowledges with lines "
        "{\"channel\": \"/event/Order__e\", \"replayId\": 42} (the channel may be left out where "
        "there is one only), each for all before it on its channel. It is started again when it "
        "dies, and gets again what it had not acknowledged.\n"
        "\n" LISTEN_ABOUT_END,
    .examples =
        "# durably, into a pipeline\n"
        "weir salesforce listen /event/Order__e --store orders.db | jq -c .data.payload\n"
        "# all that is retained, then end\n"
        "weir salesforce listen /data/ChangeEvents --replay all --until-idle 10s --format data\n"
        "# a program an event; what fails three times is put aside\n"
        "weir salesforce listen /event/Order__e --store orders.db --retries 2 \\\n"
        "    --dead-letter failed.jsonl -- ./book-order",
    .runs_program = true,
    .run = salesforce_listen_run,
};

static const struct flag publish[] = {
    {.name = "data",
     .kind = FLAG_JSON,
     .value = "JSON",
     .help = "the event's fields: a JSON object, literal, @FILE, - for standard input, or a file's "
             "path"},
    {.name = "lines",
     .help = "an event for each line of standard input, a JSON object each; an answer line each"},
    {0},
};
static const struct flag_group publish_group = {"Event", publish};
static const struct flag_group *const publish_groups[] = {&publish_group, &group_salesforce_login,
                                                          &group_cache, &group_network, NULL};

const struct command command_salesforce_publish = {
    .path = "salesforce publish",
    .args = "NAME",
    .min_args = 1,
    .max_args = 1,
    .groups = publish_groups,
    .summary = "Publish platform events",
    .about =
        "NAME is /event/Order__e or Order__e. Prints the server's answer. With --lines each "
        "line of standard input that is not blank is an event, and gets a line: the answer, or "
        "{\"error\": {...}} with the number of the line; the others go on, and the status is "
        "that of the first failure. An event is not repeated when it may have arrived.",
    .examples = "weir salesforce publish Order__e --data '{\"Number__c\": \"7\"}'\n"
                "jq -c '.[]' orders.json | weir salesforce publish Order__e --lines",
    .run = salesforce_publish_run,
};

static const struct flag token[] = {
    {.name = "header", .help = "print \"Authorization: Bearer TOKEN\""},
    {.name = "info", .help = "print JSON about the token, without the token"},
    {.name = "refresh", .help = "ask the server, whatever the cache holds"},
    {0},
};
static const struct flag_group token_group = {"What to print", token};
static const struct flag_group *const token_groups[] = {&token_group, &group_salesforce_login,
                                                        &group_cache, &group_network, NULL};

const struct command command_salesforce_token = {
    .path = "salesforce token",
    .args = "",
    .groups = token_groups,
    .summary = "Print an access token",
    .about = "As weir token --for salesforce does.",
    .examples =
        "curl -H \"$(weir salesforce token --header)\" \"$INSTANCE/services/data/v67.0/limits\"",
    .run = salesforce_token_run,
};

static const struct flag_group *const probe_groups[] = {&group_salesforce_login, &group_cache,
                                                        &group_network, NULL};

const struct command command_salesforce_probe = {
    .path = "salesforce probe",
    .args = "CHANNEL...",
    .min_args = 1,
    .max_args = MOST_CHANNELS,
    .groups = probe_groups,
    .summary = "Try a login and subscriptions, and say what is wrong with them",
    .about = "A line for each of: login, handshake, replay extension, and every channel; ok or "
             "FAIL, in the server's words, with what to do. Status 1 when one failed. With -o json "
             "a JSON line each: check, ok, message.",
    .examples = "weir salesforce probe /event/Order__e /data/ChangeEvents",
    .run = salesforce_probe_run,
};
