/* One POST to /services/data/vNN.0/sobjects/NAME. It may have arrived when no answer does, so it
 * is repeated only where that is out of the question: it never left, or the server says that it
 * was turned away. A session that has ended is one of those: a new token, once.
 *
 * The door blocks its caller; what is waited for lives on the caller's stack, and the exchange
 * always reports (its deadline sees to that). */
#include "salesforce/publish.h"

#include "core/error.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/shield.h"
#include "core/text.h"
#include "http/status.h"
#include "salesforce/salesforce_instance.h"

#include <pthread.h>
#include <stdio.h>

#define WORDS_MAX 400 /* bytes of a server's words */

/* ---- names ------------------------------------------------------------------------------- */

weir_status publish_name(const char *name, const char **out, weir_error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    *out = strncmp(name, "/event/", 7) == 0 ? name + 7 : name;
    size_t len = strlen(*out);
    if (len > 0 && len <= 255 && strspn(*out, letters) == len)
        return error_ok(err);
    struct buf shown = BUF_INIT((size_t)512);
    text_fold(&shown, name, strlen(name), 200);
    (void)error_set(err, WEIR_INVALID,
                    "'%s' is no name of a platform event: give Order__e or /event/Order__e",
                    shown.data ? shown.data : "");
    buf_free(&shown);
    return WEIR_INVALID;
}

/* ---- what is answered -------------------------------------------------------------------- */

/* The first row that fits. `may_repeat`: it was surely not published, and soon may be. */
static const struct row {
    const char *code;
    weir_status status;
    bool may_repeat;
    const char *advice; /* or NULL */
} rows[] = {
    {"INVALID_SESSION_ID", WEIR_BAD_LOGIN, false, NULL},
    {"REQUEST_LIMIT_EXCEEDED", WEIR_BUSY, false, "the limit counts for 24 hours"},
    {"LIMIT_EXCEEDED", WEIR_BUSY, false, NULL},
    {"SERVER_UNAVAILABLE", WEIR_UNREACHABLE, true, NULL},
    {"PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", WEIR_UNREACHABLE, true, NULL},
    {"API_DISABLED_FOR_ORG", WEIR_FORBIDDEN, false,
     "the organisation's edition or the user's permissions (API Enabled) have no API access"},
    {"API_CURRENTLY_DISABLED", WEIR_FORBIDDEN, false,
     "the organisation's edition or the user's permissions (API Enabled) have no API access"},
    {"INSUFFICIENT_ACCESS", WEIR_FORBIDDEN, false, NULL},
    {"INSUFFICIENT_ACCESS_OR_READONLY", WEIR_FORBIDDEN, false, NULL},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", WEIR_FORBIDDEN, false, NULL},
    {"NOT_FOUND", WEIR_NOT_FOUND, false,
     "check the event's name and the API version, and that the user may publish it"},
    {"INVALID_TYPE", WEIR_NOT_FOUND, false, NULL},
    {"UNSUPPORTED_API_VERSION", WEIR_UNSUPPORTED, false, "check the API version"},
};

static const struct row *row_of(const char *code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].code, code) == 0)
            return &rows[i];
    }
    return NULL;
}

/* "CODE: message" of the first error; *code borrows from the tree. */
static bool first_error(const json_t *errors, struct buf *words, const char **code)
{
    const json_t *first = json_is_array(errors) ? json_array_get(errors, 0) : NULL;
    const char *message = json_string_value(json_object_get(first, "message"));
    *code = json_string_value(json_object_get(first, "errorCode"));
    if (!*code)
        *code = json_string_value(json_object_get(first, "statusCode"));
    if (!*code && !message)
        return false;
    buf_adds(words, "");
    if (*code)
        text_fold(words, *code, strlen(*code), 100);
    if (*code && message)
        buf_adds(words, ": ");
    if (message)
        text_fold(words, message, strlen(message), WORDS_MAX);
    return words->data != NULL;
}

static void refuse(weir_error *err, const struct http_answer *answer, const char *what,
                   const char *code, const char *words)
{
    const struct row *row = code ? row_of(code) : NULL;
    weir_error plain = {0};
    weir_status status = status_http_answer(&plain, answer, what);
    bool turned_away = answer->status == 429 || answer->status == 503;
    (void)error_peer(err, row ? row->status : status, WEIR_ORIGIN_HTTP, answer->status,
                     "%s: the server answered %d %s: %s%s%s", what, answer->status,
                     status_http_phrase(answer->status), words, row && row->advice ? "; " : "",
                     row && row->advice ? row->advice : "");
    err->retry_in_ms = (row ? row->may_repeat : turned_away) ? 0 : -1;
}

void publish_refusal(const struct http_answer *answer, const char *what, weir_error *err)
{
    const char *code = NULL;
    struct buf words = BUF_INIT((size_t)4096);
    json_t *tree = answer->body.len > 0
                       ? json_parse(answer->body.data, answer->body.len, "the answer", NULL)
                       : NULL;
    if (first_error(tree, &words, &code)) {
        refuse(err, answer, what, code, words.data);
    } else {
        bool turned_away = answer->status == 429 || answer->status == 503;
        (void)status_http_answer(err, answer, what);
        err->retry_in_ms = turned_away ? 0 : -1;
    }
    buf_free(&words);
    json_decref(tree);
}

