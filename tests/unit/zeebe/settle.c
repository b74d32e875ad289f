/* What the gateway's answers to settled jobs mean, and when a lock is extended. Tables. */
#include "zeebe/settle.h"

#include "lib/check.h"
#include "lib/vclock.h"
#include "zeebe/lease.h"
#include <string.h>

/* ---- settling ---------------------------------------------------------------------------- */

static const struct {
    enum settle_kind kind;
    weir_status first; /* an answer before; OK: none */
    bool first_unprocessed;
    weir_status status;
    bool unprocessed;
    enum settle_step step;
} answers[] = {
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_OK, false, SETTLE_DONE},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_OK, false, SETTLE_DONE},
    {SETTLE_THROW, WEIR_OK, false, WEIR_OK, false, SETTLE_DONE},
    /* the job is gone */
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_NOT_FOUND, false, SETTLE_LOST},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_NOT_FOUND, false, SETTLE_LOST},
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_CONFLICT, false, SETTLE_LOST},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_CONFLICT, false, SETTLE_LOST},
    /* ... because the first try has arrived */
    {SETTLE_COMPLETE, WEIR_UNREACHABLE, false, WEIR_NOT_FOUND, false, SETTLE_DONE},
    {SETTLE_COMPLETE, WEIR_TIMEOUT, false, WEIR_NOT_FOUND, false, SETTLE_DONE},
    {SETTLE_COMPLETE, WEIR_REFUSED, false, WEIR_NOT_FOUND, false, SETTLE_DONE},
    /* ... but not when it provably had not */
    {SETTLE_COMPLETE, WEIR_UNREACHABLE, true, WEIR_NOT_FOUND, false, SETTLE_LOST},
    {SETTLE_COMPLETE, WEIR_BUSY, false, WEIR_NOT_FOUND, false, SETTLE_LOST},
    {SETTLE_COMPLETE, WEIR_BAD_LOGIN, false, WEIR_NOT_FOUND, false, SETTLE_LOST},
    /* it may have arrived */
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_UNREACHABLE, false, SETTLE_AGAIN},
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_TIMEOUT, false, SETTLE_AGAIN},
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_REFUSED, false, SETTLE_AGAIN},
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_PROTOCOL, false, SETTLE_AGAIN},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_UNREACHABLE, false, SETTLE_LOST},
    {SETTLE_THROW, WEIR_OK, false, WEIR_TIMEOUT, false, SETTLE_LOST},
    {SETTLE_RETURN, WEIR_OK, false, WEIR_REFUSED, false, SETTLE_LOST},
    /* it provably has not */
    {SETTLE_FAIL, WEIR_OK, false, WEIR_UNREACHABLE, true, SETTLE_AGAIN},
    {SETTLE_THROW, WEIR_OK, false, WEIR_UNREACHABLE, true, SETTLE_AGAIN},
    {SETTLE_RETURN, WEIR_OK, false, WEIR_TIMEOUT, true, SETTLE_AGAIN},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_BUSY, false, SETTLE_AGAIN},
    {SETTLE_THROW, WEIR_OK, false, WEIR_BAD_LOGIN, false, SETTLE_AGAIN},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_NO_MEMORY, false, SETTLE_AGAIN},
    /* what it says is wrong */
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_INVALID, false, SETTLE_INVALID},
    {SETTLE_COMPLETE, WEIR_UNREACHABLE, false, WEIR_INVALID, false, SETTLE_INVALID},
    {SETTLE_THROW, WEIR_OK, false, WEIR_INVALID, false, SETTLE_INVALID},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_INVALID, false, SETTLE_LOST},
    /* a proxy, before a gateway that is away */
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_UNSUPPORTED, false, SETTLE_AGAIN},
    {SETTLE_FAIL, WEIR_OK, false, WEIR_UNSUPPORTED, false, SETTLE_AGAIN},
    {SETTLE_COMPLETE, WEIR_UNSUPPORTED, false, WEIR_NOT_FOUND, false, SETTLE_LOST},
    /* no use */
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_FORBIDDEN, false, SETTLE_LOST},
    {SETTLE_COMPLETE, WEIR_OK, false, WEIR_STOPPED, false, SETTLE_LOST},
};

