/* Bayeux over HTTP: who asks (tokens, cookies), what is asked (for the log), and the answer. */
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/bayeux_private.h"
#include "sandbox/salesforce_private.h"
#include "sandbox/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_MAX    32768
#define COOKIE_LIFE_MS (INT64_C(3) * 3600 * 1000)
#define FIRST_VERSION  37
#define LAST_VERSION   70
#define REPLAY_SHOWN   300

/* ---- cookies ----------------------------------------------------------------------------- */

/* "a=1; b=2": the value of `name` into `out`; false: it is not there, or too long. */
static bool cookie_of(const struct web_request *request, const char *name, char *out, size_t size)
{
    const struct web_head *head = web_request_head(request);
    size_t len = strlen(name);
    for (size_t i = 0; i < head->header_count; i++) {
        const char *at = head->headers[i].value;
        if (strcmp(head->headers[i].name, "cookie") != 0)
            continue;
        for (; at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
            at += strspn(at, " ");
            size_t value = strcspn(at, ";");
            if (strncmp(at, name, len) != 0 || at[len] != '=' || value - len - 1 >= size)
                continue;
            (void)snprintf(out, size, "%.*s", (int)(value - len - 1), at + len + 1);
            return true;
        }
    }
    return false;
}

static void set_cookie(struct visit *visit, const char *cookie)
{
    size_t len = strlen(visit->cookies);
    (void)snprintf(visit->cookies + len, sizeof visit->cookies - len, "Set-Cookie: %s%s\r\n",
                   cookie, visit->sf->options.tls ? "; SameSite=None; Secure" : "");
}

static int64_t wall_ms(const struct visit *visit)
{
    return clock_wall(visit->sf->common->clock) / NS_PER_MS;
}

/* NODE.EXPIRY.RANDOM: where the load balancer sends the request. */
static bool comes_home(const struct visit *visit)
{
    char value[80] = "", *end = NULL;
    if (!cookie_of(visit->request, "sfdc-stream", value, sizeof value))
        return false;
    unsigned long node = strtoul(value, &end, 10);
    if (*end != '.' || node != visit->sf->node)
        return false;
    return strtoll(end + 1, NULL, 16) > wall_ms(visit);
}

static void give_way_home(struct visit *visit)
{
    char date[64] = "", cookie[200];
    struct tm parts = {0};
    const struct salesforce *sf = visit->sf;
    weir_ms life = sf->options.cookie_life ? sf->options.cookie_life : COOKIE_LIFE_MS;
    int64_t until = wall_ms(visit) + life;
    time_t seconds = (time_t)(until / 1000);
    gmtime_r(&seconds, &parts);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    (void)snprintf(cookie, sizeof cookie, "sfdc-stream=%u.%llx.%08llx; Path=/; Expires=%s",
                   sf->node, (long long)until,
                   (unsigned long long)clock_random(sf->common->clock, UINT32_MAX), date);
    set_cookie(visit, cookie);
}

/* ---- the answer -------------------------------------------------------------------------- */

static struct visit *visit_of(struct exchange *exchange)
{
    return (struct visit *)(void *)((char *)exchange - offsetof(struct visit, exchange));
}

static void on_outcome(struct exchange *exchange, size_t message, const char *error)
{
    visit_outcome(visit_of(exchange), message, error);
}

static void set_browser(struct visit *visit, bool plain)
{
    char cookie[200];
    const char *value = visit->exchange.browser_set;
    (void)snprintf(cookie, sizeof cookie, "BAYEUX_BROWSER=%s; Path=%s", value,
                   plain ? "/; HttpOnly" : "/cometd/");
    set_cookie(visit, cookie);
    if (plain)
        return;
    (void)snprintf(cookie, sizeof cookie, "t=%.16s; Path=/cometd/; HttpOnly", value);
    set_cookie(visit, cookie);
}

