/* The life of a listener.
 *
 * Threads: main's takes the events, writes lines and acknowledges them, reads acknowledgements from
 * stdin, and alone decides about the end; a thread of its own subscribes, which may take for ever;
 * programs are run by those of listen_lanes.c, a coprocess by its host's; the library's threads
 * tell news.
 *
 * Guarantees: an event is acknowledged after its line is written, or what handles it has said so,
 * never before. A listener ends in one place, and what was not acknowledged then comes again. */
#include "cli/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/fail.h"
#include "cli/listen_acks.h"
#include "cli/listen_coprocess.h"
#include "cli/listen_lanes.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/signals.h"

#define AT_ONCE   256    /* events taken */
#define MOST_HELD 256    /* in the hands of programs */
#define MOST_OPEN 100000 /* written, and not acknowledged on stdin */
#define TRY_AGAIN 1000   /* ms: subscribing, where the library does not wait itself */
#define NEVER     INT64_MAX

enum state {
    GOING,     /* Next: FINISHING, DRAINING, OVER */
    FINISHING, /* takes no more, and waits for what is in hand. Next: DRAINING, OVER */
    DRAINING,  /* the same, but not for ever. Next: OVER */
    OVER
};

struct listen {
    const struct listen_options *options;
    struct listen_desk desk;
    struct listen_acks acks; /* LISTEN_STDIN */
    struct lanes *lanes;
    struct listen_coprocess *coprocess;
    pthread_t opener;
    bool opener_started;
    atomic_bool open;   /* all subscriptions are in force */
    atomic_bool outage; /* out of touch */
    atomic_bool waiting;
    atomic_bool halting; /* the opener is to end */
    int wake[2], halt[2], signals;
    enum state state;
    weir_ms began, end_at; /* end_at: DRAINING */
    int64_t taken;
    bool no_input; /* stdin has ended */
    bool closed;   /* nobody reads stdout */
    struct str rooms[AT_ONCE];
    struct iovec pieces[2 * AT_ONCE];
};

/* ---- news ------------------------------------------------------------------------------------ */

static const char *reason(const weir_error *why)
{
    return why && why->message[0] ? why->message : "no reason is known";
}

/* Said once, and once that it is over, whoever found it out. */
static void note_outage(struct listen *listen, const weir_error *why)
{
    if (!atomic_exchange(&listen->outage, true))
        fail_note("not connected, trying again: %s", reason(why));
}

static void note_recovery(struct listen *listen)
{
    atomic_store(&listen->desk.last, clock_now());
    if (atomic_exchange(&listen->outage, false))
        fail_note("connected again");
    desk_wake(&listen->desk);
}

/* What is told without more; the rest concerns nobody, or is said when the next event is asked for.
 */
static const char *const told[] = {
    [WEIR_SESSION_PAUSED] = "nobody takes events: the session is closed until somebody does",
    [WEIR_SESSION_RESUMED] = "events are taken again: the session is resumed",
    [WEIR_SESSION_LOGGED_IN] = NULL,
};

static void note_turn(struct listen *listen, bool waiting)
{
    bool before = atomic_exchange(&listen->waiting, waiting);
    if (waiting && !before)
        fail_note("another listener has the store; waiting for its turn to end");
    else if (before && !waiting)
        fail_note("the store is ours now; listening");
}

void listen_news(weir_session_news news, const char *channel, const weir_error *why, void *user)
{
    struct listen *listen = user;
    if (news == WEIR_SESSION_OUTAGE) {
        note_outage(listen, why);
    } else if (news == WEIR_SESSION_RECOVERED) {
        note_recovery(listen);
    } else if (news == WEIR_SESSION_GAP) {
        fail_note("%s: going on behind a gap: %s", channel ? channel : "a channel", reason(why));
    } else if (news == WEIR_SESSION_WAITING || news == WEIR_SESSION_SUBSCRIBED) {
        note_turn(listen, news == WEIR_SESSION_WAITING);
    } else if ((size_t)news < sizeof told / sizeof *told && told[news]) {
        fail_note("%s", told[news]);
    }
}

/* ---- subscribing ----------------------------------------------------------------------------- */

/* May it mend? A handle that has given up fails with what it could not mend. */
static bool may_mend(struct listen *listen, weir_error *err)
{
    const struct listen_source *source = &listen->desk.source;
    weir_error end = {0};
    if (!weir_error_retryable(err))
        return false;
    if (source->end(source->handle, &end) == WEIR_NOTHING)
        return true;
    if (end.status != WEIR_OK)
        *err = end;
    return false;
}

