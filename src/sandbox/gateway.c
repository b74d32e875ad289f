/* A connection (struct link) holds an HTTP/2 session. What the engine says on connections other
 * than the one that asked is said by gateway_moves(), which settles them afterwards.
 *
 * h2_feed() and h2_pump() call back, and must not be called from there, nor may the session be
 * freed: while `feeding` a link that has to go is only marked, and link_settle() lets it go. It
 * follows everything that is done to calls from outside of h2_feed().
 *
 * States of a link: waiting (a fault delays it, not attached) -> talking -> leaving (no session any
 * more, the last bytes are on their way) -> gone; or straight to gone. */
#include "sandbox/gateway_private.h"

#include "core/error.h"
#include "core/mem.h"

#define QUEUED_MAX ((size_t)1024 * 1024) /* bytes a client has not taken: no more until it does */
#define GOODBYE_MS 5000

/* --- links --------------------------------------------------------------------------------- */

/* Never while feeding. */
static void close_link(struct link *link)
{
    struct h2 *h2 = link->h2;
    link->h2 = NULL;
    h2_free(h2);
    timer_cancel(&link->timer);
    stream_close(link->stream);
    if (link->touched)
        TAILQ_REMOVE(&link->gateway->touched, link, touched_entry);
    TAILQ_REMOVE(&link->gateway->links, link, entry);
    link->gateway->count--;
    mem_free(link);
}

static void on_goodbye(void *user)
{
    close_link(user);
}

/* The session is over; what was written still gets out. */
static void leave(struct link *link)
{
    struct h2 *h2 = link->h2;
    link->h2 = NULL;
    h2_free(h2);
    stream_shutdown(link->stream);
    timer_cancel(&link->timer);
    timer_init(&link->timer, link->gateway->options.common->loop, on_goodbye, link);
    if (timer_set_in(&link->timer, GOODBYE_MS) != WEIR_OK)
        close_link(link);
}

void link_settle(struct link *link)
{
    if (link->feeding)
        return;
    if (link->doomed)
        close_link(link);
    else if (link->h2 && !h2_pump(link->h2))
        leave(link);
}

/* --- the engine ---------------------------------------------------------------------------- */

static void on_due(void *user)
{
    gateway_moves(user);
}

void gateway_tell_time(struct gateway *gateway)
{
    const struct clock *clock = gateway->options.common->clock;
    engine_set_time(gateway->options.engine, clock_mono(clock), clock_wall(clock));
}

/* What has become ready goes out; what is said on other connections is sent after that, since
 * sending may let connections go. */
void gateway_moves(struct gateway *gateway)
{
    struct link *link = NULL;
    gateway_tell_time(gateway);
    engine_pump(gateway->options.engine);
    while ((link = TAILQ_FIRST(&gateway->touched))) {
        TAILQ_REMOVE(&gateway->touched, link, touched_entry);
        link->touched = false;
        link_settle(link);
    }
    (void)timer_set(&gateway->due, engine_next_due(gateway->options.engine));
}

void link_touch(struct link *link)
{
    if (!link->touched)
        TAILQ_INSERT_TAIL(&link->gateway->touched, link, touched_entry);
    link->touched = true;
}

bool link_send(void *user, const void *data, size_t len)
{
    struct link *link = user;
    stream_write(link->stream, data, len);
    return stream_queued(link->stream) < QUEUED_MAX;
}

/* --- connections --------------------------------------------------------------------------- */

/* Not even the calls under way. */
static void on_goaway(void *user)
{
    struct link *link = user;
    link->goaway = true;
    if (!link->h2 || !link->open)
        return;
    h2_goaway(link->h2, 0);
    link_settle(link);
}

