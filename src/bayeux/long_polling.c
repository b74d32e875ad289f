/* Long polling: every exchange is a POST, which the server answers when it has something to say
 * (Bayeux 1.0, 3.1 and 4.1). The URL is always the endpoint's own: Salesforce takes no type after
 * it. Nothing is repeated here; what failed is told with whether it may have arrived.
 *
 * Salesforce says some errors as messages in an answer that is not 2xx, with a cookie that the next
 * handshake needs. Such messages are received like any others; what the status says comes after.
 *
 * A callback may close the transport: `busy` counts the frames that will look at it again, and the
 * last of them frees it. */
#include "bayeux/transport_private.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "http/status.h"

#include <string.h>
#include <sys/queue.h>

#define CONTENT_TYPE  "application/json;charset=UTF-8"
#define TOO_LARGE     413 /* Salesforce: a request of more than 32,768 bytes */
#define DATE_TEXT_MAX 64

struct errand { /* one exchange */
    TAILQ_ENTRY(errand) link;
    struct poll *poll;
    struct http_ask *ask;
    unsigned exchange;
};

TAILQ_HEAD(errand_list, errand);

struct poll {
    struct transport t; /* first */
    struct errand_list errands;
    unsigned busy;
    bool closed;
    char date[DATE_TEXT_MAX]; /* of the last answer: it is the same for a second */
    int64_t date_s;
};

static struct poll *poll_of(struct transport *t)
{
    return (struct poll *)(void *)t;
}

static void destroy(struct poll *poll)
{
    transport_clear(&poll->t);
    mem_free(poll);
}

static void forget(struct errand *errand)
{
    TAILQ_REMOVE(&errand->poll->errands, errand, link);
    mem_free(errand);
}

/* ---- answers ----------------------------------------------------------------------------- */

static int64_t date_of(struct poll *poll, const struct http_answer *answer)
{
    const char *date = http_header(answer, "Date");
    size_t len = date ? strlen(date) : 0;
    if (!date || len >= sizeof poll->date)
        return 0;
    if (strcmp(date, poll->date) == 0)
        return poll->date_s;
    memcpy(poll->date, date, len + 1);
    if (!http_date(date, clock_wall(loop_clock(poll->t.loop)), &poll->date_s))
        poll->date_s = 0;
    return poll->date_s;
}

static bool looks_like_json(const struct http_answer *answer)
{
    const char *text = answer->body.data;
    text += strspn(text, " \t\r\n");
    return *text == '[' || *text == '{';
}

/* NULL: *err says what it is instead. */
static struct batch *read_batch(struct poll *poll, const struct http_answer *answer,
                                weir_error *err)
{
    size_t len = 0;
    char *text = http_take_body(answer, &len);
    if (!text) {
        error_no_memory(err);
        return NULL;
    }
    return batch_new(text, len, poll->t.shown, err);
}

/* The messages, or NULL with the reason. Both: messages that came with a failure. */
static struct batch *take(struct poll *poll, const struct http_answer *answer, weir_error *why)
{
    weir_error none = {0};
    if (answer->status / 100 == 2)
        return read_batch(poll, answer, why);
    status_http_answer(why, answer, poll->t.shown);
    if (answer->status == TOO_LARGE)
        why->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return looks_like_json(answer) ? read_batch(poll, answer, &none) : NULL;
}

static void on_done(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct errand *errand = user;
    struct poll *poll = errand->poll;
    unsigned exchange = errand->exchange;
    bool left = http_left(errand->ask);
    weir_error why = {0};
    struct batch *batch = NULL;
    int64_t date_s = answer ? date_of(poll, answer) : 0;
    forget(errand);
    if (answer)
        batch = take(poll, answer, &why);
    else
        error_copy(&why, err);
    poll->busy++;
    if (batch)
        poll->t.events->received(poll->t.user, batch, date_s);
    batch_free(batch);
    if (!poll->closed)
        poll->t.events->ended(poll->t.user, exchange, &why, left);
    if (--poll->busy == 0 && poll->closed)
        destroy(poll);
}

/* ---- requests ---------------------------------------------------------------------------- */

static weir_status post(struct errand *errand, const struct transport_message *m,
                        const char *authorization, weir_error *err)
{
    struct transport *t = &errand->poll->t;
    const char *headers[TRANSPORT_HEADERS_MAX + 2];
    size_t count = 0;
    for (; count < t->header_count; count++)
        headers[count] = t->headers[count];
    headers[count++] = authorization; /* or the end */
    headers[count] = NULL;
    const struct http_request request = {.method = "POST",
                                         .url = t->url,
                                         .headers = headers,
                                         .content_type = CONTENT_TYPE,
                                         .body = {m->text, m->len},
                                         .max_answer = t->max_message,
                                         .larger = TRANSPORT_LARGER,
                                         .no_secret = true,
                                         .held = m->held,
                                         .until = m->until};
    errand->ask = http_send(t->http, &request, on_done, errand, err);
    return errand->ask ? WEIR_OK : err->status;
}

static weir_status post_message(struct transport *t, const struct transport_message *m,
                                weir_error *err)
{
    struct poll *poll = poll_of(t);
    weir_error why = {0};
    struct errand *errand = mem_zalloc(sizeof *errand);
    char *authorization = m->authorization ? transport_authorization(m->authorization) : NULL;
    if (!errand || (m->authorization && !authorization)) {
        mem_free(errand);
        secret_free_text(authorization);
        return error_no_memory(err);
    }
    errand->poll = poll;
    errand->exchange = m->exchange;
    TAILQ_INSERT_TAIL(&poll->errands, errand, link);
    if (post(errand, m, authorization, &why) != WEIR_OK)
        forget(errand);
    secret_free_text(authorization);
    return error_copy(err, &why);
}

static void cancel(struct transport *t, unsigned exchange)
{
    struct errand *errand = TAILQ_FIRST(&poll_of(t)->errands);
    while (errand && errand->exchange != exchange)
        errand = TAILQ_NEXT(errand, link);
    if (!errand)
        return;
    http_cancel(errand->ask);
    forget(errand);
}

static void close_all(struct transport *t)
{
    struct poll *poll = poll_of(t);
    struct errand *errand;
    if (poll->closed)
        return;
    poll->closed = true;
    while ((errand = TAILQ_FIRST(&poll->errands)) != NULL) {
        http_cancel(errand->ask);
        forget(errand);
    }
    if (poll->busy == 0)
        destroy(poll);
}

struct transport *transport_long_polling(const struct transport_options *o, weir_error *err)
{
    static const struct transport_kind kind = {post_message, cancel, close_all, NULL};
    struct poll *poll = mem_zalloc(sizeof *poll);
    if (!poll) {
        error_no_memory(err);
        return NULL;
    }
    TAILQ_INIT(&poll->errands);
    if (transport_init(&poll->t, &kind, o, err) == WEIR_OK)
        return &poll->t;
    destroy(poll);
    return NULL;
}
