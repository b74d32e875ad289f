/* The window: when to poll for how many, when to have a stream open and take how much of it. Each
 * case is a story: a line for each thing that happens, and what is to be done after it. */
#include "lib/check.h"
#include "lib/vclock.h"
#include "unit/zeebe/window_stories.h"

#include <stdio.h>
#include <string.h>

/* A backoff waits for all of its limit: the number is one less than a multiple of 101, 201, 401,
 * ..., 5001, of which the remainder is taken. */
static void largest(const struct clock *self, void *out, size_t size)
{
    uint64_t number = UINT64_C(101) * 67 * 401 * 9 * 89 * 1601 * 11 * 97 * 1667 - 1;
    (void)self;
    assert_int_equal(size, sizeof number);
    memcpy(out, &number, size);
}

struct teller {
    struct vclock clock;
    struct window window;
    bool connected;
    const char *story;
    size_t line;
};

/* The events that come one by one. */
static void happen_once(struct teller *t, enum event event)
{
    if (event == POLLED) {
        window_polled(&t->window);
        window_brought_jobs(&t->window);
    } else if (event == STREAMED)
        window_streamed(&t->window, t->clock.mono);
    else if (event == SETTLED)
        window_settled(&t->window);
    else if (event == LINE_UP)
        t->connected = true;
}

static enum window_verdict happen(struct teller *t, const struct line *l)
{
    struct window *w = &t->window;
    const struct window_answer answer = {.status = l->status};
    if (l->event == EMPTY || l->event == POLL_ERR)
        return window_poll_ended(w, &answer, t->clock.mono);
    if (l->event == CLOSED || l->event == STREAM_ERR)
        return window_stream_ended(w, &answer, t->clock.mono);
    for (size_t i = 0; i < l->n || (i == 0 && l->event == LINE_UP); i++)
        happen_once(t, l->event);
    return WINDOW_GOES_ON;
}

static void compare(const struct teller *t, const char *what, long is, long expected)
{
    if (is != expected)
        fail_msg("%s, line %zu: %s is %ld, not %ld", t->story, t->line, what, is, expected);
}

static void tell(struct teller *t, const struct line *l)
{
    struct window *w = &t->window;
    vclock_step(&t->clock, l->after_ms);
    compare(t, "the verdict", (long)happen(t, l), (long)l->verdict);
    if (l->verdict == WINDOW_OVER)
        return;
    while (window_unpark(w)) {
    }
    struct window_plan plan = window_plan(w, t->clock.mono, t->connected);
    compare(t, "poll", (long)plan.poll, l->poll);
    compare(t, "want", (long)plan.want, l->want);
    compare(t, "open", plan.open_stream, l->open);
    compare(t, "close", plan.close_stream, l->close);
    compare(t, "recovered", plan.recovered, l->recovered);
    compare(t, "parked", (long)w->parked, (long)l->parked);
    compare(t, "looks into the past", plan.look_at <= t->clock.mono, 0);
    struct window_plan idle = window_plan(w, t->clock.mono, t->connected);
    compare(t, "a second plan", (long)(idle.poll + idle.want + idle.open_stream), 0);
}

static void init(struct teller *t, const struct story *s)
{
    *t = (struct teller){.story = s->name};
    vclock_init(&t->clock);
    t->clock.clock.random = largest;
    const struct window_settings settings = {
        .clock = &t->clock.clock,
        .max_active = s->max_active,
        .poll_at = s->poll_at,
        .poll_interval = 100,
        .long_poll = 10000,
        .give_up = WEIR_FOREVER,
        .polls = s->polls,
        .streams = s->streams,
    };
    window_init(&t->window, &settings, t->clock.mono);
}

static void every_story_comes_out_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct teller t;
        init(&t, &stories[i]);
        const struct line *l = stories[i].lines;
        size_t count = sizeof stories[i].lines / sizeof *l;
        while (count > 1 && l[count - 1].event == NOTHING && l[count - 1].after_ms == 0)
            count--;
        for (t.line = 0; t.line < count; t.line++)
            tell(&t, &l[t.line]);
    }
}