static void on_done(struct exchange *exchange)
{
    struct visit *visit = visit_of(exchange);
    bool plain = visit->server == visit->sf->bayeux;
    if (exchange->body.failed) {
        visit_cut(visit);
        return;
    }
    if (exchange->browser_set[0] && !visit->socket)
        set_browser(visit, plain);
    struct web_answer answer = {.status = 200,
                                .content_type = "application/json;charset=UTF-8",
                                .body = {exchange->body.data, exchange->body.len}};
    visit_finish(visit, &answer);
}

/* ---- the request ------------------------------------------------------------------------- */

/* "/cometd/45.0", "/cometd/45.0/connect"; else why not. */
static const char *check_version(const char *target)
{
    char *end = NULL;
    const char *at = target + strlen(SALESFORCE_COMETD_PATH);
    if (*at != '/')
        return "400::API version in the URI is mandatory. URI format: '/cometd/XX.0'";
    unsigned long version = strtoul(at + 1, &end, 10);
    if (end == at + 1 || strncmp(end, ".0", 2) != 0 || (end[2] && !strchr("/?", end[2])))
        return "400::API version in the URI is mandatory. URI format: '/cometd/XX.0'";
    return version >= FIRST_VERSION && version <= LAST_VERSION
               ? NULL
               : "400::Unsupported API version. Only API versions '37.0' and later are supported. "
                 "URI format: '/cometd/XX.0'";
}

static void obey_faults(struct visit *visit)
{
    const char *token = visit->request ? salesforce_token_of(visit) : NULL;
    for (size_t i = 0; i < visit->count; i++) {
        enum fault_how how = visit->faults[i].how;
        if (how == FAULT_EXPIRE && token && visit->sf->common->tokens)
            tokens_expire(visit->sf->common->tokens, token);
        if (how == FAULT_REROUTE)
            visit->exchange.elsewhere = true;
        if (how == FAULT_LOSE)
            sflog_forget(visit->sf->log, NULL, 0);
    }
}

static void act(struct visit *visit)
{
    bool plain = visit->server == visit->sf->bayeux;
    struct exchange *exchange = &visit->exchange;
    obey_faults(visit);
    if (visit->socket)
        exchange->sink = &visit->socket->sink;
    else if (cookie_of(visit->request, "BAYEUX_BROWSER", visit->browser, sizeof visit->browser))
        exchange->browser = visit->browser;
    exchange->faults = visit->faults;
    exchange->outcome = on_outcome;
    exchange->done = on_done;
    if (!plain) {
        exchange->denied = check_version(web_request_head(visit->request)->target);
        if (!exchange->denied)
            exchange->denied = salesforce_check_token(visit);
        if (exchange->elsewhere || !comes_home(visit)) {
            exchange->elsewhere = true;
            give_way_home(visit);
        }
    }
    bayeux_server_ask(visit->server, exchange, visit->messages);
}

static const char *what_of(const char *channel, bool plain)
{
    static const char *const names[2][MESSAGE_PUBLISH + 1] = {
        {"salesforce.handshake", "salesforce.connect", "salesforce.subscribe",
         "salesforce.unsubscribe", "salesforce.disconnect", "salesforce", "salesforce.publish"},
        {"bayeux.handshake", "bayeux.connect", "bayeux.subscribe", "bayeux.unsubscribe",
         "bayeux.disconnect", "bayeux", "bayeux.publish"}};
    return names[plain][bayeux_kind(channel)];
}

/* A member as text for the log; mem_free(). */
static char *shown(const json_t *value)
{
    char *text =
        json_is_string(value) ? mem_strdup(json_string_value(value)) : json_text(value, true);
    if (text && strlen(text) > REPLAY_SHOWN && text_is_utf8(text, REPLAY_SHOWN))
        text[REPLAY_SHOWN] = '\0';
    return text;
}

#define FORM_MAX 6

