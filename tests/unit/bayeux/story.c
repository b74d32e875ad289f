#include "story.h"

#include "core/json.h"

#include <inttypes.h>

static const char *const news[] = {
    [WEIR_SESSION_OPENED] = "OPENED",       [WEIR_SESSION_OUTAGE] = "OUTAGE",
    [WEIR_SESSION_RECOVERED] = "RECOVERED", [WEIR_SESSION_PAUSED] = "PAUSED",
    [WEIR_SESSION_RESUMED] = "RESUMED",     [WEIR_SESSION_SUBSCRIBED] = "SUBSCRIBED",
    [WEIR_SESSION_DROPPED] = "DROPPED",
};

/* ---- hooks -------------------------------------------------------------------------------- */

static void on_outgoing(void *user, enum meta meta, const char *channel, weir_bytes data,
                        struct buf *ext)
{
    struct story *st = user;
    (void)meta, (void)channel, (void)data;
    if (st->ext)
        buf_adds(ext, st->ext);
}

static enum verdict on_judge(void *user, enum meta meta, const struct message *reply,
                             const char *reconnect, weir_error *err)
{
    struct story *st = user;
    if (st->judge)
        return st->judge(meta, reply, err);
    return verdict_of_reply(meta, reply, reconnect, err);
}

static void on_subscribed(void *user, const char *channel, const struct message *reply)
{
    struct story *st = user;
    assert_non_null(channel);
    assert_non_null(reply->raw.data);
    st->subscribed++;
}

static void on_opened(void *user, const struct message *reply)
{
    struct story *st = user;
    assert_non_null(reply->client_id.data);
    st->opened++;
}

void story_with(struct story *st, const struct session_options *options)
{
    static const char *const polling[] = {"long-polling", NULL};
    memset(st, 0, sizeof *st);
    vclock_init(&st->clock);
    st->hooks = (struct session_hooks){on_outgoing, on_judge, on_subscribed, on_opened, NULL};
    st->options = *options;
    st->options.hooks = &st->hooks;
    st->options.user = st;
    st->options.clock = &st->clock.clock;
    if (!st->options.transports)
        st->options.transports = polling;
    weir_error err = {0};
    st->session = session_create(&st->options, &err);
    assert_non_null(st->session);
}

void story_begin(struct story *st)
{
    story_with(st, &(struct session_options){.batch = true});
}

void story_end(struct story *st)
{
    session_destroy(st->session);
    st->session = NULL;
}

int64_t story_now(const struct story *st)
{
    return st->clock.mono;
}

/* ---- what the session does ---------------------------------------------------------------- */

static void word(struct story *st, const char *text)
{
    size_t len = strlen(st->words);
    if (st->quiet)
        return;
    snprintf(st->words + len, sizeof st->words - len, "%s%s", len ? "; " : "", text);
}

static void copy(char *out, size_t size, const json_t *value)
{
    snprintf(out, size, "%s", json_is_string(value) ? json_string_value(value) : "");
}

static struct told *remember(struct story *st, const json_t *message, unsigned exchange)
{
    if (st->sent_count == STORY_SENT) {
        memmove(st->sent, st->sent + 1, sizeof st->sent - sizeof *st->sent);
        st->sent_count--;
    }
    struct told *told = &st->sent[st->sent_count++];
    memset(told, 0, sizeof *told);
    copy(told->channel, sizeof told->channel, json_object_get(message, "channel"));
    copy(told->id, sizeof told->id, json_object_get(message, "id"));
    json_t *subscription = json_object_get(message, "subscription");
    copy(told->subject, sizeof told->subject,
         subscription ? subscription : json_object_get(message, "channel"));
    char *text = json_text(message, true);
    snprintf(told->text, sizeof told->text, "%s", text);
    mem_free(text);
    told->exchange = exchange;
    assert_true(*told->channel && *told->id);
    return told;
}

/* "connect0", "subscribe(/a)". */
static void name_message(const struct told *told, char *out, size_t size)
{
    const char *last = strrchr(told->channel, '/') + 1;
    if (strncmp(told->channel, "/meta/", 6) != 0)
        snprintf(out, size, "publish(%s)", told->channel);
    else if (strstr(told->channel, "subscribe"))
        snprintf(out, size, "%s(%s)", last, told->subject);
    else
        snprintf(out, size, "%s%s", last, strstr(told->text, "\"timeout\":0") ? "0" : "");
}

