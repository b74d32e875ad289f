/* From the engine to the program.
 *
 * An answer goes through the queue whole, so an event costs neither a wake-up nor a place of its
 * own: who takes works off the first answer under the inbox's lock. What may not go yet (the
 * dialect holds it, or the inbox is full, which only a WebSocket can bring about) waits in a list,
 * and all that came later behind it.
 *
 * `queued` counts events that nobody has taken. The engine says how low it must fall before it
 * wants to know (`room_at`); only the taker that gets there posts. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/shield.h"

#include <string.h>

static struct client_notice *notice_of(struct client_item *item)
{
    return (struct client_notice *)(void *)item;
}

static struct client_answer *answer_of(struct client_item *item)
{
    return (struct client_answer *)(void *)item;
}

void client_drop_item(void *item)
{
    struct client_item *it = item;
    if (it->notice)
        mem_free(it);
    else
        client_answer_drop(answer_of(it), answer_of(it)->count - answer_of(it)->taken);
}

/* ---- back-pressure ----------------------------------------------------------------------- */

void client_queue_tell(struct client *c)
{
    size_t most = c->set.o.max_queued;
    size_t queued = atomic_load(&c->queued);
    enum session_state state = session_state(c->session);
    bool resting = state == SESSION_PAUSING || state == SESSION_PAUSED;
    size_t at = resting ? most / 2 : most - 1;
    bool waits = queued > at;
    atomic_store(&c->room_at, waits ? at : SIZE_MAX);
    if (waits && atomic_load(&c->queued) <= at) /* taken in between: nobody has posted */
        queued = atomic_load(&c->queued);
    session_queue(c->session, client_now(c), queued >= most, queued <= most / 2);
    client_link_flow(c);
}

void client_room(struct loop_task *task)
{
    struct client *c = (struct client *)(void *)((char *)task - offsetof(struct client, room));
    atomic_store(&c->room_posted, false);
    if (!c->ended) {
        client_deliver(c);
        client_queue_tell(c);
        client_pump(c);
    }
    client_leave(c);
}

/* Any thread: so many were taken. */
static void taken(struct client *c, size_t count)
{
    size_t left = atomic_fetch_sub(&c->queued, count) - count;
    size_t at = atomic_load(&c->room_at);
    if (at == SIZE_MAX || left > at || atomic_exchange(&c->room_posted, true))
        return;
    client_enter(c);
    loop_post(c->loop, &c->room);
}

/* ---- in ---------------------------------------------------------------------------------- */

static void append(struct client *c, struct client_item *item)
{
    item->next = NULL;
    *c->waiting_last = item;
    c->waiting_last = &item->next;
}

static bool may_go(struct client_item *item)
{
    return item->notice || !answer_of(item)->held || atomic_load(&answer_of(item)->released);
}

void client_deliver(struct client *c)
{
    while (c->waiting && may_go(c->waiting)) {
        struct client_item *item = c->waiting;
        struct client_item *next = item->next; /* once it is in, it may be gone */
        weir_status status = inbox_put(c->inbox, item);
        if (status == WEIR_BUSY)
            return;
        c->waiting = next;
        if (status != WEIR_OK)
            client_drop_item(item);
    }
    if (!c->waiting)
        c->waiting_last = &c->waiting;
}

/* The events among the messages; others are dealt with. */
static void sift(struct client *c, struct client_answer *answer)
{
    int64_t now = client_now(c);
    int64_t number = (int64_t)atomic_load(&c->tally.events);
    size_t dropped = 0;
    for (size_t i = 0; i < answer->batch->count; i++) {
        const struct message *message = &answer->batch->messages[i];
        bool wanted = !c->extension_count || client_ext_incoming(c, message);
        if (!session_received(c->session, now, message))
            continue;
        struct client_event *event = &answer->events[answer->count];
        event->slice.kind = &client_event_kind;
        event->answer = answer;
        event->message = message;
        event->tag = NULL;
        event->number = number + (int64_t)answer->count + 1;
        if (wanted && c->set.dialect->event)
            wanted = c->set.dialect->event(c->set.user, event);
        answer->count += wanted;
        dropped += !wanted;
    }
    atomic_fetch_add(&c->tally.events, answer->count);
    atomic_fetch_add(&c->tally.dropped, dropped);
}

static void enqueue(struct client *c, struct client_answer *answer)
{
    size_t queued = atomic_fetch_add(&c->queued, answer->count) + answer->count;
    if (queued > atomic_load_explicit(&c->tally.most_queued, memory_order_relaxed))
        atomic_store_explicit(&c->tally.most_queued, queued, memory_order_relaxed);
    answer->events[answer->count - 1].last = true;
    atomic_init(&answer->refs, answer->count);
    answer->held = c->set.dialect->pass && !c->set.dialect->pass(c->set.user, answer);
    append(c, &answer->item);
    client_deliver(c);
    if (queued >= c->set.o.max_queued)
        client_queue_tell(c);
}

void client_received(struct client *c, struct batch *batch, int64_t date_s)
{
    struct client_answer *answer = client_answer_new(c, batch, date_s);
    if (!answer) {
        weir_error why;
        error_no_memory(&why);
        client_end_now(c, &why);
        return;
    }
    sift(c, answer);
    if (answer->count > 0) {
        atomic_fetch_add_explicit(&c->tally.answers, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->tally.bytes, batch->len, memory_order_relaxed);
    }
    if (answer->count > 0 && !c->stopping) {
        enqueue(c, answer);
        return;
    }
    atomic_init(&answer->refs, 1);
    client_answer_drop(answer, 1);
}