/* What a new try may mend. Refused credentials are not among it: here nothing has worked yet. */
static bool is_outage(const weir_error *err)
{
    return err->status == WEIR_UNREACHABLE || err->status == WEIR_TIMEOUT ||
           err->status == WEIR_BUSY || err->status == WEIR_STORE;
}

/* True: once more. The library waits itself for what may mend; this is for what it did not: a store
 * that cannot be reached is an outage like any other. */
static bool try_again(struct listen *listen, weir_error *err, weir_ms since)
{
    struct pollfd halt = {.fd = listen->halt[0], .events = POLLIN};
    weir_ms limit = listen->options->give_up;
    if (atomic_load(&listen->halting) || err->status == WEIR_STOPPED)
        return false;
    if (!is_outage(err) || !may_mend(listen, err) || (limit > 0 && clock_now() - since >= limit)) {
        desk_fail(&listen->desk, err);
        return false;
    }
    note_outage(listen, err);
    return poll(&halt, 1, TRY_AGAIN) == 0;
}

static bool subscribe(struct listen *listen, const struct listen_channel *channel)
{
    const struct listen_source *source = &listen->desk.source;
    weir_error err = {0};
    weir_ms since = clock_now();
    bool failed = false;
    while (source->subscribe(source->handle, channel, &err) != WEIR_OK) {
        failed = true;
        if (!try_again(listen, &err, since))
            return false;
    }
    if (failed)
        note_recovery(listen);
    return true;
}

static void *subscribe_all(void *user)
{
    struct listen *listen = user;
    const struct listen_channels *channels = &listen->options->channels;
    for (size_t i = 0; i < channels->count; i++)
        if (!subscribe(listen, &channels->list[i]))
            return NULL;
    atomic_store(&listen->desk.last, clock_now());
    atomic_store(&listen->open, true);
    desk_wake(&listen->desk);
    return NULL;
}

/* ---- events ------------------------------------------------------------------------------------
 */

/* For how many events there is room. */
static size_t room_for(const struct listen *listen)
{
    if (listen->state != GOING)
        return 0;
    size_t held = atomic_load(&listen->desk.in_hand);
    size_t most = listen->options->kind == LISTEN_PRINT   ? AT_ONCE
                  : listen->options->kind == LISTEN_STDIN ? MOST_OPEN
                                                          : MOST_HELD;
    size_t room = held < most ? most - held : 0;
    int64_t left = listen->options->count ? listen->options->count - listen->taken : INT64_MAX;
    room = room < AT_ONCE ? room : AT_ONCE;
    return left < (int64_t)room ? (size_t)left : room;
}

/* A write for all of them. */
static bool write_lines(struct listen *listen, weir_event *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weir_error err = {0};
        weir_bytes line = listen_line(events[i], listen->options->format, &listen->rooms[i], &err);
        if (!line.data) {
            desk_fail(&listen->desk, &err);
            return false;
        }
        union {
            const void *from;
            void *to;
        } text = {.from = line.data}; /* writev() changes nothing */
        listen->pieces[2 * i] = (struct iovec){text.to, line.len};
        listen->pieces[2 * i + 1] = (struct iovec){"\n", 1};
    }
    return sink_write(&listen->desk.sink, listen->pieces, 2 * count) == 0;
}

static void free_all(weir_event **events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        weir_event_free(events[i]);
}

static void print(struct listen *listen, weir_event **events, size_t count)
{
    if (write_lines(listen, events, count))
        (void)desk_ack(&listen->desk, events, count);
    atomic_store(&listen->desk.last, clock_now());
    free_all(events, count);
}

static void print_and_keep(struct listen *listen, weir_event **events, size_t count)
{
    if (!write_lines(listen, events, count)) {
        free_all(events, count);
        return;
    }
    desk_took(&listen->desk, count);
    for (size_t i = 0; i < count; i++)
        (void)hand_add(&listen->acks.hand, events[i]);
}

static void give(struct listen *listen, weir_event **events, size_t count)
{
    desk_took(&listen->desk, count);
    for (size_t i = 0; i < count; i++)
        if (listen->lanes)
            lanes_give(listen->lanes, events[i]);
        else
            listen_coprocess_give(listen->coprocess, events[i]);
}

static void hand_on(struct listen *listen, weir_event **events, size_t count)
{
    listen->taken += (int64_t)count;
    if (listen->options->kind == LISTEN_PRINT)
        print(listen, events, count);
    else if (listen->options->kind == LISTEN_STDIN)
        print_and_keep(listen, events, count);
    else
        give(listen, events, count);
}

