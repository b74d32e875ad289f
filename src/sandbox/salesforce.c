/* The server as a whole: routes, tokens, what is emitted, what is ordered, and the one timer. */
#include "sandbox/salesforce.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/salesforce_event.h"
#include "sandbox/salesforce_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX 4
#define ORDER_MAX 700

/* ---- time -------------------------------------------------------------------------------- */

void salesforce_rearm(struct salesforce *sf)
{
    int64_t next = INT64_MAX;
    if (sf->web) {
        int64_t a = bayeux_server_next(sf->cometd), b = bayeux_server_next(sf->bayeux);
        next = a < b ? a : b;
    }
    (void)timer_set(&sf->timer, next);
}

static void on_timer(void *user)
{
    struct salesforce *sf = user;
    bayeux_server_pass(sf->cometd);
    bayeux_server_pass(sf->bayeux);
    salesforce_rearm(sf);
}

/* ---- who asks ---------------------------------------------------------------------------- */

void salesforce_base(const struct visit *visit, char *out, size_t size)
{
    const char *host = web_head_find(web_request_head(visit->request), "host");
    bool good = host && *host && strlen(host) < 200 && !strpbrk(host, "/\\@\"' ");
    const char *scheme = visit->sf->options.tls ? "https" : "http";
    if (good)
        (void)snprintf(out, size, "%s://%s", scheme, host);
    else
        (void)snprintf(out, size, "%s://localhost:%u", scheme, (unsigned)web_port(visit->sf->web));
}

const char *salesforce_token_of(const struct visit *visit)
{
    const char *value = web_head_find(web_request_head(visit->request), "authorization");
    if (value && strncasecmp(value, "Bearer ", 7) == 0)
        return value + 7;
    return value && strncasecmp(value, "OAuth ", 6) == 0 ? value + 6 : NULL;
}

const char *salesforce_check_token(const struct visit *visit)
{
    const char *token = salesforce_token_of(visit);
    if (!token)
        return "401::Request requires authentication";
    return tokens_look(visit->sf->common->tokens, token) == TOKEN_VALID
               ? NULL
               : "401::Authentication invalid";
}

/* ---- routes ------------------------------------------------------------------------------ */

static bool is_below(const char *target, const char *path)
{
    size_t len = strlen(path);
    return strncmp(target, path, len) == 0 && (!target[len] || strchr("/?", target[len]));
}

static void on_request(void *user, struct web_request *request)
{
    static const char text[] = "there are /services/oauth2/token, /cometd/NN.0, "
                               "/services/data/vNN.0/sobjects/NAME__e and /bayeux\n";
    struct salesforce *sf = user;
    const char *target = web_request_head(request)->target;
    struct web_answer none = {
        .status = 404, .content_type = "text/plain", .body = {text, sizeof text - 1}};
    if (is_below(target, SALESFORCE_TOKEN_PATH))
        salesforce_take_token(sf, request);
    else if (is_below(target, SALESFORCE_COMETD_PATH))
        salesforce_take_messages(sf, request, false);
    else if (is_below(target, BAYEUX_PATH))
        salesforce_take_messages(sf, request, true);
    else if (is_below(target, "/services/data"))
        salesforce_take_rest(sf, request);
    else
        web_answer(request, &none);
}

static void on_gone(void *user, struct web_request *request)
{
    struct visit *visit = web_request_user(request);
    if (visit)
        visit_gone(visit);
    salesforce_rearm(user);
}

static const struct web_events events = {on_request, on_gone};

/* ---- life -------------------------------------------------------------------------------- */

struct salesforce *salesforce_new(const struct salesforce_options *options, weir_error *err)
{
    struct salesforce *sf = mem_zalloc(sizeof *sf);
    if (sf) {
        sf->options = *options;
        sf->common = options->common;
        sf->log = sflog_new(&options->log);
        TAILQ_INIT(&sf->sockets);
    }
    if (sf && sf->log)
        return sf;
    mem_free(sf);
    error_no_memory(err);
    return NULL;
}

void salesforce_free(struct salesforce *sf)
{
    if (!sf)
        return;
    if (sf->zip_ready)
        (void)deflateEnd(&sf->zip);
    sflog_free(sf->log);
    mem_free(sf);
}

weir_status salesforce_open(struct salesforce *sf, uint16_t port, weir_error *err)
{
    const struct salesforce_options *o = &sf->options;
    struct bayeux_server_options server = {.clock = sf->common->clock,
                                           .log = sf->log,
                                           .hold = o->hold,
                                           .session_timeout = o->session_timeout,
                                           .batch_events = o->batch_events,
                                           .batch_bytes = o->batch_bytes,
                                           .sessions_max = o->sessions_max,
                                           .channels = o->channels};
    struct web_options web = {
        .loop = sf->common->loop, .port = port, .tls = o->tls, .events = &events, .user = sf};
    timer_init(&sf->timer, sf->common->loop, on_timer, sf);
    sf->port = port;
    sf->node++; /* it knows no session, and the cookies say so */
    sf->cometd = bayeux_server_new(&server);
    server.log = NULL;
    sf->bayeux = bayeux_server_new(&server);
    if (!sf->cometd || !sf->bayeux)
        error_no_memory(err);
    else
        sf->web = web_open(&web, err);
    if (sf->web)
        return WEIR_OK;
    salesforce_close(sf);
    return err->status;
}