void client_note(struct client *c, const weir_error *why, bool outage)
{
    struct client_notice *notice = c->stopping ? NULL : mem_zalloc(sizeof *notice);
    if (!notice)
        return; /* it was logged, and is news */
    notice->item.notice = true;
    notice->outage = outage;
    error_copy(&notice->why, why);
    append(c, &notice->item);
    client_deliver(c);
}

static bool is_outage(const void *item)
{
    const struct client_item *it = item;
    return it->notice && ((const struct client_notice *)item)->outage;
}

/* Nobody wants to hear of an outage that is over. */
void client_outage_over(struct client *c)
{
    struct client_item **from = &c->waiting;
    inbox_sweep(c->inbox, is_outage);
    while (*from) {
        struct client_item *item = *from;
        if (!is_outage(item)) {
            from = &item->next;
            continue;
        }
        *from = item->next;
        mem_free(item);
    }
    c->waiting_last = from;
}

void client_released(struct loop_task *task)
{
    struct client *c = (struct client *)(void *)((char *)task - offsetof(struct client, release));
    atomic_store(&c->release_posted, false);
    if (!c->ended)
        client_deliver(c);
    client_leave(c);
}

void client_release(struct client *c, struct client_answer *answer)
{
    client_enter(c);
    atomic_store(&answer->released, true);
    if (!atomic_exchange(&c->release_posted, true))
        loop_post(c->loop, &c->release);
    else
        client_leave(c);
}

void client_queue_stop(struct client *c, const weir_error *why)
{
    inbox_fail(c->inbox, why);
    while (c->waiting) {
        struct client_item *next = c->waiting->next;
        client_drop_item(c->waiting);
        c->waiting = next;
    }
    c->waiting_last = &c->waiting;
}

/* ---- out --------------------------------------------------------------------------------- */

struct taking {
    weir_event **events;
    size_t room, count;
    struct client_notice *notice;
};

/* Under the inbox's lock. */
static bool take_part(void *item, void *user)
{
    struct taking *t = user;
    struct client_item *it = item;
    if (it->notice) {
        t->notice = notice_of(it);
        return true;
    }
    struct client_answer *answer = answer_of(it);
    size_t at = answer->taken;
    size_t left = answer->count - at;
    t->count = left < t->room ? left : t->room;
    answer->taken = at + t->count;
    bool all = t->count == left; /* the references become the taker's: it may be gone then */
    for (size_t i = 0; i < t->count; i++)
        t->events[i] = client_event_as(&answer->events[at + i]);
    return all;
}

static void ring_out(void *user)
{
    (void)user; /* the loop has woken up, which was all */
}

/* With the loop on loan this thread does the I/O thread's work until there is something. */
static weir_status take_running(struct client *c, struct taking *t, struct deadline until,
                                weir_error *err)
{
    const struct deadline now = {0};
    struct timer alarm;
    timer_init(&alarm, c->loop, ring_out, NULL);
    weir_status status = timer_set(&alarm, until.at_ns) == WEIR_OK ? WEIR_OK : WEIR_NO_MEMORY;
    while (status == WEIR_OK) {
        loop_run(c->loop);
        status = inbox_take_part(c->inbox, take_part, t, now, err);
        if (status != WEIR_NOTHING || deadline_left(c->clock, until) == 0)
            break;
        status = WEIR_OK;
    }
    loop_look(c->loop); /* the next connect goes out while the program works */
    timer_cancel(&alarm);
    return status;
}

static weir_status take_waiting(struct client *c, struct taking *t, struct deadline until,
                                weir_error *err)
{
    const struct deadline now = {0};
    weir_status status = inbox_take_part(c->inbox, take_part, t, now, err);
    if (status != WEIR_NOTHING || deadline_left(c->clock, until) == 0)
        return status;
    if (!loop_borrow(c->loop))
        return inbox_take_part(c->inbox, take_part, t, until, err);
    status = take_running(c, t, until, err);
    loop_return(c->loop);
    if (status == WEIR_NO_MEMORY) /* for the alarm: wait as others do */
        return inbox_take_part(c->inbox, take_part, t, until, err);
    return status;
}

static weir_status take(struct client *c, struct taking *t, bool *notice, struct deadline until,
                        weir_error *err)
{
    if (loop_inside(c->loop)) /* it cannot wait for itself */
        until.at_ns = 0;
    client_enter(c);
    int shielded = shield_up();
    weir_status status = take_waiting(c, t, until, err);
    shield_down(shielded);
    *notice = t->notice != NULL;
    if (t->notice) {
        status = error_copy(err, &t->notice->why);
        mem_free(t->notice);
    } else if (t->count) {
        taken(c, t->count);
    }
    client_leave(c);
    return status;
}

weir_status client_take(struct client *c, weir_event **events, size_t room, size_t *count,
                        struct deadline until, weir_error *err)
{
    bool notice;
    struct taking t = {events, room, 0, NULL};
    weir_status status = take(c, &t, &notice, until, err);
    *count = t.count;
    return status;
}

weir_status client_take_one(struct client *c, weir_event **event, size_t *count, bool *notice,
                            struct deadline until)
{
    struct taking t = {event, 1, 0, NULL};
    weir_status status = take(c, &t, notice, until, NULL);
    *count = t.count;
    return status;
}

int client_fd(struct client *c)
{
    return c->set.handle ? -1 : inbox_fd(c->inbox);
}
