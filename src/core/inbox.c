/* The queue behind every face of every channel: a ring of pointers under one lock.
 *
 * Waiting is a semaphore and not a condition variable, because stopping must be possible in a
 * signal handler and sem_post() is what POSIX allows there. Invariant: while there is something to
 * take, a token lies in the semaphore or is in the hands of a woken taker; so nobody sleeps then.
 * A woken taker that leaves something behind passes its token on, and so does who finds the queue
 * ended: one wakes the next, and a taker that is awake takes all without a system call.
 *
 * The descriptor is readable exactly while inbox_take(NO_WAIT) would give something else than
 * WEIR_NOTHING. Both it and `stopped` are atomics: inbox_stop() takes no lock. Each side writes its
 * own and then reads the other's, so that a stop beside a drain or beside the making of the
 * descriptor is never missed.
 *
 * Stopping overtakes: what is queued is not delivered any more. Failing does not: what came before
 * is delivered first, then the error, to everybody and for ever. */
#include "core/inbox.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct inbox {
    const struct clock *clock;
    void (*drop)(void *item);
    size_t limit;
    pthread_mutex_t lock;
    sem_t tokens;
    atomic_bool stopped;
    atomic_int fd;      /* -1: nobody has asked                            */
    size_t head, count; /* @locked, as everything below                    */
    bool ended;         /* `why` follows the last item                     */
    const weir_error *why;
    void *items[];
};

struct inbox *inbox_new(const struct clock *clock, size_t limit, void (*drop)(void *item))
{
    size_t room = limit ? limit : 1;
    if (room > (SIZE_MAX - sizeof(struct inbox)) / sizeof(void *))
        return NULL;
    struct inbox *inbox = mem_zalloc(sizeof *inbox + room * sizeof(void *));
    if (!inbox)
        return NULL;
    inbox->clock = clock;
    inbox->drop = drop;
    inbox->limit = room;
    pthread_mutex_init(&inbox->lock, NULL);
    sem_init(&inbox->tokens, 0, 0);
    atomic_init(&inbox->stopped, false);
    atomic_init(&inbox->fd, -1);
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox)
        return;
    for (size_t i = 0; inbox->drop && i < inbox->count; i++)
        inbox->drop(inbox->items[(inbox->head + i) % inbox->limit]);
    if (atomic_load(&inbox->fd) >= 0)
        close(atomic_load(&inbox->fd));
    error_drop(inbox->why);
    sem_destroy(&inbox->tokens);
    pthread_mutex_destroy(&inbox->lock);
    mem_free(inbox);
}

static void raise_fd(const struct inbox *inbox)
{
    int fd = atomic_load(&inbox->fd);
    uint64_t one = 1;
    if (fd >= 0 && write(fd, &one, sizeof one) < 0)
        return; /* EAGAIN: 2^64 - 2 wake-ups are waiting, so it is readable */
}

/* @locked. After an item was taken: the descriptor says what is left. */
static void settle_fd(struct inbox *inbox)
{
    int fd = atomic_load(&inbox->fd);
    uint64_t sum;
    if (fd < 0 || inbox->count > 0 || inbox->ended || atomic_load(&inbox->stopped))
        return;
    if (read(fd, &sum, sizeof sum) > 0 && atomic_load(&inbox->stopped))
        raise_fd(inbox); /* the stop came in between, and its wake-up went with the others */
}

static void wake(struct inbox *inbox)
{
    sem_post(&inbox->tokens);
    raise_fd(inbox);
}

static weir_status put(struct inbox *inbox, void *item, bool quietly)
{
    weir_status status = WEIR_OK;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->ended || atomic_load(&inbox->stopped))
        status = WEIR_STOPPED;
    else if (inbox->count == inbox->limit)
        status = WEIR_BUSY;
    else {
        inbox->items[(inbox->head + inbox->count++) % inbox->limit] = item;
        if (inbox->count == 1 && !quietly) /* else a token is there */
            wake(inbox);
    }
    pthread_mutex_unlock(&inbox->lock);
    return status;
}

weir_status inbox_put(struct inbox *inbox, void *item)
{
    return put(inbox, item, false);
}

weir_status inbox_put_quietly(struct inbox *inbox, void *item)
{
    return put(inbox, item, true);
}