/* What of the message the log shows; each text mem_free(). */
static size_t form_of(const json_t *message, struct journal_pair *form)
{
    static const struct {
        const char *name;
        bool ext;
    } members[FORM_MAX] = {{"channel", false},        {"id", false},    {"subscription", false},
                           {"connectionType", false}, {"replay", true}, {"ack", true}};
    const json_t *ext = json_object_get(message, "ext");
    size_t count = 0;
    for (size_t i = 0; i < FORM_MAX; i++) {
        const json_t *from = members[i].ext ? ext : message;
        char *text = shown(json_object_get(from, members[i].name));
        if (text)
            form[count++] = (struct journal_pair){members[i].name, text};
    }
    return count;
}

static void enter(struct visit *visit, size_t index, bool plain)
{
    struct journal_pair form[FORM_MAX];
    const struct web_head *head = visit->request ? web_request_head(visit->request) : NULL;
    const json_t *message =
        json_is_array(visit->messages) ? json_array_get(visit->messages, index) : visit->messages;
    const char *channel = json_string_value(json_object_get(message, "channel"));
    struct journal_request entry = {.service = plain ? "bayeux" : "salesforce",
                                    .what = what_of(channel ? channel : "/", plain),
                                    .path = BAYEUX_PATH,
                                    .form = form,
                                    .form_count = form_of(message, form)};
    entry.peer = head ? web_request_peer(visit->request) : socket_peer(visit->socket);
    if (head) {
        entry.path = head->target;
        entry.headers = head->headers;
        entry.header_count = index ? 0 : head->header_count;
    }
    visit_enter(visit, index, &entry);
    for (size_t i = 0; i < entry.form_count; i++)
        mem_free((char *)(uintptr_t)form[i].value);
}

static void refuse(struct salesforce *sf, struct web_request *request, int status, const char *text,
                   bool plain)
{
    struct visit *visit = visit_new(sf, request, 1);
    const struct web_head *head = web_request_head(request);
    struct journal_request entry = {.service = plain ? "bayeux" : "salesforce",
                                    .what = plain ? "bayeux" : "salesforce",
                                    .path = head->target,
                                    .peer = web_request_peer(request),
                                    .headers = head->headers,
                                    .header_count = head->header_count};
    if (!visit)
        return;
    visit_enter(visit, 0, &entry);
    visit_say(visit, status, text);
}

void salesforce_begin_messages(struct salesforce *sf, struct web_request *request,
                               struct socket *socket, json_t *messages, bool plain)
{
    size_t count = json_is_array(messages) ? json_array_size(messages) : 1;
    struct visit *visit = visit_new(sf, request, count);
    if (!visit) {
        json_decref(messages);
        if (socket)
            socket_cut(socket);
        return;
    }
    visit->messages = messages;
    visit->server = plain ? sf->bayeux : sf->cometd;
    visit->act = act;
    visit->socket = socket;
    if (socket)
        TAILQ_INSERT_TAIL(&socket->visits, visit, link);
    for (size_t i = 0; i < count; i++)
        enter(visit, i, plain);
    visit_begin(visit);
}

void salesforce_take_messages(struct salesforce *sf, struct web_request *request, bool plain)
{
    weir_bytes body = web_request_body(request);
    if (plain && websocket_wanted(request)) {
        salesforce_take_socket(sf, request);
        return;
    }
    if (strcmp(web_request_head(request)->method, "POST") != 0) {
        refuse(sf, request, 400, "Bayeux messages come by POST\n", plain);
        return;
    }
    if (!plain && body.len > REQUEST_MAX) {
        refuse(sf, request, 413, "Maximum Request Size Exceeded\n", plain);
        return;
    }
    json_t *messages = json_parse(body.data, body.len, "the request", NULL);
    if (salesforce_are_messages(messages)) {
        salesforce_begin_messages(sf, request, NULL, messages, plain);
        return;
    }
    json_decref(messages);
    refuse(sf, request, 400, "the body is no array of Bayeux messages\n", plain);
}

bool salesforce_are_messages(const json_t *messages)
{
    size_t count = json_is_array(messages) ? json_array_size(messages) : json_is_object(messages);
    return count > 0 && count <= BAYEUX_MESSAGES_MAX;
}