static void every_answer_means_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct vclock clock;
        struct settle s;
        weir_ms wait = -1;
        vclock_init(&clock);
        settle_init(&s, answers[i].kind);
        struct settle_answer first = {answers[i].first, answers[i].first_unprocessed, 0, 0};
        struct settle_answer last = {answers[i].status, answers[i].unprocessed, 0, 0};
        if (first.status != WEIR_OK)
            assert_int_equal(settle_next(&s, &first, 60000, &clock.clock, &wait), SETTLE_AGAIN);
        enum settle_step step = settle_next(&s, &last, 60000, &clock.clock, &wait);
        if (step != answers[i].step)
            fail_msg("row %zu: step %d, not %d", i, (int)step, (int)answers[i].step);
    }
}

static void what_the_engine_cannot_write_is_invalid_however_it_is_called(void **state)
{
    static const struct {
        enum settle_kind kind;
        enum settle_step step;
    } rows[] = {{SETTLE_COMPLETE, SETTLE_INVALID},
                {SETTLE_THROW, SETTLE_INVALID},
                {SETTLE_FAIL, SETTLE_LOST}};
    const struct settle_answer answer = {WEIR_REFUSED, false, 0, WEIR_KIND_MESSAGE_TOO_LARGE};
    struct vclock clock;
    (void)state;
    vclock_init(&clock);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settle s;
        weir_ms wait = -1;
        settle_init(&s, rows[i].kind);
        assert_int_equal(settle_next(&s, &answer, 60000, &clock.clock, &wait), rows[i].step);
    }
}

/* A backoff waits for all of its limit. */
static void largest(const struct clock *self, void *out, size_t size)
{
    uint64_t number = UINT64_C(51) * 101 * 201 * 401 - 1;
    (void)self;
    assert_int_equal(size, sizeof number);
    memcpy(out, &number, size);
}

static void nothing_is_said_again_once_the_lock_has_run_out(void **state)
{
    struct vclock clock;
    struct settle s;
    weir_ms wait = 0;
    const struct settle_answer down = {WEIR_UNREACHABLE, true, 0, 0};
    (void)state;
    vclock_init(&clock);
    clock.clock.random = largest;
    settle_init(&s, SETTLE_COMPLETE);
    assert_int_equal(settle_next(&s, &down, 60000, &clock.clock, &wait), SETTLE_AGAIN);
    assert_int_equal(wait, 50);
    assert_int_equal(settle_next(&s, &down, 101, &clock.clock, &wait), SETTLE_AGAIN);
    assert_int_equal(wait, 100);
    assert_int_equal(settle_next(&s, &down, 200, &clock.clock, &wait), SETTLE_LOST);
    assert_int_equal(settle_next(&s, &down, 0, &clock.clock, &wait), SETTLE_LOST);
}

static void a_wish_of_the_gateway_is_heeded(void **state)
{
    struct vclock clock;
    struct settle s;
    weir_ms wait = 0;
    const struct settle_answer busy = {WEIR_BUSY, false, 2500, 0};
    (void)state;
    vclock_init(&clock);
    settle_init(&s, SETTLE_FAIL);
    assert_int_equal(settle_next(&s, &busy, 60000, &clock.clock, &wait), SETTLE_AGAIN);
    assert_int_equal(wait, 2500);
}

/* ---- locks ------------------------------------------------------------------------------- */

#define S NS_PER_S

static const struct {
    bool begun, heartbeat;
    int64_t now;
    enum lease_step step;
    int64_t at; /* of WAIT */
} looks[] = {
    /* a lock of 60 s, and 150 s at most */
    {true, true, 0, LEASE_WAIT, 30 * S},
    {true, true, 29 * S, LEASE_WAIT, 30 * S},
    {true, true, 30 * S, LEASE_BEAT, 0},
    {true, true, 70 * S, LEASE_BEAT, 0},
    {true, true, 150 * S, LEASE_GIVE_UP, 0},
    {true, false, 30 * S, LEASE_WAIT, 150 * S},
    {true, false, 149 * S, LEASE_WAIT, 150 * S},
    {true, false, 150 * S, LEASE_GIVE_UP, 0},
    /* what waits may be begun just before the end: looked at ever more often */
    {false, true, 0, LEASE_WAIT, 30 * S},
    {false, true, 30 * S, LEASE_WAIT, 45 * S},
    {false, true, 52 * S, LEASE_WAIT, 56 * S},
    {false, true, 60 * S - NS_PER_MS, LEASE_WAIT, 60 * S},
    {false, true, 60 * S, LEASE_DROP, 0},
    {false, false, 61 * S, LEASE_DROP, 0},
};