static void on_send(struct story *st, const struct session_action *action)
{
    weir_error err = {0};
    char line[4096] = "";
    json_t *array = json_parse(action->text, action->len, "the request", &err);
    if (!json_is_array(array))
        fail_msg("%s: %s", err.message, action->text);
    assert_true(action->until_ns > story_now(st));
    assert_true(action->exchange > 0);
    for (size_t i = 0; i < json_array_size(array); i++) {
        char name[128];
        name_message(remember(st, json_array_get(array, i), action->exchange), name, sizeof name);
        size_t len = strlen(line);
        snprintf(line + len, sizeof line - len, "%s%s", len ? "+" : "", name);
    }
    json_decref(array);
    st->requests++;
    st->until_ns = action->until_ns;
    st->request_len = action->len;
    snprintf(st->request, sizeof st->request, "%s", action->text);
    word(st, line);
}

static void on_cancel(struct story *st, unsigned exchange)
{
    char name[128] = "", line[160];
    for (size_t i = 0; i < st->sent_count; i++) {
        if (st->sent[i].exchange == exchange && !*name)
            name_message(&st->sent[i], name, sizeof name);
        if (st->sent[i].exchange == exchange)
            st->sent[i].answered = true;
    }
    snprintf(line, sizeof line, "cancel %s", name);
    word(st, line);
}

static void on_words(struct story *st, const char *what, const char *channel, const weir_error *why,
                     bool status)
{
    char line[256];
    snprintf(line, sizeof line, "%s%s%s%s%s", what, channel ? " " : "", channel ? channel : "",
             status ? " " : "", status ? weir_status_name(why->status) + 5 : "");
    snprintf(st->why, sizeof st->why, "%s", why ? why->message : "");
    word(st, line);
}

static void on_done(struct story *st, const struct session_action *action)
{
    snprintf(st->reply, sizeof st->reply, "%.*s", action->reply ? (int)action->reply->raw.len : 0,
             action->reply ? (const char *)action->reply->raw.data : "");
    const char *what = action->ask->channel ? action->ask->channel : "session";
    on_words(st, "done", what, action->why, true);
}

static bool act(struct story *st)
{
    struct session_action action;
    memset(&action, 0x5a, sizeof action);
    session_next(st->session, story_now(st), &action);
    switch (action.kind) {
    case SESSION_NOTHING:
        return false;
    case SESSION_LOGIN:
        word(st, action.fresh ? "login!" : "login");
        break;
    case SESSION_SEND:
        on_send(st, &action);
        break;
    case SESSION_CANCEL:
        on_cancel(st, action.exchange);
        break;
    case SESSION_DONE:
        on_done(st, &action);
        break;
    case SESSION_NEWS:
        on_words(st, news[action.news], action.channel, action.why, false);
        break;
    case SESSION_RESET:
        word(st, "reset");
        break;
    case SESSION_OVER:
        on_words(st, "over", NULL, action.why, true);
        break;
    }
    return true;
}

void pump(struct story *st)
{
    int most = 5000;
    while (act(st))
        assert_true(--most > 0);
}

void expect_at(struct story *st, const char *words, const char *file, int line)
{
    pump(st);
    if (strcmp(st->words, words) != 0) {
        print_error("expected: %s\n   found: %s\n", words, st->words);
        _fail(file, line);
    }
    st->words[0] = '\0';
}

void pass(struct story *st, int64_t ms)
{
    int64_t end = story_now(st) + ms * NS_PER_MS;
    int most = 100000;
    pump(st);
    for (;;) {
        int64_t wake = session_wake(st->session);
        if (wake > end)
            break;
        if (wake > story_now(st))
            vclock_step(&st->clock, (wake - story_now(st) + NS_PER_MS - 1) / NS_PER_MS);
        assert_true(--most > 0); /* nothing spins */
        session_time_passed(st->session, story_now(st));
        pump(st);
    }
    vclock_step(&st->clock, (end - story_now(st)) / NS_PER_MS);
    session_time_passed(st->session, story_now(st));
    pump(st);
}

/* ---- what happens to it ------------------------------------------------------------------- */

