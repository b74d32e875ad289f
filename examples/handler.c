/* A stream read by a handler on the library's threads, until a message or an end comes: how the
 * health of the gateway changes. */
#include <pthread.h>
#include <stdio.h>
#include <weir/weir.h>

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int news;
    bool over;
    weir_error err;
};

static void on_news(weir_call *call, void *user)
{
    struct watch *w = user;
    char *message = NULL;
    weir_status status;
    pthread_mutex_lock(&w->lock);
    while ((status = weir_call_next(call, &message, WEIR_NO_WAIT, &w->err)) == WEIR_OK) {
        printf("%s\n", message);
        weir_free(message);
        w->news++;
    }
    w->over = status != WEIR_NOTHING;
    pthread_cond_signal(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

int main(void)
{
    struct watch w = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    weir_error err = {0};
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_call *call = weir_zeebe_call_start(
        zeebe, "grpc.health.v1.Health/Watch", "{\"service\": \"gateway_protocol.Gateway\"}",
        WEIR_CALL(.timeout = WEIR_FOREVER, .compact = true), &err);
    if (weir_call_then(call, on_news, &w, &err) == WEIR_OK) {
        pthread_mutex_lock(&w.lock);
        while (w.news == 0 && !w.over)
            pthread_cond_wait(&w.moved, &w.lock);
        pthread_mutex_unlock(&w.lock);
    }
    weir_call_free(call); /* cancels the stream; no handler runs any more */
    if (w.over)
        err = w.err;
    weir_zeebe_free(zeebe);
    return weir_error_exit(&err, "handler");
}