static void every_look_at_a_lock_ends_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        struct lease l;
        int64_t at = 0;
        lease_init(&l, 60000, 150000, looks[i].heartbeat, 0);
        enum lease_step step = lease_look(&l, looks[i].begun, looks[i].now, &at);
        if (step != looks[i].step || (step == LEASE_WAIT && at != looks[i].at))
            fail_msg("row %zu: step %d at %lld", i, (int)step, (long long)at);
    }
}

static void an_extended_lock_is_a_full_one_from_when_it_was_asked_for(void **state)
{
    struct lease l;
    (void)state;
    lease_init(&l, 60000, 150000, true, 0);
    assert_int_equal(lease_beaten(&l, true, 30 * S, 31 * S), 60 * S);
    assert_int_equal(l.until_ns, 90 * S);
    assert_int_equal(lease_beaten(&l, true, 100 * S, 101 * S), 130 * S);
    assert_int_equal(lease_beaten(&l, true, 130 * S, 131 * S), 150 * S); /* never beyond the end */
}

static void a_lost_heartbeat_is_repeated_in_half_of_what_is_left(void **state)
{
    struct lease l;
    (void)state;
    lease_init(&l, 60000, 150000, true, 0);
    assert_int_equal(lease_beaten(&l, false, 30 * S, 30 * S), 45 * S);
    assert_int_equal(lease_beaten(&l, false, 45 * S, 46 * S), 53 * S);
    assert_int_equal(l.until_ns, 60 * S);
    /* not in a hurry, even when it has run out */
    assert_int_equal(lease_beaten(&l, false, 59 * S, 60 * S), 61 * S);
    assert_int_equal(lease_beaten(&l, false, 60 * S, 70 * S), 71 * S);
}

/* A gateway whose clock is 1,000 s ahead; locks of 60 s. */
static void a_job_is_as_old_as_it_lay_unread(void **state)
{
    static const struct {
        int64_t now_ms, locked_ms; /* by our clock */
        int64_t unread_ms;         /* since then; 0: it came at once */
        int64_t age_ms;
    } rows[] = {
        {5000, 4995, 0, 0},          /* on the way for 5 ms, which is not known yet           */
        {6000, 5998, 0, 0},          /* 2 ms: the least                                       */
        {7000, 6990, 0, 0},          /* late, but nothing lay unread: the network, or a clock */
        {50000, 10002, 9000, 39996}, /* lay for 40 s but the way it takes anyway              */
        {50000, 48000, 49000, 1000}, /* no older than the time in which nothing was read      */
        {50000, 49998, 9000, 0},
    };
    struct lease_clock c = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t deadline = 1000000 + rows[i].locked_ms + 60000;
        int64_t age = lease_age(&c, deadline, 60000, rows[i].now_ms * NS_PER_MS,
                                rows[i].unread_ms * NS_PER_MS);
        if (age != rows[i].age_ms * NS_PER_MS)
            fail_msg("row %zu: %lld ns", i, (long long)age);
    }
    assert_int_equal(lease_age(&c, 0, 60000, 9 * S, 1 * S), 0); /* it does not say */
}

static void times_beyond_the_clock_are_the_end_of_time(void **state)
{
    struct lease l;
    int64_t at = 0;
    (void)state;
    lease_init(&l, INT64_MAX / 2, INT64_MAX, true, 10 * S);
    assert_int_equal(l.give_up_ns, INT64_MAX);
    assert_int_equal(lease_look(&l, true, 11 * S, &at), LEASE_WAIT);
    assert_true(at > 11 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_means_what_the_table_says),
        cmocka_unit_test(what_the_engine_cannot_write_is_invalid_however_it_is_called),
        cmocka_unit_test(nothing_is_said_again_once_the_lock_has_run_out),
        cmocka_unit_test(a_wish_of_the_gateway_is_heeded),
        cmocka_unit_test(every_look_at_a_lock_ends_as_the_table_says),
        cmocka_unit_test(an_extended_lock_is_a_full_one_from_when_it_was_asked_for),
        cmocka_unit_test(a_lost_heartbeat_is_repeated_in_half_of_what_is_left),
        cmocka_unit_test(a_job_is_as_old_as_it_lay_unread),
        cmocka_unit_test(times_beyond_the_clock_are_the_end_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
