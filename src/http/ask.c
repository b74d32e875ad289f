/* One request under way. All but the beginning is @thread io.
 *
 *   POSTED     its task waits in the loop's queue             Next: RESOLVING, RUNNING, ENDED
 *   RESOLVING  io/resolve.h looks for the name                 Next: RUNNING, ENDED
 *   RUNNING    it has an easy handle, in the multi handle      Next: ENDED
 *   ENDED      `done` was called, or will not be               Next: freed, once it is not posted
 *
 * Names are resolved here and handed to libcurl, because libcurl joins its resolver's thread when
 * a request is given up, and the I/O thread must not wait for a name server. One deadline covers
 * everything; libcurl is not told of it, so that the error can say how far things got. */
#include "core/buf.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/http_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KNOWN_FOR_NS (60 * NS_PER_S)

static struct http_ask *ask_of(struct http_work *work)
{
    return (struct http_ask *)(void *)((char *)work - offsetof(struct http_ask, work));
}

static void ask_free(struct http_ask *ask)
{
    answer_clear(&ask->in);
    request_free(ask->request);
    mem_free(ask->known.data);
    mem_free(ask);
}

/* Out of everything that could call it. */
static void detach(struct http_ask *ask)
{
    ask->ended = true;
    ask->left = easy_left(ask);
    timer_cancel(&ask->deadline);
    resolve_cancel(ask->resolving);
    ask->resolving = NULL;
    if (ask->easy)
        multi_remove(ask->http, ask);
    http_unlist(ask->http, &ask->work);
}

static void report(const struct http_ask *ask, const struct http_answer *answer,
                   const weir_error *why)
{
    const struct request *r = ask->request;
    const char *part = ask->http->part;
    if (!log_wants(WEIR_LOG_DEBUG))
        return;
    int64_t ms = (clock_mono(loop_clock(ask->http->loop)) - ask->began_ns) / NS_PER_MS;
    if (answer)
        log_at(WEIR_LOG_DEBUG, part, "", "%s %s: %d in %" PRId64 " ms", r->method, r->shown,
               answer->status, ms);
    else
        log_at(WEIR_LOG_DEBUG, part, "", "%s %s: %s after %" PRId64 " ms: %s", r->method, r->shown,
               weir_status_name(why->status), ms, why->message);
}

/* The client may be gone when `done` returns. */
static void conclude(struct http_ask *ask, const struct http_answer *answer, const weir_error *why)
{
    detach(ask);
    report(ask, answer, why);
    ask->done(ask->user, answer, why);
    if (!ask->posted)
        ask_free(ask);
}

void ask_fail(struct http_ask *ask, const weir_error *why)
{
    conclude(ask, NULL, why);
}

static void stop(struct http_work *work, const weir_error *why)
{
    ask_fail(ask_of(work), why);
}

void http_cancel(struct http_ask *ask)
{
    if (!ask || ask->ended)
        return;
    detach(ask);
    if (!ask->posted)
        ask_free(ask);
}

bool http_left(const struct http_ask *ask)
{
    return ask->left;
}

/* ---- the end ----------------------------------------------------------------------------- */

static weir_status too_large(const struct http_ask *ask, weir_error *err)
{
    const char *larger = ask->request->larger;
    error_set(err, WEIR_PROTOCOL, "%s: the answer is larger than %zu bytes%s%s", ask->request->peer,
              ask->in.max_body, larger ? ": " : "", larger ? larger : "");
    err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return err->status;
}

static weir_status explain_trouble(const struct http_ask *ask, weir_error *err)
{
    const char *peer = ask->request->peer;
    switch (ask->in.trouble) {
    case ANSWER_HEADERS_TOO_LARGE:
        return error_set(err, WEIR_PROTOCOL, "%s: the answer's headers are larger than %d bytes",
                         peer, LIMIT_HTTP_HEADERS);
    case ANSWER_BODY_TOO_LARGE:
        return too_large(ask, err);
    case ANSWER_NO_MEMORY:
    case ANSWER_GOOD:
        break;
    }
    return error_no_memory(err);
}