/* A failure that may mend is news already. */
static void take_events(struct listen *listen, size_t room)
{
    const struct listen_source *source = &listen->desk.source;
    weir_event *events[AT_ONCE];
    weir_error err = {0};
    size_t count = 0;
    weir_status status = source->take(source->handle, events, room, &count, &err);
    if (status == WEIR_OK)
        hand_on(listen, events, count);
    else if (status != WEIR_NOTHING && !may_mend(listen, &err))
        desk_fail(&listen->desk, &err);
}

/* ---- acknowledgements on stdin -----------------------------------------------------------------
 */

static void read_input(struct listen *listen)
{
    char bytes[16 * 1024];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got > 0) {
        (void)acks_read(&listen->acks, bytes, (size_t)got);
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    acks_end(&listen->acks);
    listen->no_input = true;
}

/* ---- until when --------------------------------------------------------------------------------
 */

static void take_no_more(struct listen *listen, enum state state)
{
    if (listen->state >= state)
        return;
    if (listen->coprocess)
        listen_coprocess_finish(listen->coprocess);
    if (state == DRAINING) {
        listen->end_at = clock_now() + listen->options->drain;
        if (listen->lanes)
            lanes_stop(listen->lanes);
    } else if (listen->options->kind == LISTEN_STDIN) {
        listen->end_at = clock_now() + listen->options->drain;
    }
    listen->state = state;
}

static bool has_failed(struct listen *listen)
{
    (void)pthread_mutex_lock(&listen->desk.lock);
    bool failed = listen->desk.failure.status != WEIR_OK;
    (void)pthread_mutex_unlock(&listen->desk.lock);
    return failed;
}

/* When it will have been idle long enough; NEVER: not as things are. */
static weir_ms idle_at(const struct listen *listen)
{
    if (listen->options->until_idle < 0 || !atomic_load(&listen->open) ||
        atomic_load(&listen->outage))
        return NEVER;
    if (listen->options->kind != LISTEN_STDIN && atomic_load(&listen->desk.in_hand) > 0)
        return NEVER;
    return atomic_load(&listen->desk.last) + listen->options->until_idle;
}

static weir_ms over_at(const struct listen *listen)
{
    return listen->options->lasts >= 0 ? listen->began + listen->options->lasts : NEVER;
}

static bool is_done(const struct listen *listen)
{
    const struct listen_options *options = listen->options;
    bool tells = listen->coprocess && !listen->desk.source.ack; /* what it writes is wanted */
    bool nothing = atomic_load(&listen->desk.in_hand) == 0 && !tells;
    bool alone = options->kind == LISTEN_STDIN && listen->no_input;
    bool finished = listen->coprocess && listen_coprocess_has_finished(listen->coprocess);
    return nothing || alone || finished || clock_now() >= listen->end_at;
}

static bool is_readable(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

/* What has come and nobody has taken is no silence. */
static bool is_idle(const struct listen *listen, weir_ms now)
{
    const struct listen_source *source = &listen->desk.source;
    return now >= idle_at(listen) && !is_readable(source->fd(source->handle));
}

static bool has_enough(const struct listen *listen)
{
    return listen->options->count && listen->taken >= listen->options->count;
}

/* What has failed lets end what runs, and waits for nobody else. */
static bool is_hopeless(struct listen *listen)
{
    return listen->closed || atomic_load(&listen->desk.sink.failed) != 0 ||
           (has_failed(listen) && !listen->lanes);
}

static void decide(struct listen *listen)
{
    weir_ms now = clock_now();
    bool going = listen->state == GOING;
    if (has_failed(listen) || (going && (now >= over_at(listen) || listen->no_input)))
        take_no_more(listen, DRAINING);
    else if (going && (has_enough(listen) || is_idle(listen, now)))
        take_no_more(listen, FINISHING);
    if (is_hopeless(listen) || (listen->state != GOING && is_done(listen)))
        listen->state = OVER;
}

static int time_to_wait(const struct listen *listen)
{
    weir_ms until = listen->end_at;
    if (listen->state == GOING) {
        weir_ms idle = idle_at(listen), over = over_at(listen);
        until = idle < over ? idle : over;
    }
    weir_ms left = until == NEVER ? 60000 : until - clock_now();
    return (int)(left < 0 ? 0 : left > 60000 ? 60000 : left);
}

static void empty(int fd)
{
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) == sizeof bytes)
        ;
}

static void take_signal(struct listen *listen)
{
    listen->signals = -1;
    take_no_more(listen, DRAINING);
}

static bool has_input(const struct listen *listen)
{
    return listen->options->kind == LISTEN_STDIN && !listen->no_input;
}