weir_status publish_result(weir_bytes body, const char *what, weir_error *err)
{
    const char *code = NULL;
    struct buf words = BUF_INIT((size_t)4096);
    json_t *tree = json_parse(body.data, body.len, "the answer", NULL);
    weir_status status = error_ok(err);
    if (!json_is_object(tree)) {
        status = error_set(err, WEIR_PROTOCOL, "%s: the answer is no JSON object", what);
    } else if (json_is_false(json_object_get(tree, "success"))) {
        bool said = first_error(json_object_get(tree, "errors"), &words, &code);
        const struct row *row = code ? row_of(code) : NULL;
        status = error_set(err, row ? row->status : WEIR_REFUSED, "%s: %s", what,
                           said ? words.data : "the server refused it, and does not say why");
    }
    buf_free(&words);
    json_decref(tree);
    return status;
}

/* ---- asking ------------------------------------------------------------------------------ */

struct publication {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done;
    bool answered; /* 2xx: `body` */
    char *body;
    size_t len;
    weir_error err;
    const char *what;
};

static bool explain(void *user, const struct http_answer *answer, weir_error *err)
{
    const struct publication *p = user;
    publish_refusal(answer, p->what, err);
    return true;
}

static void on_done(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct publication *p = user;
    pthread_mutex_lock(&p->lock);
    if (answer) {
        p->answered = true;
        p->len = answer->body.len;
        p->body = mem_dup(answer->body.data ? answer->body.data : "", answer->body.len);
    } else {
        p->err = *err;
    }
    p->done = true;
    pthread_cond_signal(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static weir_status wait_for(struct publication *p, char **answer, weir_error *err)
{
    int shielded = shield_up();
    pthread_mutex_lock(&p->lock);
    while (!p->done)
        pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
    shield_down(shielded);
    if (!p->answered)
        return error_copy(err, &p->err);
    if (!p->body)
        return error_no_memory(err);
    weir_status status = publish_result((weir_bytes){p->body, p->len}, p->what, err);
    if (status == WEIR_OK && answer) {
        *answer = p->body;
        p->body = NULL;
    }
    return status;
}

struct post {
    char *url, *what;
    const char *json;
    struct secret *header;
};

static struct secret *header_of(const weir_token *token)
{
    const char *type = weir_token_type(token), *value = weir_token_value(token);
    size_t room = strlen(type) + strlen(value) + sizeof "Authorization:  ";
    char *text = mem_zalloc(room);
    if (!text)
        return NULL;
    (void)snprintf(text, room, "Authorization: %s %s", type, value);
    struct secret *header = secret_new(text, strlen(text));
    secret_free_text(text);
    return header;
}

static weir_status prepare(struct post *post, const struct publish_door *door, const char *name,
                           const weir_token *token, weir_error *err)
{
    char *base = instance_url(door->instance_url, token, door->allow_plaintext, err);
    if (!base)
        return err->status;
    struct buf url = BUF_INIT((size_t)64 * 1024), what = BUF_INIT((size_t)1024);
    buf_addf(&url, "%s/services/data/v%s/sobjects/%s", base, door->api_version, name);
    buf_addf(&what, "publishing '%s'", name);
    post->url = url.data;
    post->what = what.data;
    post->header = header_of(token);
    mem_free(base);
    return post->url && post->what && post->header ? WEIR_OK : error_no_memory(err);
}

static void post_clear(struct post *post)
{
    mem_free(post->url);
    mem_free(post->what);
    secret_free(post->header);
}

static weir_status post_and_wait(const struct publish_door *door, const struct post *post,
                                 char **answer, struct deadline until, weir_error *err)
{
    struct publication p = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER, .what = post->what};
    const char *const headers[] = {"Accept: application/json", secret_reveal(post->header), NULL};
    const struct exchange_options options = {
        .request = {.method = "POST",
                    .url = post->url,
                    .headers = headers,
                    .content_type = "application/json; charset=UTF-8",
                    .body = {post->json, strlen(post->json)},
                    .max_answer = LIMIT_TOKEN_ANSWER,
                    .until = until},
        .what = post->what,
        .explain = explain,
    };
    if (!exchange_start(door->http, &options, on_done, &p, err))
        return err->status;
    weir_status status = wait_for(&p, answer, err);
    mem_free(p.body);
    return status;
}

/* With one token. BAD_LOGIN: the session it stands for has ended. */
static weir_status try_with(const struct publish_door *door, const weir_token *token,
                            const struct post *what, char **answer, struct deadline until,
                            weir_error *err)
{
    struct post post = {.json = what->json};
    weir_status status = prepare(&post, door, what->what, token, err);
    if (status == WEIR_OK)
        status = post_and_wait(door, &post, answer, until, err);
    post_clear(&post);
    return status;
}

weir_status publish_event(const struct publish_door *door, const char *name, const char *json,
                          char **answer, struct deadline until, weir_error *err)
{
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    const char *plain;
    const struct clock *clock = clock_system();
    if (publish_name(name, &plain, e) != WEIR_OK ||
        json_check_object(json, strlen(json), "event", e) != WEIR_OK)
        return e->status;
    struct post what = {.what = (char *)(uintptr_t)plain, .json = json};
    weir_status status = WEIR_BAD_LOGIN;
    for (int tries = 0; tries < 2 && status == WEIR_BAD_LOGIN; tries++) {
        weir_token *token =
            weir_credentials_token(door->credentials, deadline_left(clock, until), e);
        if (!token)
            return e->status;
        status = try_with(door, token, &what, answer, until, e);
        bool ready = weir_token_expires_at(token) == INT64_MAX;
        if (status == WEIR_BAD_LOGIN)
            weir_credentials_reject(door->credentials, token);
        weir_token_free(token);
        if (ready)
            break; /* there is nothing to renew */
    }
    return status;
}
