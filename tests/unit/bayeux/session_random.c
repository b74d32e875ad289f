/* Sessions that are treated badly, in ways that come from a seed: WEIR_SEED=N begins with another
 * one, WEIR_ROUNDS=N says how many. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

static void whatever_happens_it_is_mended_or_said(void **state)
{
    (void)state;
    struct model m;
    uint64_t seed = number("WEIR_SEED", 1);
    uint64_t over = 0, outages = 0, dropped = 0, logins = 0, done = 0;
    uint64_t rounds = number("WEIR_ROUNDS", 60);
    for (uint64_t round = 0; round < rounds; round++, seed++) {
        printf("WEIR_SEED=%llu\n", (unsigned long long)seed);
        model_begin(&m, seed);
        model_subscribe(&m, (int)(seed % MODEL_CHANNELS));
        if (seed % 4)
            model_run(&m, 60000);
        for (int bout = 0; bout < 3; bout++) {
            m.trouble = true;
            model_run(&m, 3600000);
            model_calm(&m);
        }
        over += m.over;
        outages += m.outages;
        dropped += m.dropped;
        logins += m.logins;
        done += m.done;
        model_end(&m);
    }
    if (rounds < 20)
        return;
    assert_true(over < rounds / 2);
    assert_true(outages > 0 && dropped > 0 && logins > 0 && done > 0); /* it was bad enough */
}

/* Three hours of cookies, two hours of tokens: normal traffic, no outage. */
static void live(int64_t hours, uint64_t handshakes)
{
    struct model m;
    model_begin(&m, 7);
    m.session_ms = 3 * 3600000;
    m.token_ms = 2 * 3600000;
    m.event_every_ms = 7000;
    model_subscribe(&m, 0);
    model_subscribe(&m, 1);
    m.next_event_ns = m.clock.mono;
    model_run(&m, hours * 3600000);
    assert_int_equal(session_state(m.session), SESSION_CONNECTED);
    assert_int_equal(m.subs, 3);
    assert_int_equal(m.outages, 0);
    assert_int_equal(m.dropped, 0);
    assert_true(m.events_heard > (uint64_t)hours * 3600000 / 7000);
    assert_int_equal(m.events_heard, m.events_made);
    assert_in_range(m.handshakes, handshakes, 2 * handshakes + 2);
    assert_true(m.connects < (uint64_t)hours * 700);
    model_end(&m);
}

static void three_hours_and_more(void **state)
{
    (void)state;
    live(4, 2);
}

static void three_days(void **state)
{
    (void)state;
    live(72, 36);
}

static void a_quiet_channel_for_three_days(void **state)
{
    (void)state;
    struct model m;
    model_begin(&m, 8);
    m.session_ms = 3 * 3600000;
    model_subscribe(&m, 0);
    model_run(&m, INT64_C(72) * 3600000);
    assert_int_equal(session_state(m.session), SESSION_CONNECTED);
    assert_int_equal(m.outages, 0);
    assert_in_range(m.handshakes, 24, 25);
    assert_true(m.connects < 72 * 3600 / 110 + 2 * 26);
    model_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_it_is_mended_or_said),
        cmocka_unit_test(three_hours_and_more),
        cmocka_unit_test(three_days),
        cmocka_unit_test(a_quiet_channel_for_three_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