/* Waits until something may have changed. */
static void look(struct listen *listen)
{
    const struct listen_source *source = &listen->desk.source;
    size_t room = room_for(listen);
    struct pollfd fds[] = {{.fd = listen->signals, .events = POLLIN},
                           {.fd = listen->wake[0], .events = POLLIN},
                           {.fd = STDOUT_FILENO},
                           {.fd = has_input(listen) ? STDIN_FILENO : -1, .events = POLLIN},
                           {.fd = room ? source->fd(source->handle) : -1, .events = POLLIN}};
    if (poll(fds, sizeof fds / sizeof *fds, time_to_wait(listen)) <= 0)
        return;
    if (fds[1].revents)
        empty(listen->wake[0]);
    if (fds[0].revents)
        take_signal(listen);
    listen->closed = listen->closed || fds[2].revents;
    if (fds[3].revents)
        read_input(listen);
    if (fds[4].revents && room_for(listen) && !listen->closed)
        take_events(listen, room);
}

/* ---- beginning and end -------------------------------------------------------------------------
 */

static weir_status start(struct listen *listen, weir_error *err)
{
    const struct listen_options *options = listen->options;
    if (options->kind == LISTEN_PROCESS)
        listen->lanes = lanes_start(&listen->desk, err);
    else if (options->kind == LISTEN_COPROCESS)
        listen->coprocess = listen_coprocess_start(&listen->desk, err);
    if (err->status != WEIR_OK)
        return err->status;
    int bad = pthread_create(&listen->opener, NULL, subscribe_all, listen);
    if (bad)
        return fail_set_system(err, bad, "starting a thread");
    listen->opener_started = true;
    return WEIR_OK;
}

static void stop(struct listen *listen)
{
    const struct listen_source *source = &listen->desk.source;
    sink_abandon(&listen->desk.sink);
    if (listen->lanes)
        lanes_hurry(listen->lanes);
    lanes_free(listen->lanes);
    listen_coprocess_stop(listen->coprocess);
    listen->lanes = NULL;
    listen->coprocess = NULL;
    atomic_store(&listen->halting, true);
    ssize_t wrote = write(listen->halt[1], "", 1);
    (void)wrote;
    source->stop(source->handle);
    if (listen->opener_started)
        (void)pthread_join(listen->opener, NULL);
    listen->opener_started = false;
}

static int end_status(struct listen *listen)
{
    int failed = atomic_load(&listen->desk.sink.failed);
    weir_error err;
    if (listen->closed || failed == EPIPE || failed == EBADF)
        return EXIT_CLOSED_STDOUT;
    if (failed && failed != ECANCELED) {
        (void)fail_set_system(&err, failed, "cannot write to standard output");
        return fail_with(&err);
    }
    return listen->desk.failure.status == WEIR_OK ? 0 : fail_with(&listen->desk.failure);
}

int listen_run(struct listen *listen, const struct listen_source *source)
{
    weir_error err = {0};
    listen->desk.source = *source;
    acks_init(&listen->acks, &listen->desk, false);
    if (start(listen, &err) != WEIR_OK)
        desk_fail(&listen->desk, &err);
    while (listen->state != OVER) {
        look(listen);
        decide(listen);
    }
    stop(listen);
    return end_status(listen);
}

static int prepare(struct listen *listen)
{
    weir_error err;
    out_mend();
    session_quiet();
    listen->signals = signals_watch();
    if (listen->signals >= 0 && pipe2(listen->wake, O_CLOEXEC | O_NONBLOCK) == 0 &&
        pipe2(listen->halt, O_CLOEXEC | O_NONBLOCK) == 0)
        return 0;
    (void)fail_set_system(&err, errno, "watching for signals");
    return fail_with(&err);
}

struct listen *listen_new(const struct listen_options *options, int *status)
{
    struct listen *listen = memory_or_exit(NULL, 1, sizeof *listen);
    *listen = (struct listen){.options = options,
                              .wake = {-1, -1},
                              .halt = {-1, -1},
                              .signals = -1,
                              .began = clock_now(),
                              .end_at = NEVER};
    *status = prepare(listen);
    desk_init(&listen->desk, options, listen->wake[1]);
    sink_open(&listen->desk.sink, listen->signals);
    atomic_store(&listen->desk.sink.stop_at, over_at(listen));
    atomic_store(&listen->desk.sink.patience, options->drain);
    if (!*status)
        return listen;
    listen_free(listen);
    return NULL;
}

void listen_free(struct listen *listen)
{
    if (!listen)
        return;
    acks_free(&listen->acks);
    sink_close(&listen->desk.sink);
    desk_free(&listen->desk);
    for (size_t i = 0; i < AT_ONCE; i++)
        str_free(&listen->rooms[i]);
    run_close_fd(&listen->wake[0]);
    run_close_fd(&listen->wake[1]);
    run_close_fd(&listen->halt[0]);
    run_close_fd(&listen->halt[1]);
    release_memory(listen);
}
