/* integration/bayeux_lib.h - a sandbox with a plain CometD server, a client of it, and a book of
 * what its callbacks were told. Each function fails the test when it does not go as it must; what
 * waits waits for an event, 20 s at most. */
#ifndef INTEGRATION_BAYEUX_LIB_H
#define INTEGRATION_BAYEUX_LIB_H

#include "lib/check.h"
#include "lib/sandboxed.h"

#include <pthread.h>
#include <weir/weir.h>

#define LONG_MS ((weir_ms)20000)

struct comet {
    struct sandbox *sandbox;
    const char *url;

    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t news[WEIR_SESSION_LOGGED_IN + 1];
    char channel[200]; /* of the last news that had one */
    char why[1200];    /* the last */
    size_t handled;
    int64_t last; /* number of the last event handled */
    bool in_order;
};

void comet_begin(struct comet *k, const struct sandbox_options *options);
void comet_end(struct comet *k);
/* Publishes `count` events on `channel` whose data are {"Number__c":first...}. */
void comet_emit(struct comet *k, const char *channel, int64_t first, int64_t count);
void comet_now(struct comet *k, const char *line);

/* As .user, .on_news and .handler. */
void comet_news(weir_session_news news, const char *channel, const weir_error *why, void *user);
void comet_handler(const weir_event *event, void *user);
extern weir_transport comet_transport; /* of those that follow */
#define COMET(k, ...)                                                                              \
    WEIR_BAYEUX(.url = (k)->url, .transport = comet_transport, .user = (k), .on_news = comet_news, \
                __VA_ARGS__)
weir_bayeux *comet_open(const weir_bayeux_options *o);
void comet_subscribe(weir_bayeux *b, const char *channel);
/* The next event has this number. */
void comet_expect(weir_bayeux *b, int64_t number);
int64_t comet_number(const weir_event *event);
void comet_wait_news(struct comet *k, weir_session_news news, size_t count);
size_t comet_count(struct comet *k, weir_session_news news);
void comet_wait_handled(struct comet *k, size_t count);
/* Until so many events have arrived, taken or not; each look asks the server something. */
void comet_wait_arrived(weir_bayeux *b, uint64_t count);
weir_session_counters comet_counters(weir_bayeux *b);
#endif
