/* Many timers on one: a binary heap ordered by time. The libuv timer is moved only when the
 * earliest time gets earlier; a cancelled earliest one leaves it to fire once for nothing, which is
 * cheaper than moving it for each call. */
#include "io/timer.h"

#include "core/error.h"
#include "core/mem.h"
#include "io/loop_private.h"

static void place(struct loop *loop, struct timer *timer, size_t slot)
{
    loop->heap[slot] = timer;
    timer->slot = slot + 1;
}

static void up(struct loop *loop, size_t slot)
{
    struct timer *timer = loop->heap[slot];
    while (slot > 0 && loop->heap[(slot - 1) / 2]->at_ns > timer->at_ns) {
        place(loop, loop->heap[(slot - 1) / 2], slot);
        slot = (slot - 1) / 2;
    }
    place(loop, timer, slot);
}

static void down(struct loop *loop, size_t slot)
{
    struct timer *timer = loop->heap[slot];
    for (;;) {
        size_t child = slot * 2 + 1;
        if (child + 1 < loop->timers && loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
            child++;
        if (child >= loop->timers || loop->heap[child]->at_ns >= timer->at_ns)
            break;
        place(loop, loop->heap[child], slot);
        slot = child;
    }
    place(loop, timer, slot);
}

static void on_timer(uv_timer_t *uv);

static void arm(struct loop *loop)
{
    if (loop->timers == 0 || (loop->armed_ns && loop->armed_ns <= loop->heap[0]->at_ns))
        return;
    loop->armed_ns = loop->heap[0]->at_ns;
    int64_t left = (loop->armed_ns - clock_mono(loop_clock(loop)) + NS_PER_MS - 1) / NS_PER_MS;
    /* libuv calls what is set to 0 by a timer's callback before it looks at any socket. */
    int64_t least = loop->firing ? 1 : 0;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, on_timer, (uint64_t)(left < least ? least : left), 0);
}

static void on_timer(uv_timer_t *uv)
{
    struct loop *loop = uv->data;
    int64_t now = clock_mono(loop_clock(loop));
    loop->armed_ns = 0;
    loop->firing = true;
    /* Bounded: one that sets itself again in the past must not keep the loop from its sockets. */
    for (size_t n = loop->timers; n > 0 && loop->timers > 0 && loop->heap[0]->at_ns <= now; n--) {
        struct timer *timer = loop->heap[0];
        timer_cancel(timer);
        timer->fire(timer->user);
    }
    arm(loop);
    loop->firing = false;
}

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(void *user), void *user)
{
    *timer = (struct timer){.fire = fire, .user = user, .loop = loop};
}

static bool make_room(struct loop *loop)
{
    if (loop->timers < loop->heap_cap)
        return true;
    size_t cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
    struct timer **grown = mem_realloc(loop->heap, cap * sizeof(void *));
    if (!grown)
        return false;
    loop->heap = grown;
    loop->heap_cap = cap;
    return true;
}

weir_status timer_set(struct timer *timer, int64_t at_ns)
{
    struct loop *loop = timer->loop;
    timer_cancel(timer);
    if (at_ns == INT64_MAX)
        return WEIR_OK;
    if (!make_room(loop))
        return WEIR_NO_MEMORY;
    timer->at_ns = at_ns;
    loop->heap[loop->timers++] = timer;
    up(loop, loop->timers - 1);
    arm(loop);
    return WEIR_OK;
}

weir_status timer_set_in(struct timer *timer, weir_ms delay)
{
    return timer_set(timer, deadline_in(loop_clock(timer->loop), delay, 0).at_ns);
}

void timer_cancel(struct timer *timer)
{
    if (!timer->slot)
        return;
    struct loop *loop = timer->loop;
    size_t slot = timer->slot - 1;
    timer->slot = 0;
    struct timer *moved = loop->heap[--loop->timers];
    if (moved == timer)
        return;
    place(loop, moved, slot);
    up(loop, slot);
    down(loop, moved->slot - 1);
}
