/* One HTTP request on the I/O thread, and a thread that waits for its answer. http_send() calls
 * back exactly once, at the latest when its deadline is over, so the wait needs none of its own. */
#include "sandbox/control_client.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "http/http.h"
#include "http/status.h"
#include "sandbox/journal.h"

#include <pthread.h>
#include <string.h>

#define ANSWER_MAX (2 * JOURNAL_MAX_BYTES)
#define WORDS_MAX  600

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool done;
    weir_error *err;
    char *body; /* of a 2xx answer */
};

/* What is wrong with an order is said in one line by the sandbox itself. */
static void refuse(const struct http_answer *answer, weir_error *err)
{
    weir_status status = answer->status == 400 ? WEIR_INVALID : WEIR_BUSY;
    if (answer->status == 400 || answer->status == 429)
        error_peer(err, status, WEIR_ORIGIN_HTTP, answer->status, "%.*s",
                   (int)(answer->body.len < WORDS_MAX ? answer->body.len : WORDS_MAX),
                   (const char *)answer->body.data);
    else
        status_http_answer(err, answer, "asking the sandbox");
}

static void take(struct wait *wait, const struct http_answer *answer, const weir_error *err)
{
    if (!answer) {
        error_copy(wait->err, err);
        error_context(wait->err, "asking the sandbox that WEIR_SANDBOX names");
        return;
    }
    if (answer->status / 100 != 2) {
        refuse(answer, wait->err);
        return;
    }
    wait->body = mem_dup(answer->body.data ? answer->body.data : "", answer->body.len);
    if (!wait->body)
        error_no_memory(wait->err);
}

static void on_done(void *user, const struct http_answer *answer, const weir_error *err)
{
    struct wait *wait = user;
    pthread_mutex_lock(&wait->lock);
    take(wait, answer, err);
    wait->done = true;
    pthread_cond_signal(&wait->moved);
    pthread_mutex_unlock(&wait->lock);
}

static void send_and_wait(struct http *http, const struct http_request *request, struct wait *wait)
{
    pthread_mutex_init(&wait->lock, NULL);
    pthread_cond_init(&wait->moved, NULL);
    if (http_send(http, request, on_done, wait, wait->err)) {
        pthread_mutex_lock(&wait->lock);
        while (!wait->done)
            pthread_cond_wait(&wait->moved, &wait->lock);
        pthread_mutex_unlock(&wait->lock);
    }
    pthread_cond_destroy(&wait->moved);
    pthread_mutex_destroy(&wait->lock);
}

/* The answer's body, or NULL and *err. */
static char *ask(const char *url, const char *order, const char *body, weir_ms limit,
                 weir_error *err)
{
    struct wait wait = {.err = err};
    struct buf target = BUF_INIT(2048);
    struct http_options options = {.proxy = WEIR_OMIT, .part = "sandbox"};
    size_t len = strlen(url);
    error_ok(err);
    buf_add(&target, url, len > 0 && url[len - 1] == '/' ? len - 1 : len);
    buf_adds(&target, order);
    struct http *http = buf_finish(&target, err) == WEIR_OK ? http_open(&options, err) : NULL;
    if (http) {
        struct http_request request = {.method = body ? "POST" : "GET",
                                       .url = target.data,
                                       .content_type = body ? "text/plain" : NULL,
                                       .body = {body, body ? strlen(body) : 0},
                                       .max_answer = ANSWER_MAX,
                                       .until = deadline_in(clock_system(), limit, 0)};
        send_and_wait(http, &request, &wait);
    }
    http_close(http);
    buf_free(&target);
    return wait.body;
}

weir_status control_fault(const char *url, const char *lines, weir_ms limit, weir_error *err)
{
    char *answer = ask(url, "/fault", lines, limit, err);
    mem_free(answer);
    return err->status;
}

char *control_requests(const char *url, weir_ms limit, weir_error *err)
{
    return ask(url, "/requests", NULL, limit, err);
}

char *control_emit(const char *url, const char *lines, weir_ms limit, weir_error *err)
{
    return ask(url, "/emit", lines, limit, err);
}

weir_status control_now(const char *url, const char *line, weir_ms limit, weir_error *err)
{
    char *answer = ask(url, "/now", line, limit, err);
    mem_free(answer);
    return err->status;
}
