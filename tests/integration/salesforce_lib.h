/* integration/salesforce_lib.h - a sandbox with a Salesforce-like server, a store in a file, and a
 * book of what callbacks were told. Each function fails the test when it does not go as it must;
 * what waits waits for something to happen, 20 s at most. */
#ifndef INTEGRATION_SALESFORCE_LIB_H
#define INTEGRATION_SALESFORCE_LIB_H

#include "lib/check.h"
#include "lib/sandboxed.h"

#include <pthread.h>
#include <weir/salesforce.h>

#define LONG_MS ((weir_ms)20000)
#define ORDERS  "/event/Order__e"

struct desk {
    struct sandbox *sandbox;
    weir_credentials *credentials;
    char folder[64], store[96]; /* a file that is not there yet */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t news[WEIR_SESSION_LOGGED_IN + 1];
    char channel[200]; /* of the last news that had one */
    char why[1200];    /* the last */
    size_t handled;
    int64_t last; /* number of the last event handled */
};

void desk_begin(struct desk *d, const struct sandbox_options *options); /* NULL: as it comes */
void desk_end(struct desk *d);
/* Publishes `count` events on `channel` that are numbered from `first` on; the last one's id. */
int64_t desk_emit(struct desk *d, const char *channel, int64_t first, int64_t count);
void desk_now(struct desk *d, const char *line);
void desk_fault(struct desk *d, const char *line);

/* As .user, .on_news and .handler. */
void desk_news(weir_session_news news, const char *channel, const weir_error *why, void *user);
void desk_handler(const weir_event *event, void *user);
#define DESK(d, ...)                                                                               \
    WEIR_SALESFORCE(.credentials = (d)->credentials, .user = (d), .on_news = desk_news, __VA_ARGS__)
weir_salesforce *desk_open(const weir_salesforce_options *o);
void desk_subscribe(weir_salesforce *sf, const char *channel, const char *from);
/* The next event has this number; it is freed, or returned. */
void desk_expect(weir_salesforce *sf, int64_t number);
weir_event *desk_next(weir_salesforce *sf, int64_t number);
/* So many more, one after the other. */
void desk_expect_run(weir_salesforce *sf, int64_t first, int64_t count);
int64_t desk_number(const weir_event *event);
void desk_wait_news(struct desk *d, weir_session_news news, size_t count);
size_t desk_count(struct desk *d, weir_session_news news);
void desk_wait_handled(struct desk *d, size_t count);
/* Until so many events have arrived, taken or not; each look asks the server something. */
void desk_wait_arrived(weir_salesforce *sf, uint64_t count);
weir_session_counters desk_counters(weir_salesforce *sf);
/* What the store of the desk has of `channel`: "" if nothing; into `text`. */
void desk_stored(struct desk *d, const char *channel, char text[WEIR_REPLAY_RECORD_SIZE]);
/* Makes the stored live session so many hours older. */
void desk_age(struct desk *d, const char *channel, int64_t hours);
#endif
