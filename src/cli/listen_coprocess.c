/* The protocol of a coprocess for events. Main's thread puts events into a queue; all else is the
 * host's thread's alone. How many can be in hand is limited by who gives them. */
#include "cli/listen_coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/coprocess_host.h"
#include "cli/fail.h"
#include "cli/listen_acks.h"

struct listen_coprocess {
    struct listen_desk *desk;
    struct coprocess_host *host;
    int news[2]; /* a byte: there is something in the queue */
    atomic_bool finished;
    pthread_mutex_t lock; /* guards the queue */
    struct hand queue;
    struct listen_acks acks; /* the host's thread's; its hand is what the process is told */
};

/* ---- what the host asks
 * -------------------------------------------------------------------------- */

static bool has_room(void *user)
{
    (void)user;
    return true;
}

static weir_event *next_queued(struct listen_coprocess *co)
{
    weir_event *event = NULL;
    (void)pthread_mutex_lock(&co->lock);
    if (co->queue.first)
        event = hand_pop(&co->queue);
    (void)pthread_mutex_unlock(&co->lock);
    return event;
}

static void fill(void *user)
{
    struct listen_coprocess *co = user;
    char bytes[64];
    weir_event *event;
    weir_error err = {0};
    struct str room = {0};
    while (read(co->news[0], bytes, sizeof bytes) > 0)
        ;
    while ((event = next_queued(co))) {
        struct hand_event *entry = hand_add(&co->acks.hand, event);
        weir_bytes line = listen_line(event, co->desk->options->format, &room, &err);
        if (!line.data)
            desk_fail(co->desk, &err);
        str_add_bytes(&entry->line, line.data, line.len);
        str_add(&entry->line, "\n");
    }
    str_free(&room);
}

static size_t next(void *user, struct iovec *pieces, size_t most)
{
    const struct listen_coprocess *co = user;
    size_t count = 0;
    struct hand_event *entry = co->acks.hand.first;
    for (; entry && count < most; entry = entry->next)
        if (entry->told < entry->line.len)
            pieces[count++] =
                (struct iovec){entry->line.data + entry->told, entry->line.len - entry->told};
    return count;
}

static void forget_told(struct listen_coprocess *co)
{
    struct hand *hand = &co->acks.hand;
    size_t count = 0;
    while (hand->first && hand->first->told == hand->first->line.len) {
        weir_event_free(hand_pop(hand));
        count++;
    }
    co->acks.settled = co->acks.settled || count > 0;
    if (count)
        desk_let_go(co->desk, count);
}

static void wrote(void *user, size_t len)
{
    struct listen_coprocess *co = user;
    struct hand_event *entry = co->acks.hand.first;
    for (; entry && len > 0; entry = entry->next) {
        size_t left = entry->line.len - entry->told;
        size_t part = len < left ? len : left;
        entry->told += part;
        len -= part;
    }
    if (!co->desk->source.ack)
        forget_told(co);
}

static const char *pass_on(struct listen_coprocess *co, const char *bytes, size_t len)
{
    char *copy = copy_or_exit(bytes, len);
    struct iovec piece = {copy, len};
    if (sink_write(&co->desk->sink, &piece, 1))
        desk_wake(co->desk);
    release_memory(copy);
    return NULL;
}

static const char *take_output(void *user, const char *bytes, size_t len)
{
    struct listen_coprocess *co = user;
    if (!co->desk->source.ack)
        return pass_on(co, bytes, len);
    return acks_read(&co->acks, bytes, len) ? NULL : "wrote a line that has no end, and was ended";
}

static weir_ms until(void *user)
{
    (void)user;
    return INT64_MAX;
}

static const char *look(void *user, weir_ms now)
{
    (void)user;
    (void)now;
    return NULL;
}

static bool has_settled(void *user)
{
    const struct listen_coprocess *co = user;
    return co->acks.settled;
}

/* Nothing is known of what it was told: all of it is told again. */
static bool died(void *user, const char *how)
{
    struct listen_coprocess *co = user;
    bool settled = co->acks.settled;
    (void)how;
    acks_end(&co->acks);
    co->acks.settled = false;
    for (struct hand_event *entry = co->acks.hand.first; entry; entry = entry->next)
        entry->told = 0;
    return settled;
}

static void finished(void *user)
{
    struct listen_coprocess *co = user;
    atomic_store(&co->finished, true);
    desk_wake(co->desk);
}

static void ended(void *user)
{
    (void)user; /* freed by who stopped it */
}

/* ---- beginning and end
 * --------------------------------------------------------------------------- */

static void free_it(struct listen_coprocess *co)
{
    run_close_fd(&co->news[0]);
    run_close_fd(&co->news[1]);
    hand_free(&co->queue);
    acks_free(&co->acks);
    (void)pthread_mutex_destroy(&co->lock);
    release_memory(co);
}

struct listen_coprocess *listen_coprocess_start(struct listen_desk *desk, weir_error *err)
{
    struct listen_coprocess *co = memory_or_exit(NULL, 1, sizeof *co);
    *co = (struct listen_coprocess){.desk = desk, .news = {-1, -1}};
    (void)pthread_mutex_init(&co->lock, NULL);
    acks_init(&co->acks, desk, true);
    if (pipe2(co->news, O_CLOEXEC | O_NONBLOCK) != 0) {
        (void)fail_set_system(err, errno, "starting \"%.200s\"", desk->options->shell);
        free_it(co);
        return NULL;
    }
    const struct coprocess_options options = {.command = &desk->options->command,
                                              .name = desk->options->shell,
                                              .grace = LISTEN_GRACE,
                                              .protocol = {.fd = co->news[0],
                                                           .has_room = has_room,
                                                           .fill = fill,
                                                           .next = next,
                                                           .wrote = wrote,
                                                           .read = take_output,
                                                           .until = until,
                                                           .look = look,
                                                           .has_settled = has_settled,
                                                           .died = died,
                                                           .finished = finished,
                                                           .ended = ended,
                                                           .user = co}};
    co->host = coprocess_start(&options, err);
    if (co->host)
        return co;
    free_it(co);
    return NULL;
}

void listen_coprocess_give(struct listen_coprocess *co, weir_event *event)
{
    (void)pthread_mutex_lock(&co->lock);
    (void)hand_add(&co->queue, event);
    (void)pthread_mutex_unlock(&co->lock);
    ssize_t wrote_news = write(co->news[1], "", 1); /* full: it is awake */
    (void)wrote_news;
}

void listen_coprocess_finish(struct listen_coprocess *co)
{
    coprocess_finish(co->host);
}

bool listen_coprocess_has_finished(struct listen_coprocess *co)
{
    return atomic_load(&co->finished);
}

void listen_coprocess_stop(struct listen_coprocess *co)
{
    if (!co)
        return;
    coprocess_stop(co->host);
    free_it(co);
}