static void on_open(void *user)
{
    struct link *link = user;
    static const char garbage[] = "\x16\x03 this is no HTTP/2 \xff\xff\xff\xff\r\n\r\n";
    if (link->fault.how == FAULT_GARBAGE) {
        stream_write(link->stream, garbage, sizeof garbage - 1);
        leave(link);
        return;
    }
    link->open = true;
    if (link->goaway)
        on_goaway(link);
    else
        link_settle(link); /* sends our settings */
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    struct link *link = user;
    if (!link->h2)
        return; /* it hangs, or leaves */
    link->feeding = true;
    bool good = h2_feed(link->h2, data, len);
    link->feeding = false;
    if (good || link->doomed)
        link_settle(link);
    else
        leave(link);
}

static void on_drained(void *user)
{
    struct link *link = user;
    if (link->h2)
        link_settle(link);
}

static void on_end(void *user, const weir_error *why)
{
    (void)why;
    close_link(user);
}

static const struct stream_events stream_events = {on_open, on_data, on_drained, on_end};

static struct h2 *new_session(struct link *link)
{
    struct h2_options options = {.events = &gateway_h2_events,
                                 .user = link,
                                 .max_concurrent_streams =
                                     link->gateway->options.max_concurrent_streams};
    return h2_new(&options, NULL);
}

static void start_link(void *user)
{
    struct link *link = user;
    bool silent = link->fault.how == FAULT_HANG || link->fault.how == FAULT_GARBAGE;
    link->h2 = silent ? NULL : new_session(link);
    if (silent || link->h2)
        stream_attach(link->stream, &stream_events, link);
    else
        close_link(link);
}

/* cut and goaway after a while: the connection works until then. The others come instead of it. */
static void begin_link(struct link *link)
{
    struct common *common = link->gateway->options.common;
    void (*later)(void *user) = start_link;
    journal_tally(common->journal, "zeebe.connections");
    faults_take(common->faults, "zeebe.connections", &link->fault);
    if (link->fault.how == FAULT_CUT)
        later = on_goodbye;
    if (link->fault.how == FAULT_GOAWAY)
        later = on_goaway;
    bool wait = link->fault.after > 0;
    timer_init(&link->timer, common->loop, later, link);
    if (wait && timer_set_in(&link->timer, link->fault.after) != WEIR_OK)
        wait = false;
    if (!wait)
        later(link); /* cut: the link is gone; goaway: noted */
    if (later == on_goaway || (wait && later == on_goodbye))
        start_link(link);
}

static void on_accepted(void *user, struct stream *stream)
{
    struct gateway *gateway = user;
    bool room = gateway->count < GATEWAY_CONNECTIONS_MAX;
    struct link *link = room ? mem_zalloc(sizeof *link) : NULL;
    if (!link) {
        stream_close(stream);
        return;
    }
    link->gateway = gateway;
    link->stream = stream;
    TAILQ_INSERT_TAIL(&gateway->links, link, entry);
    gateway->count++;
    begin_link(link);
}

struct gateway *gateway_open(const struct gateway_options *options, weir_error *err)
{
    struct gateway *gateway = mem_zalloc(sizeof *gateway);
    if (!gateway) {
        error_no_memory(err);
        return NULL;
    }
    gateway->options = *options;
    gateway->options.tls = tls_ref(options->tls);
    TAILQ_INIT(&gateway->links);
    TAILQ_INIT(&gateway->touched);
    timer_init(&gateway->due, options->common->loop, on_due, gateway);
    struct listener_options listen = {.host = "127.0.0.1",
                                      .port = options->port,
                                      .tls = options->tls,
                                      .accepted = on_accepted,
                                      .user = gateway};
    gateway->listener = listener_open(options->common->loop, &listen, err);
    if (gateway->listener)
        return gateway;
    gateway_close(gateway);
    return NULL;
}

void gateway_close(struct gateway *gateway)
{
    if (!gateway)
        return;
    listener_close(gateway->listener);
    while (!TAILQ_EMPTY(&gateway->links))
        close_link(TAILQ_FIRST(&gateway->links));
    timer_cancel(&gateway->due);
    tls_free(gateway->options.tls);
    mem_free(gateway);
}
