/* Random lives of a listener against a model of the server: events with ids that are not
 * contiguous, sessions lost at any step, the process killed at any step, the store written at any
 * time (but in time). Whatever happens: every event since the beginning reaches the program, those
 * of one process once and in order, an event whose acknowledgement was stored never again, and
 * what is stored never goes back. */
#include "core/clock.h"
#include "lib/check.h"
#include "lib/vclock.h"
#include "salesforce/position.h"

#include <string.h>

#define CHANNEL "/data/ChangeEvents"
#define EVENTS  60
#define STEPS   900

struct world {
    struct vclock random;
    unsigned seed;
    enum from from; /* of the first process */
    /* the server */
    struct {
        int64_t id, created_ms;
        bool known_time;
    } log[EVENTS];
    size_t published;
    int64_t now_ms;
    bool session, asked, agreed; /* alive; a subscribe has been sent; answered */
    int64_t ask, asked_ms;
    size_t next; /* of the log, to be sent to this session */
    /* the store */
    bool has_record;
    struct record record;
    /* the process */
    bool running;
    struct position position;
    size_t queue[EVENTS * 4], queued;
    /* what the program has seen */
    size_t begins;    /* of the log: the first that must be delivered; SIZE_MAX: not yet known */
    int64_t floor_ms; /* what was created before is older than the beginning */
    bool seen[EVENTS], stored_ack[EVENTS];
    int64_t last_in_process; /* id */
    int64_t in_hand[EVENTS * 4];
    size_t hand;
};

static uint64_t pick(struct world *w, uint64_t below)
{
    return clock_random(&w->random.clock, below);
}

static void publish(struct world *w)
{
    if (w->published == EVENTS)
        return;
    int64_t last = w->published ? w->log[w->published - 1].id : 100;
    w->now_ms += (int64_t)pick(w, 1500);
    w->log[w->published].id = last + 1 + (int64_t)pick(w, 9);
    w->log[w->published].created_ms = w->now_ms;
    w->log[w->published].known_time = w->seed % 2 == 0 || pick(w, 10) != 0;
    w->published++;
}

static void start(struct world *w)
{
    if (!w->has_record)
        w->begins = SIZE_MAX; /* nobody has been told of a beginning that is not in the store */
    enum from from = w->has_record ? FROM_STORED : w->from;
    position_init(&w->position, CHANNEL, from, 0, w->has_record ? &w->record : NULL);
    w->running = true;
    w->session = w->asked = w->agreed = false;
    w->queued = w->hand = 0;
    w->last_in_process = 0;
}

static size_t log_after(const struct world *w, int64_t ask)
{
    size_t at = 0;
    if (ask == ASK_NEW)
        return w->published;
    while (at < w->published && w->log[at].id <= ask)
        at++;
    return at;
}

static void check_id_is_known(const struct world *w, int64_t ask)
{
    bool known = ask < 0;
    for (size_t i = 0; i < w->published; i++)
        known = known || w->log[i].id == ask;
    assert_true(known);
}

/* A session is made, or goes on: the subscription is received, then answered, events flow. */
static void talk(struct world *w)
{
    if (!w->session) {
        w->session = true;
        w->asked = w->agreed = false;
    } else if (!w->asked) {
        w->asked = true;
        w->asked_ms = w->now_ms;
        w->ask = position_ask(&w->position);
        check_id_is_known(w, w->ask);
        w->next = log_after(w, w->ask);
    } else if (!w->agreed) {
        w->agreed = true;
        position_subscribed(&w->position, w->now_ms / 1000 * 1000, w->now_ms);
        if (w->begins == SIZE_MAX) {
            w->begins = w->from == FROM_ALL ? 0 : w->published;
            w->floor_ms = w->position.delivered_any ? 0 : w->asked_ms / 1000 * 1000;
        }
    } else {
        position_live(&w->position, w->now_ms);
    }
}