bool salesforce_is_open(const struct salesforce *sf)
{
    return sf->web != NULL;
}

void salesforce_close(struct salesforce *sf)
{
    if (!sf)
        return;
    web_close(sf->web);
    sf->web = NULL;
    while (!TAILQ_EMPTY(&sf->sockets))
        socket_cut(TAILQ_FIRST(&sf->sockets));
    bayeux_server_free(sf->cometd);
    bayeux_server_free(sf->bayeux);
    sf->cometd = sf->bayeux = NULL;
    if (sf->timer.fire)
        timer_cancel(&sf->timer);
}

/* ---- events ------------------------------------------------------------------------------ */

static weir_status append(struct salesforce *sf, const struct salesforce_shape *shape,
                          weir_error *err)
{
    struct sflog_channel *channel = NULL;
    enum sflog_found found =
        sflog_channel(sf->log, shape->channel, strlen(shape->channel), &channel);
    if (found == SFLOG_OTHER_CASE)
        return error_set(err, WEIR_CONFLICT,
                         "there is a channel already whose name differs from \"%.200s\" only by "
                         "case",
                         shape->channel);
    struct bayeux_event *event =
        found == SFLOG_THERE ? salesforce_event_new(sf->common->clock, shape) : NULL;
    bool good = event && sflog_append(sf->log, channel, event);
    if (good && sf->cometd)
        bayeux_server_publish(sf->cometd, shape->channel, event);
    bayeux_event_drop(event);
    return good ? WEIR_OK : error_no_memory(err);
}

/* Change events come on their own channel and on the one of all. */
static weir_status emit_one(struct salesforce *sf, struct salesforce_shape *shape, weir_error *err)
{
    static const char all[] = "/data/ChangeEvents";
    const char *end = strstr(shape->channel, "ChangeEvent");
    weir_status status = append(sf, shape, err);
    if (status == WEIR_OK && strncmp(shape->channel, "/data/", 6) == 0 && end &&
        strcmp(end, "ChangeEvent") == 0) {
        shape->about = shape->channel;
        shape->channel = all;
        status = append(sf, shape, err);
    }
    return status;
}

static weir_status emit_plain(struct salesforce *sf, const struct salesforce_emission *emission,
                              weir_error *err)
{
    struct buf text = BUF_INIT(BAYEUX_ANSWER_MAX);
    char *data = json_text(emission->data, true);
    if (emission->channel[0] != '/' || strchr(emission->channel, '*')) {
        mem_free(data);
        return error_set(err, WEIR_INVALID, "\"%.200s\" is no channel to publish on",
                         emission->channel);
    }
    buf_adds(&text, "{\"channel\":");
    json_add_string(&text, emission->channel, strlen(emission->channel));
    buf_addf(&text, ",\"data\":%s}", data ? data : "null");
    struct bayeux_event *event =
        text.failed || !data ? NULL : bayeux_event_new(text.data, text.len);
    if (event && sf->bayeux)
        bayeux_server_publish(sf->bayeux, emission->channel, event);
    bool good = event != NULL;
    bayeux_event_drop(event);
    buf_free(&text);
    mem_free(data);
    return good ? WEIR_OK : error_no_memory(err);
}

static bool is_listed(const char *const *channels, const char *name)
{
    for (; channels && *channels; channels++) {
        if (strcmp(*channels, name) == 0)
            return true;
    }
    return !channels;
}

static weir_status check_emission(const struct salesforce *sf,
                                  const struct salesforce_emission *emission, weir_error *err)
{
    const char *channel = emission->channel ? emission->channel : "";
    if (salesforce_kind(channel, strlen(channel)) == SALESFORCE_NO_CHANNEL)
        return error_set(err, WEIR_INVALID,
                         "\"%.200s\" is no channel; there are /topic/NAME, /u/NAME, /event/NAME__e "
                         "and /data/NAMEChangeEvent",
                         channel);
    if (!is_listed(sf->options.channels, channel))
        return error_set(err, WEIR_NOT_FOUND, "there is no channel \"%.200s\"", channel);
    if (!json_is_object(emission->data) && strncmp(channel, "/u/", 3) != 0)
        return error_set(err, WEIR_INVALID, "the data of \"%.200s\" must be a JSON object",
                         channel);
    if (emission->count < 0 || emission->count > SALESFORCE_EMIT_MAX)
        return error_set(err, WEIR_INVALID, "at most %d events are emitted at once",
                         SALESFORCE_EMIT_MAX);
    return WEIR_OK;
}