static void an_outage_that_lasts_for_give_up_ends_the_worker(void **state)
{
    static const struct story story = {.name = "give up", .max_active = 8, .polls = true};
    const struct window_answer down = {.status = WEIR_UNREACHABLE};
    struct teller t;
    (void)state;
    init(&t, &story);
    t.window.set.give_up = 5000;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(window_plan(&t.window, t.clock.mono, false).poll, 8);
        assert_true(WINDOW_OVER != window_poll_ended(&t.window, &down, t.clock.mono));
        vclock_step(&t.clock, 2000);
    }
    assert_int_equal(window_plan(&t.window, t.clock.mono, false).poll, 8);
    assert_int_equal(window_poll_ended(&t.window, &down, t.clock.mono), WINDOW_OVER);
}

static void an_answer_that_was_too_large_halves_what_is_asked_for(void **state)
{
    static const struct story story = {
        .name = "large", .max_active = 8, .poll_at = 8, .polls = true};
    const struct window_answer large = {.status = WEIR_INVALID,
                                        .kind = WEIR_KIND_MESSAGE_TOO_LARGE};
    const struct window_answer fine = {.status = WEIR_OK};
    const size_t expected[] = {8, 4, 2, 1, 1};
    const size_t after[] = {1, 2, 4, 8};
    struct teller t;
    (void)state;
    init(&t, &story);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(window_plan(&t.window, t.clock.mono, false).poll, expected[i]);
        assert_true(WINDOW_OVER != window_poll_ended(&t.window, &large, t.clock.mono));
        vclock_step(&t.clock, 10000);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(window_plan(&t.window, t.clock.mono, false).poll, after[i]);
        window_poll_ended(&t.window, &fine, t.clock.mono);
        vclock_step(&t.clock, 10000);
    }
}

static size_t chance(struct teller *t, size_t below)
{
    return (size_t)clock_random(&t->clock.clock, below);
}

/* One thing that could happen, of what can. */
static void stumble(struct teller *t, size_t *want)
{
    static const weir_status failures[] = {WEIR_OK, WEIR_OK, WEIR_BUSY, WEIR_UNREACHABLE};
    struct window *w = &t->window;
    const struct window_answer answer = {.status = failures[chance(t, 4)]};
    switch (chance(t, 6)) {
    case 0:
        if (w->poll == POLL_RUNNING && w->brought < w->asked)
            window_polled(w);
        break;
    case 1:
        if (w->poll == POLL_RUNNING)
            window_poll_ended(w, &answer, t->clock.mono);
        break;
    case 2:
        if (*want > 0)
            *want -= 1, window_streamed(w, t->clock.mono);
        break;
    case 3:
        if (w->stream == STREAM_OPEN && chance(t, 8) == 0)
            *want = 0, window_stream_ended(w, &answer, t->clock.mono);
        break;
    default:
        if (w->held > 0)
            window_settled(w);
        break;
    }
}

/* Whatever happens in whatever order: never more in hand than may be, and never stuck. */
static void no_order_of_events_overfills_or_stalls(void **state)
{
    static const struct story story = {.name = "chance", .polls = true, .streams = true};
    struct vclock chance_of_seed;
    (void)state;
    vclock_init(&chance_of_seed);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct teller t;
        size_t want = 0;
        init(&t, &story);
        t.clock.clock.random = chance_of_seed.clock.random;
        t.clock.seed = seed;
        size_t most = 1 + seed % 9;
        t.window.set.max_active = t.window.ask_most = most;
        t.window.set.poll_at = most / 3;
        for (int i = 0; i < 2000; i++) {
            vclock_step(&t.clock, (int64_t)chance(&t, 300));
            while (window_unpark(&t.window)) {
            }
            struct window_plan plan = window_plan(&t.window, t.clock.mono, true);
            want += plan.want;
            assert_true(t.window.held <= most);
            assert_true(t.window.parked <= WINDOW_CREDIT_MOST);
            assert_int_equal(want, t.window.stream == STREAM_CLOSING ? want : t.window.credit);
            bool idle = t.window.poll == POLL_WAITING && t.window.stream != STREAM_OPEN;
            assert_false(idle && t.window.held == 0 && plan.look_at == INT64_MAX);
            if (plan.close_stream)
                want = 0, window_stream_ended(&t.window, &(struct window_answer){0}, t.clock.mono);
            stumble(&t, &want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_comes_out_as_told),
        cmocka_unit_test(an_outage_that_lasts_for_give_up_ends_the_worker),
        cmocka_unit_test(an_answer_that_was_too_large_halves_what_is_asked_for),
        cmocka_unit_test(no_order_of_events_overfills_or_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