static void explain_code(const struct http_ask *ask, CURLcode code, weir_error *err)
{
    const struct request *r = ask->request;
    char proxy[320] = "";
    if (r->proxy.host)
        (void)snprintf(proxy, sizeof proxy, r->proxy.ipv6 ? "[%s]:%u" : "%s:%u", r->proxy.host,
                       r->proxy.port);
    struct failure f = {.code = code,
                        .words =
                            ask->words[0] && !ask->torn ? ask->words : curl.easy_strerror(code),
                        .peer = r->peer,
                        .proxy = r->proxy.host ? proxy : NULL,
                        .tls = r->tls,
                        .proxy_status = easy_number(ask->easy, CURLINFO_HTTP_CONNECTCODE),
                        .verified = easy_number(ask->easy, CURLINFO_SSL_VERIFYRESULT),
                        .os_errno = easy_number(ask->easy, CURLINFO_OS_ERRNO)};
    fail_explain(err, &f);
}

void ask_finish(struct http_ask *ask, CURLcode code)
{
    struct http_answer answer = {0};
    weir_error why = {0};
    long status = easy_number(ask->easy, CURLINFO_RESPONSE_CODE);
    if (ask->in.trouble != ANSWER_GOOD)
        explain_trouble(ask, &why);
    else if (code != CURLE_OK)
        explain_code(ask, ask->torn ? CURLE_SEND_FAIL_REWIND : code, &why);
    else if (!ask->in.heads_over) /* libcurl takes headers without their end for an answer */
        error_set(&why, WEIR_UNREACHABLE, "%s: the connection was cut within the answer's headers",
                  ask->request->peer);
    else if (status < 100 || status > 599)
        error_set(&why, WEIR_PROTOCOL, "%s: the answer's status is %ld, which HTTP does not know",
                  ask->request->peer, status);
    else if (!answer_view(&ask->in, (int)status, loop_clock(ask->http->loop), &answer))
        error_no_memory(&why);
    ask->answered = why.status == WEIR_OK;
    if (code == CURLE_COULDNT_CONNECT)
        ask->http->known_until_ns = 0;
    cookies_came(ask->http, ask->in.set_cookies);
    conclude(ask, why.status == WEIR_OK ? &answer : NULL, &why);
}

static void on_deadline(void *user)
{
    struct http_ask *ask = user;
    weir_error why;
    int64_t ms = (clock_mono(loop_clock(ask->http->loop)) - ask->began_ns) / NS_PER_MS;
    error_set(&why, WEIR_TIMEOUT, "%s: no answer within %" PRId64 " ms: %s", ask->request->peer, ms,
              easy_phase(ask));
    ask_fail(ask, &why);
}

/* ---- the beginning ----------------------------------------------------------------------- */

static void run(struct http_ask *ask)
{
    weir_error why = {0};
    if (multi_open(ask->http, &why) == WEIR_OK && easy_make(ask, &why) == WEIR_OK)
        multi_start(ask->http, ask);
    else
        ask_fail(ask, &why);
}

/* Whose address libcurl needs. */
static const struct url *first_hop(const struct http_ask *ask)
{
    return ask->request->proxy.host ? &ask->request->proxy : &ask->request->parts;
}

/* "host:port:" */
static void add_hop(struct buf *out, const struct url *hop)
{
    buf_addf(out, "%s:%u:", hop->host, hop->port);
}

