/* The commands of `weir bayeux`, as data. */
#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/listen_flags.h"

#define MOST_CHANNELS 10000

static const struct flag server[] = {
    {.name = "transport",
     .kind = FLAG_CHOICE,
     .value = "auto|websocket|long-polling",
     .fallback = "auto",
     .help = "auto: a WebSocket where the server and the way to it allow it"},
    {.name = "header",
     .kind = FLAG_TEXT,
     .value = "'NAME: VALUE'",
     .repeat = true,
     .help = "a header to send with every request"},
    {.name = "token-env",
     .kind = FLAG_TEXT,
     .value = "NAME",
     .help = "send the token in this variable as Authorization: Bearer"},
    {.name = "no-ack-extension", .help = "do not offer CometD's acknowledge extension"},
    {0},
};
static const struct flag_group server_group = {"Server", server};

static const struct flag format[] = {
    {.name = "format",
     .kind = FLAG_CHOICE,
     .value = "message|data|cloudevent",
     .fallback = "message",
     .help = "what a line holds: the whole message as the server sent it, its data, or a "
             "CloudEvent"},
    {0},
};
static const struct flag_group format_group = {"Events", format};

static const struct flag_group *const listen_groups[] = {
    &format_group, &group_listen_handler, &group_listen_session,
    &server_group, &group_network,        NULL};

const struct command command_bayeux_listen = {
    .path = "bayeux listen",
    .args = "URL CHANNEL...",
    .min_args = 2,
    .max_args = MOST_CHANNELS,
    .groups = listen_groups,
    .summary = "Print, or hand to programs, the events of channels of a CometD server",
    .about = "/news/* is every channel one level below /news, /news/** all levels. A line an "
             "event, in order on each channel. Bayeux keeps no events: what is published while "
             "there is no session, or is in hand when the listener ends, is lost.\n"
             "\n" LISTEN_ABOUT_PROGRAMS "\n"
             "\n"
             "A coprocess gets a line an event, and what it writes is passed on. It is started "
             "again when it dies.\n"
             "\n" LISTEN_ABOUT_END,
    .examples = "weir bayeux listen https://chat.example/cometd '/room/*' --format data\n"
                "weir bayeux listen http://localhost:8080/cometd /news --exec 'jq .data.title'",
    .runs_program = true,
    .run = bayeux_listen_run,
};

static const struct flag publish[] = {
    {.name = "data",
     .kind = FLAG_JSON,
     .value = "JSON",
     .required = true,
     .help = "what is published: JSON, literal, @FILE, - for standard input, or a file's path"},
    {0},
};
static const struct flag_group publish_group = {"Event", publish};
static const struct flag_group *const publish_groups[] = {&publish_group, &server_group,
                                                          &group_network, NULL};

const struct command command_bayeux_publish = {
    .path = "bayeux publish",
    .args = "URL CHANNEL",
    .min_args = 2,
    .max_args = 2,
    .groups = publish_groups,
    .summary = "Publish to a channel of a CometD server",
    .about = "Prints the server's reply.",
    .examples =
        "weir bayeux publish http://localhost:8080/cometd /news --data '{\"title\": \"Hi\"}'",
    .run = bayeux_publish_run,
};