struct session_ask *ask(struct story *st, enum meta meta, const char *channel)
{
    assert_true(st->ask_count < COUNT(st->asks));
    struct session_ask *one = &st->asks[st->ask_count++];
    *one = (struct session_ask){.meta = meta, .channel = channel};
    if (meta == META_PUBLISH)
        one->data = (weir_bytes){"{\"n\":1}", 7};
    session_ask(st->session, story_now(st), one);
    return one;
}

void token(struct story *st)
{
    session_token(st->session, story_now(st), NULL);
}

void no_token(struct story *st, weir_status status, const char *words)
{
    weir_error why = {0};
    error_set(&why, status, "%s", words);
    session_token(st->session, story_now(st), &why);
}

struct told *find_sent(struct story *st, const char *channel, const char *subject)
{
    for (size_t i = st->sent_count; i-- > 0;) {
        struct told *told = &st->sent[i];
        if (!told->answered && strcmp(told->channel, channel) == 0 &&
            (!subject || strcmp(told->subject, subject) == 0))
            return told;
    }
    fail_msg("nothing to %s is out", channel);
    return NULL;
}

size_t hear(struct story *st, const char *json)
{
    weir_error err = {0};
    size_t events = 0, len = strlen(json);
    struct batch *batch = batch_new(mem_dup(json, len), len, "the story", &err);
    if (!batch)
        fail_msg("%s: %s", err.message, json);
    for (size_t i = 0; i < batch->count; i++)
        events += session_received(st->session, story_now(st), &batch->messages[i]);
    batch_free(batch);
    return events;
}

static void end_exchange(struct story *st, unsigned exchange, const weir_error *why, bool left)
{
    for (size_t i = 0; i < st->sent_count; i++) {
        if (st->sent[i].exchange == exchange && !st->sent[i].answered && why->status == WEIR_OK)
            return;
    }
    for (size_t i = 0; i < st->sent_count; i++) {
        if (st->sent[i].exchange == exchange)
            st->sent[i].answered = true;
    }
    if (!st->socket)
        session_ended(st->session, story_now(st), exchange, why, left);
}

void answer_about(struct story *st, const char *channel, const char *subject, const char *members)
{
    static const weir_error fine = {.status = WEIR_OK};
    char json[4096];
    struct told *told = find_sent(st, channel, subject);
    bool about = strcmp(told->subject, told->channel) != 0;
    snprintf(json, sizeof json, "[{\"channel\":\"%s\",\"id\":\"%s\"%s%s%s,%s}]", channel, told->id,
             about ? ",\"subscription\":\"" : "", about ? told->subject : "", about ? "\"" : "",
             members);
    told->answered = true;
    hear(st, json);
    end_exchange(st, told->exchange, &fine, true);
}

void answer(struct story *st, const char *channel, const char *members)
{
    answer_about(st, channel, NULL, members);
}

static void ends_with(struct story *st, const char *channel, const weir_error *why, bool left)
{
    struct told *told = find_sent(st, channel, NULL);
    unsigned exchange = told->exchange;
    for (size_t i = 0; i < st->sent_count; i++) {
        if (st->sent[i].exchange == exchange)
            st->sent[i].answered = true;
    }
    session_ended(st->session, story_now(st), exchange, why, left);
}

void ends(struct story *st, const char *channel, weir_status status, int http)
{
    weir_error why = {0};
    if (status != WEIR_OK)
        error_peer(&why, status, http ? WEIR_ORIGIN_HTTP : WEIR_ORIGIN_WEIR, http,
                   "https://a.example: it failed (%d)", http);
    ends_with(st, channel, &why, true);
}

void ends_unsent(struct story *st, const char *channel)
{
    weir_error why = {0};
    error_set(&why, WEIR_UNREACHABLE, "connecting to a.example: connection refused");
    ends_with(st, channel, &why, false);
}

void story_open(struct story *st)
{
    ask(st, META_HANDSHAKE, NULL);
    pump(st);
    token(st);
    pump(st);
    answer(st, "/meta/handshake", HANDSHAKEN);
    pump(st);
    answer(st, "/meta/connect", FIRST);
    pump(st);
    st->words[0] = '\0';
}

void story_subscribed(struct story *st, const char *channel)
{
    story_open(st);
    ask(st, META_SUBSCRIBE, channel);
    pump(st);
    answer_about(st, "/meta/subscribe", channel, OK);
    pump(st);
    st->words[0] = '\0';
}
