/* What can go wrong, as a table: what a HOW takes, and where it makes sense. */
#include "sandbox/fault_how.h"

#include "core/error.h"
#include "core/text.h"
#include "sandbox/duration.h"
#include "sandbox/names.h"

#include <stdio.h>
#include <string.h>

enum where {
    AT_TOKEN = 1,
    AT_ZEEBE = 2,
    AT_CONNECTION = 4,
    AT_LOGIN = 8,    /* salesforce.token */
    AT_REST = 16,    /* salesforce.rest */
    AT_MESSAGE = 32, /* salesforce.connect and so on, bayeux.connect and so on */
    AT_WEB = AT_TOKEN | AT_LOGIN | AT_REST | AT_MESSAGE,
    AT_ANY = AT_WEB | AT_ZEEBE | AT_CONNECTION
};

typedef weir_status read_arg_fn(struct fault *fault, const char *arg, weir_error *err);

struct how {
    const char *name;
    enum fault_how how;
    unsigned where;
    read_arg_fn *read; /* NULL: takes no argument */
    bool optional;     /* it may be left out */
    enum fault_advice advice;
};

static weir_status read_text(struct fault *fault, const char *arg, weir_error *err)
{
    if (strlen(arg) >= sizeof fault->text)
        return error_set(err, WEIR_INVALID, "the text of a fault may have %zu bytes at most",
                         sizeof fault->text - 1);
    (void)snprintf(fault->text, sizeof fault->text, "%s", arg);
    return WEIR_OK;
}

static weir_status read_status(struct fault *fault, const char *arg, weir_error *err)
{
    char name[32];
    size_t len = strcspn(arg, ":");
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : 0), arg);
    fault->code = grpc_code(name);
    if (fault->code < 0) {
        const char *near = text_nearest(name, names_of_grpc());
        return error_set(err, WEIR_INVALID, "\"status:%.64s\" names no gRPC status%s%s", arg,
                         near ? "; did you mean " : ", e.g. status:UNAVAILABLE", near ? near : "");
    }
    const char *text = arg[len] ? arg + len + 1 : "";
    if (strlen(text) >= sizeof fault->text)
        return error_set(err, WEIR_INVALID, "the text of a status may have %zu bytes at most",
                         sizeof fault->text - 1);
    (void)snprintf(fault->text, sizeof fault->text, "%s", text);
    return WEIR_OK;
}

static weir_status read_http(struct fault *fault, const char *arg, weir_error *err)
{
    char code_text[8];
    int64_t code = 0, seconds = 0;
    size_t len = strcspn(arg, ":");
    (void)snprintf(code_text, sizeof code_text, "%.*s", (int)(len < sizeof code_text ? len : 0),
                   arg);
    bool good = text_number(code_text, 200, 599, &code);
    good = good && (!arg[len] || text_number(arg + len + 1, 1, 86400, &seconds));
    if (!good)
        return error_set(err, WEIR_INVALID,
                         "\"http:%.64s\": expected a status from 200 to 599 and, after another "
                         "colon, seconds for Retry-After, e.g. http:503 or http:429:2",
                         arg);
    fault->code = (int)code;
    fault->retry_after_s = (int)seconds;
    return WEIR_OK;
}

/* error:NAME[:DESCRIPTION] */
static weir_status read_error(struct fault *fault, const char *arg, weir_error *err)
{
    size_t len = strcspn(arg, ":");
    for (const char *const *name = names_of_oauth(); *name; name++) {
        if (strlen(*name) == len && strncmp(*name, arg, len) == 0)
            return read_text(fault, arg, err);
    }
    const char *near = text_nearest(arg, names_of_oauth());
    return error_set(err, WEIR_INVALID, "\"error:%.64s\" names no OAuth2 error%s%s", arg,
                     near ? "; did you mean " : ", e.g. error:invalid_grant", near ? near : "");
}

static weir_status read_delay(struct fault *fault, const char *arg, weir_error *err)
{
    return duration_parse(arg, "delay", &fault->after, err);
}

static weir_status read_cut(struct fault *fault, const char *arg, weir_error *err)
{
    if (strcmp(arg, "body") != 0)
        return error_set(err, WEIR_INVALID,
                         "\"cut:%.64s\" is not known; there are cut and cut:body", arg);
    fault->how = FAULT_CUT_BODY;
    return WEIR_OK;
}

