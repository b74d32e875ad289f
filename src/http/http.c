/* The client: its options, its references, and its end. What it has to end is on one list; asks and
 * exchanges put themselves there on the caller's thread and take themselves off on the I/O thread.
 *
 * The last reference ends everything on the I/O thread, wherever it was dropped. If that was in a
 * callback, a frame further up will still look at the client: `busy` counts these, and the last of
 * them frees it. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "core/url.h"
#include "http/http_private.h"
#include "io/proxy.h"

#define IDLE_MS     30000 /* kept connections without a request */
#define CONNECTIONS 8L    /* to one host; requests beyond that wait for one */

static void destroy(struct http *http)
{
    cookies_close(http);
    loop_release(http->loop);
    pthread_mutex_destroy(&http->lock);
    trust_clear(&http->trust);
    secret_free_text(http->proxy);
    mem_free(http->known);
    mem_free(http);
}

/* A proxy of the environment depends on the host, and is read with each request. */
static weir_status read_proxy(struct http *http, const char *option, weir_error *err)
{
    struct url proxy;
    const char *text = options_text(option);
    http->no_proxy = option && !text;
    if (!text)
        return WEIR_OK;
    weir_status status = proxy_for(option, "localhost", 443, true, &proxy, err);
    url_clear(&proxy);
    if (status != WEIR_OK)
        return status;
    http->proxy = mem_strdup(text);
    return http->proxy ? WEIR_OK : error_no_memory(err);
}

struct http *http_open(const struct http_options *options, weir_error *err)
{
    if (curl_load(err) != WEIR_OK)
        return NULL;
    struct http *http = mem_zalloc(sizeof *http);
    if (!http) {
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&http->refs, 1);
    pthread_mutex_init(&http->lock, NULL);
    http->idle_after = IDLE_MS;
    http->part = options->part ? options->part : "http";
    http->connections = options->connections ? (long)options->connections : CONNECTIONS;
    if (trust_read(&http->trust, options->tls, err) == WEIR_OK &&
        read_proxy(http, options->proxy, err) == WEIR_OK &&
        (!options->cookies || cookies_open(http, err) == WEIR_OK))
        http->loop = loop_acquire(err);
    if (http->loop)
        return http;
    destroy(http);
    return NULL;
}

struct http *http_ref(struct http *http)
{
    atomic_fetch_add(&http->refs, 1);
    return http;
}

struct loop *http_loop(struct http *http)
{
    return http->loop;
}

const char *http_proxy(const struct http *http)
{
    return http->no_proxy ? WEIR_OMIT : http->proxy;
}

void http_enlist(struct http *http, struct http_work *work)
{
    pthread_mutex_lock(&http->lock);
    work->next = http->works;
    work->from = &http->works;
    if (work->next)
        work->next->from = &work->next;
    http->works = work;
    pthread_mutex_unlock(&http->lock);
}

void http_unlist(struct http *http, struct http_work *work)
{
    pthread_mutex_lock(&http->lock);
    *work->from = work->next;
    if (work->next)
        work->next->from = work->from;
    pthread_mutex_unlock(&http->lock);
}

static struct http_work *first(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    struct http_work *work = http->works;
    pthread_mutex_unlock(&http->lock);
    return work;
}

/* @thread io. Every stop() takes its work off the list, and may take others off. */
static void shut(void *user)
{
    struct http *http = user;
    struct http_work *work;
    weir_error why;
    error_set(&why, WEIR_STOPPED, "the HTTP client was closed");
    http->closed = true;
    http_hold(http);
    while ((work = first(http)) != NULL)
        work->stop(work, &why);
    http->busy--;
    multi_close(http);
}

void http_hold(struct http *http)
{
    http->busy++;
}

void http_unhold(struct http *http)
{
    if (--http->busy == 0 && http->closed)
        destroy(http);
}

void http_close(struct http *http)
{
    if (!http || atomic_fetch_sub(&http->refs, 1) != 1 || loop_check_fork(NULL) != WEIR_OK)
        return;
    loop_call(http->loop, shut, http);
    if (http->busy == 0) /* else: within a callback, and its frame does it */
        destroy(http);
}

struct http_ask *http_send(struct http *http, const struct http_request *request,
                           http_done_fn *done, void *user, weir_error *err)
{
    if (loop_check_fork(err) != WEIR_OK)
        return NULL;
    struct request *copy = request_new(request, http_proxy(http), err);
    return copy ? ask_start(http, copy, done, user, err) : NULL;
}