static weir_status emit_all(struct salesforce *sf, const struct salesforce_emission *emission,
                            struct buf *ids, weir_error *err)
{
    int64_t count = emission->count ? emission->count : 1;
    int64_t number = emission->first ? emission->first : 1;
    weir_status status = WEIR_OK;
    for (int64_t i = 0; status == WEIR_OK && i < count; i++, number++) {
        struct salesforce_shape shape = {.channel = emission->channel ? emission->channel : "",
                                         .fields = emission->data,
                                         .number = emission->count ? number : 0,
                                         .pad = emission->pad};
        shape.id = i == 0 && emission->id ? emission->id : sflog_next_id(sf->log);
        (void)sflog_skip_to(sf->log, shape.id);
        status = emit_one(sf, &shape, err);
        if (status == WEIR_OK)
            buf_addf(ids, "%lld\n", (long long)shape.id);
    }
    return status;
}

weir_status salesforce_emit(struct salesforce *sf, const struct salesforce_emission *emission,
                            struct buf *ids, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (emission->service && strcmp(emission->service, "bayeux") == 0) {
        status = emit_plain(sf, emission, err);
        salesforce_rearm(sf);
        return status;
    }
    status = check_emission(sf, emission, err);
    if (status == WEIR_OK && emission->id && !sflog_skip_to(sf->log, emission->id - 1))
        status =
            error_set(err, WEIR_INVALID, "the replay id %lld does not come after the newest one",
                      (long long)emission->id);
    if (status == WEIR_OK)
        status = emit_all(sf, emission, ids, err);
    salesforce_rearm(sf);
    return status;
}

/* ---- orders ------------------------------------------------------------------------------ */

static size_t split(char *line, char **words)
{
    size_t count = 0;
    char *at = line + strspn(line, " \t\r\n");
    while (*at && count < WORDS_MAX) {
        words[count++] = at;
        at += strcspn(at, " \t\r\n");
        if (*at)
            *at++ = '\0';
        at += strspn(at, " \t\r\n");
    }
    return *at ? SIZE_MAX : count;
}

static weir_status forget(struct salesforce *sf, char *const *words, size_t count, weir_error *err)
{
    int64_t keep = 0;
    struct sflog_channel *channel = NULL;
    if (count == 4 && !text_number(words[3], 0, INT32_MAX, &keep))
        return error_set(err, WEIR_INVALID, "\"%.64s\" is no number of events to keep", words[3]);
    if (count > 2 && sflog_channel(sf->log, words[2], strlen(words[2]), &channel) != SFLOG_THERE)
        return error_set(err, WEIR_NOT_FOUND, "there is no channel \"%.200s\"", words[2]);
    sflog_forget(sf->log, channel, (size_t)keep);
    return error_ok(err);
}

static void strike(struct salesforce *sf, struct bayeux_server *server, enum bayeux_blow blow)
{
    if (server)
        bayeux_server_strike(server, blow);
    salesforce_rearm(sf);
}

static const char *const verbs[] = {"forget", "expire", "reroute",    "stop",
                                    "start",  "kill",   "disconnect", NULL};
enum verb {
    VERB_FORGET,
    VERB_EXPIRE,
    VERB_REROUTE,
    VERB_STOP,
    VERB_START,
    VERB_KILL, /* from here on of plain CometD, too */
    VERB_DISCONNECT,
    VERB_NONE
};

/* Which order the words are; VERB_NONE: none. */
static enum verb verb_of(char *const *words, size_t count, bool *plain)
{
    int verb = VERB_FORGET;
    if (count < 2 || count > WORDS_MAX)
        return VERB_NONE;
    *plain = strcmp(words[0], "bayeux") == 0;
    if (!*plain && strcmp(words[0], "salesforce") != 0)
        return VERB_NONE;
    while (verb < VERB_NONE && strcmp(verbs[verb], words[1]) != 0)
        verb++;
    bool fits = verb == VERB_FORGET || count == 2;
    return fits && (!*plain || verb >= VERB_KILL) ? (enum verb)verb : VERB_NONE;
}

weir_status salesforce_order(struct salesforce *sf, const char *line, weir_error *err)
{
    char copy[ORDER_MAX];
    char *words[WORDS_MAX] = {NULL};
    bool plain = false;
    (void)snprintf(copy, sizeof copy, "%s", line);
    size_t count = strlen(line) < sizeof copy ? split(copy, words) : SIZE_MAX;
    enum verb verb = verb_of(words, count, &plain);
    struct bayeux_server *server = plain ? sf->bayeux : sf->cometd;
    switch (verb) {
    case VERB_FORGET:
        return forget(sf, words, count, err);
    case VERB_EXPIRE:
        tokens_expire_all(sf->common->tokens);
        return error_ok(err);
    case VERB_REROUTE:
        sf->node++;
        return error_ok(err);
    case VERB_STOP:
        salesforce_close(sf);
        return error_ok(err);
    case VERB_START:
        return sf->web ? error_ok(err) : salesforce_open(sf, sf->port, err);
    case VERB_KILL:
    case VERB_DISCONNECT:
        strike(sf, server, verb == VERB_KILL ? BAYEUX_KILL : BAYEUX_DISCONNECT);
        return error_ok(err);
    default:
        return error_set(err, WEIR_INVALID,
                         "\"%.100s\" is not understood; there are salesforce forget [CHANNEL "
                         "[KEEP]], salesforce expire|reroute|stop|start|kill|disconnect and bayeux "
                         "kill|disconnect",
                         line);
    }
}