static const struct how hows[] = {
    {.name = "status", .how = FAULT_STATUS, .where = AT_ZEEBE, .read = read_status},
    {.name = "http", .how = FAULT_HTTP, .where = AT_WEB | AT_ZEEBE, .read = read_http},
    {.name = "error", .how = FAULT_ERROR, .where = AT_TOKEN | AT_LOGIN, .read = read_error},
    {.name = "error", .how = FAULT_ERROR, .where = AT_REST, .read = read_text},
    {.name = "delay", .how = FAULT_DELAY, .where = AT_ANY, .read = read_delay},
    {.name = "cut", .how = FAULT_CUT, .where = AT_WEB, .read = read_cut, .optional = true},
    {.name = "cut", .how = FAULT_CUT, .where = AT_ZEEBE | AT_CONNECTION},
    {.name = "hang", .how = FAULT_HANG, .where = AT_ANY},
    {.name = "goaway", .how = FAULT_GOAWAY, .where = AT_ZEEBE | AT_CONNECTION},
    {.name = "garbage", .how = FAULT_GARBAGE, .where = AT_ANY},
    {.name = "expire", .how = FAULT_EXPIRE, .where = AT_WEB | AT_ZEEBE},
    {.name = "html", .how = FAULT_HTML, .where = AT_WEB, .read = read_http, .optional = true},
    {.name = "empty", .how = FAULT_EMPTY, .where = AT_WEB},
    {.name = "bayeux", .how = FAULT_BAYEUX, .where = AT_MESSAGE, .read = read_text},
    {.name = "bayeux-bare",
     .how = FAULT_BAYEUX,
     .where = AT_MESSAGE,
     .read = read_text,
     .advice = FAULT_ADVICE_BARE},
    {.name = "bayeux-none",
     .how = FAULT_BAYEUX,
     .where = AT_MESSAGE,
     .read = read_text,
     .advice = FAULT_ADVICE_NONE},
    {.name = "bayeux-retry",
     .how = FAULT_BAYEUX,
     .where = AT_MESSAGE,
     .read = read_text,
     .advice = FAULT_ADVICE_RETRY},
    {.name = "bayeux-handshake",
     .how = FAULT_BAYEUX,
     .where = AT_MESSAGE,
     .read = read_text,
     .advice = FAULT_ADVICE_HANDSHAKE},
    {.name = "bayeux-reason", .how = FAULT_REASON, .where = AT_MESSAGE, .read = read_text},
    {.name = "disconnect",
     .how = FAULT_DISCONNECT,
     .where = AT_MESSAGE,
     .read = read_text,
     .optional = true},
    {.name = "kill", .how = FAULT_KILL, .where = AT_MESSAGE},
    {.name = "reroute", .how = FAULT_REROUTE, .where = AT_MESSAGE},
    {.name = "lose", .how = FAULT_LOSE, .where = AT_MESSAGE},
};

#define HOWS (sizeof hows / sizeof hows[0])

static unsigned where_of(const char *what)
{
    if (strcmp(what, "token") == 0)
        return AT_TOKEN;
    if (strcmp(what, "salesforce.token") == 0)
        return AT_LOGIN;
    if (strcmp(what, "salesforce.rest") == 0)
        return AT_REST;
    if (strncmp(what, "salesforce", 10) == 0 || strncmp(what, "bayeux", 6) == 0)
        return AT_MESSAGE;
    return strcmp(what, "zeebe.connections") == 0 ? AT_CONNECTION : AT_ZEEBE;
}

static weir_status take_how(struct fault *fault, const struct how *how, const char *word,
                            weir_error *err)
{
    const char *value = strchr(word, ':');
    bool given = value != NULL;
    if ((given && !how->read) || (!given && how->read && !how->optional))
        return error_set(err, WEIR_INVALID, "%s takes %s, but this is \"%.64s\"", how->name,
                         how->read ? "a value after a colon" : "no value", word);
    fault->how = how->how;
    fault->advice = how->advice;
    return given ? how->read(fault, value + 1, err) : WEIR_OK;
}

weir_status fault_read_how(struct fault *fault, const char *what, const char *word, weir_error *err)
{
    const char *names[HOWS + 1] = {NULL};
    char name[32];
    bool elsewhere = false;
    size_t len = strcspn(word, ":");
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : 0), word);
    for (size_t i = 0; i < HOWS; i++) {
        names[i] = hows[i].name;
        if (strcmp(hows[i].name, name) != 0)
            continue;
        if (hows[i].where & where_of(what))
            return take_how(fault, &hows[i], word, err);
        elsewhere = true;
    }
    if (elsewhere)
        return error_set(err, WEIR_INVALID, "%s cannot happen to %s", name, what);
    const char *near = text_nearest(name, names);
    return error_set(err, WEIR_INVALID,
                     "\"%.64s\" is not a fault%s%s; there are status:NAME, http:CODE, error:NAME, "
                     "delay:D, cut, hang, goaway, garbage, expire, html, empty, bayeux:TEXT, "
                     "bayeux-reason:TEXT, disconnect, kill, reroute and lose",
                     word, near ? "; did you mean " : "", near ? near : "");
}

static const char *name_of(const struct fault *fault)
{
    for (size_t i = 0; i < HOWS; i++) {
        if (hows[i].how == fault->how && hows[i].advice == fault->advice)
            return hows[i].name;
    }
    return "cut:body";
}

const char *fault_name(const struct fault *fault, char *out, size_t size)
{
    const char *name = name_of(fault);
    if (fault->how == FAULT_STATUS)
        (void)snprintf(out, size, "%s:%s", name, grpc_name(fault->code));
    else if (fault->how == FAULT_HTTP || (fault->how == FAULT_HTML && fault->code))
        (void)snprintf(out, size, "%s:%d", name, fault->code);
    else if (fault->how == FAULT_DELAY)
        (void)snprintf(out, size, "%s:%lldms", name, (long long)fault->after);
    else
        (void)snprintf(out, size, "%s%s%s", name, fault->text[0] ? ":" : "", fault->text);
    return out;
}