static weir_status know(struct http_ask *ask, const struct address *list, size_t count,
                        weir_error *err)
{
    struct http *http = ask->http;
    struct buf known = BUF_INIT((size_t)16 * 1024);
    add_hop(&known, first_hop(ask));
    for (size_t i = 0; i < count; i++) {
        char address[128];
        address_text(&list[i], address, sizeof address);
        char *port = strrchr(address, ':');
        if (port)
            *port = '\0';
        buf_addf(&known, i ? ",%s" : "%s", address);
    }
    mem_free(http->known);
    http->known = known.data;
    http->known_until_ns = clock_mono(loop_clock(http->loop)) + KNOWN_FOR_NS;
    return buf_finish(&known, err);
}

static bool recall(struct http_ask *ask)
{
    struct http *http = ask->http;
    struct buf hop = BUF_INIT((size_t)512);
    add_hop(&hop, first_hop(ask));
    bool same = http->known && hop.data && strncmp(http->known, hop.data, hop.len) == 0 &&
                clock_mono(loop_clock(http->loop)) < http->known_until_ns;
    buf_free(&hop);
    return same && (ask->known.data = mem_strdup(http->known)) != NULL;
}

static void on_resolved(void *user, const struct address *list, size_t count, const weir_error *err)
{
    struct http_ask *ask = user;
    weir_error why = {0};
    ask->resolving = NULL;
    if (err && err->status != WEIR_OK)
        error_copy(&why, err);
    else if (know(ask, list, count, &why) == WEIR_OK && !recall(ask))
        error_no_memory(&why);
    if (why.status == WEIR_OK)
        run(ask);
    else
        ask_fail(ask, &why);
}

static void resolve(struct http_ask *ask)
{
    weir_error why = {0};
    struct address numeric;
    const struct url *hop = first_hop(ask);
    if (hop->ipv6 || address_parse(hop->host, hop->port, &numeric) || recall(ask)) {
        run(ask);
        return;
    }
    ask->resolving = resolve_start(ask->http->loop, hop->host, hop->port, on_resolved, ask, &why);
    if (!ask->resolving)
        ask_fail(ask, &why);
}

static void begin(struct http_ask *ask)
{
    ask->posted = false;
    if (ask->ended) {
        ask_free(ask);
        return;
    }
    weir_error why = {0};
    int64_t at_ns = ask->request->until.at_ns;
    if (at_ns <= clock_mono(loop_clock(ask->http->loop)))
        on_deadline(ask);
    else if (timer_set(&ask->deadline, at_ns) != WEIR_OK) {
        error_no_memory(&why);
        ask_fail(ask, &why);
    } else
        resolve(ask);
}

static void begin_posted(struct loop_task *task)
{
    begin((struct http_ask *)(void *)task);
}

static void begin_soon(struct loop_task *task)
{
    struct http_ask *ask = (struct http_ask *)(void *)task;
    struct loop *loop = ask->loop;
    begin(ask);
    loop_count_busy(loop, -1);
    loop_release(loop);
}

/* On the I/O thread no wake-up is needed; the loop must last until then. */
static void hand_over(struct http_ask *ask)
{
    struct loop *loop = ask->http->loop;
    ask->posted = true;
    if (!loop_inside(loop)) {
        ask->task.run = begin_posted;
        loop_post(loop, &ask->task);
        return;
    }
    ask->task.run = begin_soon;
    ask->loop = loop_ref(loop);
    loop_count_busy(loop, +1);
    loop_soon(loop, &ask->task);
}

struct http_ask *ask_start(struct http *http, struct request *request, http_done_fn *done,
                           void *user, weir_error *err)
{
    struct http_ask *ask = mem_zalloc(sizeof *ask);
    if (!ask) {
        request_free(request);
        error_no_memory(err);
        return NULL;
    }
    ask->work.stop = stop;
    ask->http = http;
    ask->request = request;
    ask->done = done;
    ask->user = user;
    ask->in.max_body = request->max_answer;
    ask->in.body.plain = request->no_secret;
    ask->began_ns = clock_mono(loop_clock(http->loop));
    timer_init(&ask->deadline, http->loop, on_deadline, ask);
    http_enlist(http, &ask->work);
    hand_over(ask);
    return ask;
}