void inbox_announce(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    if (inbox->count > 0)
        wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_fail(struct inbox *inbox, const weir_error *why)
{
    const weir_error *kept = error_keep(why);
    pthread_mutex_lock(&inbox->lock);
    bool first = !inbox->ended; /* the first reason is the reason */
    if (first) {
        inbox->ended = true;
        inbox->why = kept;
        wake(inbox);
    }
    pthread_mutex_unlock(&inbox->lock);
    if (!first)
        error_drop(kept);
}

void inbox_stop(struct inbox *inbox)
{
    int kept = errno; /* of what a signal interrupted */
    atomic_store(&inbox->stopped, true);
    wake(inbox);
    errno = kept;
}

/* How a taker takes. */
struct taker {
    bool (*part)(void *item, void *user);
    void *user;
};

/* @locked. WEIR_NOTHING: nothing yet. `held`: this taker was woken by a token. */
static weir_status take_now(struct inbox *inbox, const struct taker *taker, bool held,
                            weir_error *err)
{
    if (atomic_load(&inbox->stopped)) {
        sem_post(&inbox->tokens);
        return error_set(err, WEIR_STOPPED, "stopped");
    }
    if (inbox->count > 0) {
        if (taker->part(inbox->items[inbox->head], taker->user)) {
            inbox->head = inbox->head + 1 == inbox->limit ? 0 : inbox->head + 1;
            inbox->count--;
        }
        if (held && inbox->count > 0)
            sem_post(&inbox->tokens);
        else if (!held && inbox->count == 0)
            sem_trywait(&inbox->tokens); /* the last item takes the token along */
        settle_fd(inbox);
        return error_ok(err);
    }
    if (!inbox->ended)
        return WEIR_NOTHING;
    sem_post(&inbox->tokens);
    return error_copy(err, inbox->why);
}

/* True when woken by a token, or interrupted: worth another look. */
static bool wait_token(struct inbox *inbox, weir_ms left, bool *held)
{
    int failed;
    if (left == WEIR_FOREVER)
        failed = sem_wait(&inbox->tokens);
    else {
        int64_t at = clock_mono(clock_system()) + left * NS_PER_MS;
        struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
        failed = sem_clockwait(&inbox->tokens, CLOCK_MONOTONIC, &until);
    }
    *held = !failed;
    return !failed || errno == EINTR;
}

static weir_status take(struct inbox *inbox, const struct taker *taker, struct deadline until,
                        weir_error *err)
{
    bool held = false;
    bool more = true;
    weir_status status = WEIR_NOTHING;
    while (more) {
        pthread_mutex_lock(&inbox->lock);
        status = take_now(inbox, taker, held, err);
        pthread_mutex_unlock(&inbox->lock);
        if (status != WEIR_NOTHING)
            return status;
        weir_ms left = deadline_left(inbox->clock, until);
        more = left != 0 && wait_token(inbox, left, &held);
    }
    error_ok(err);
    return WEIR_NOTHING;
}

weir_status inbox_take_part(struct inbox *inbox, bool (*part)(void *item, void *user), void *user,
                            struct deadline until, weir_error *err)
{
    const struct taker taker = {part, user};
    int shielded = shield_up();
    weir_status status = take(inbox, &taker, until, err);
    shield_down(shielded);
    return status;
}

static bool all_of_it(void *item, void *user)
{
    void **out = user;
    *out = item;
    return true;
}

weir_status inbox_take(struct inbox *inbox, void **item, struct deadline until, weir_error *err)
{
    *item = NULL;
    return inbox_take_part(inbox, all_of_it, item, until, err);
}

void inbox_clear(struct inbox *inbox)
{
    bool more = true;
    while (more) {
        void *item = NULL;
        pthread_mutex_lock(&inbox->lock);
        more = inbox->count > 0;
        if (more) {
            item = inbox->items[inbox->head];
            inbox->head = (inbox->head + 1) % inbox->limit;
            inbox->count--;
            settle_fd(inbox);
        }
        pthread_mutex_unlock(&inbox->lock);
        if (item && inbox->drop)
            inbox->drop(item);
    }
}

void inbox_sweep(struct inbox *inbox, bool (*dead)(const void *item))
{
    size_t left = 0;
    pthread_mutex_lock(&inbox->lock);
    for (size_t i = 0; i < inbox->count; i++) {
        void *item = inbox->items[(inbox->head + i) % inbox->limit];
        if (!dead(item))
            inbox->items[(inbox->head + left++) % inbox->limit] = item;
        else if (inbox->drop)
            inbox->drop(item);
    }
    inbox->count = left;
    settle_fd(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

size_t inbox_room(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    size_t room = inbox->limit - inbox->count;
    pthread_mutex_unlock(&inbox->lock);
    return room;
}

int inbox_fd(struct inbox *inbox)
{
    int shielded = shield_up();
    pthread_mutex_lock(&inbox->lock);
    int fd = atomic_load(&inbox->fd);
    if (fd < 0) {
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        atomic_store(&inbox->fd, fd);
        if (inbox->count > 0 || inbox->ended || atomic_load(&inbox->stopped))
            raise_fd(inbox);
    }
    pthread_mutex_unlock(&inbox->lock);
    shield_down(shielded);
    return fd;
}