static void send(struct world *w)
{
    size_t most = 1 + pick(w, 4);
    if (!w->session || !w->asked)
        return;
    for (size_t n = 0; n < most && w->next < w->published; n++, w->next++) {
        int64_t created = w->log[w->next].known_time ? w->log[w->next].created_ms : 0;
        if (position_event(&w->position, true, w->log[w->next].id, created))
            w->queue[w->queued++] = w->next;
    }
}

static void save(struct world *w)
{
    struct position *p = &w->position;
    if (!position_unsaved(p))
        return;
    if (w->has_record && w->record.has_position) {
        assert_true(p->record.has_position);
        assert_true(p->record.position >= w->record.position);
    }
    w->has_record = true;
    w->record = p->record;
    position_saved(p, p->version);
    for (size_t i = 0; i < w->published; i++)
        w->stored_ack[i] = p->record.has_position && w->log[i].id <= p->record.position;
}

static void take(struct world *w)
{
    if (w->queued == 0)
        return;
    if (w->position.due)
        save(w);
    size_t event = w->queue[0];
    memmove(w->queue, w->queue + 1, --w->queued * sizeof *w->queue);
    assert_true(w->log[event].id > w->last_in_process);
    assert_false(w->stored_ack[event]);
    if (w->begins == SIZE_MAX) {
        w->begins = event;
        w->floor_ms = w->log[event].created_ms;
    }
    w->last_in_process = w->log[event].id;
    w->seen[event] = true;
    w->in_hand[w->hand++] = w->log[event].id;
}

static void acknowledge(struct world *w)
{
    if (w->hand == 0)
        return;
    size_t which = pick(w, w->hand);
    (void)position_ack(&w->position, w->in_hand[which]);
    if (pick(w, 2))
        save(w);
}

static void lose_session(struct world *w)
{
    w->session = false;
}

static void kill_process(struct world *w)
{
    w->running = pick(w, 3) != 0;
}

static void step(struct world *w)
{
    static void (*const steps[])(struct world *) = {
        publish, publish, lose_session, kill_process, save, acknowledge, acknowledge, acknowledge,
        take,    take,    take,         send,         send, talk,        talk,        talk};
    steps[pick(w, COUNT(steps))](w);
}

static void live(struct world *w)
{
    for (int i = 0; i < STEPS; i++) {
        if (!w->running)
            start(w);
        step(w);
    }
    /* A last calm: all that is there is received. */
    if (!w->running)
        start(w);
    for (int i = 0; i < EVENTS + 10; i++) {
        talk(w);
        send(w);
        while (w->queued > 0)
            take(w);
    }
    for (size_t i = w->begins; i < w->published; i++) {
        if (!w->seen[i])
            print_error("seed %u: event %zu (id %lld) was never delivered\n", w->seed, i,
                        (long long)w->log[i].id);
        assert_true(w->seen[i]);
    }
    for (size_t i = 0; w->from == FROM_NEW && i < w->begins; i++) {
        bool old = w->seed % 2 == 0 && w->log[i].created_ms < w->floor_ms;
        assert_false(old && w->seen[i]);
    }
}

static void run(enum from from, unsigned first_seed)
{
    for (unsigned seed = first_seed; seed < first_seed + 1500; seed++) {
        struct world w = {.seed = seed, .from = from, .begins = SIZE_MAX, .now_ms = 1700000000000};
        vclock_init(&w.random);
        w.random.seed = seed;
        for (int i = 0; i < 10; i++)
            publish(&w);
        live(&w);
    }
}

static void nothing_is_lost_after_a_beginning_with_new_ones(void **state)
{
    (void)state;
    run(FROM_NEW, 1);
}

static void nothing_is_lost_after_a_beginning_with_all(void **state)
{
    (void)state;
    run(FROM_ALL, 100001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_after_a_beginning_with_new_ones),
        cmocka_unit_test(nothing_is_lost_after_a_beginning_with_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
