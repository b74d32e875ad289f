/* The token cache's mind by virtual clock: what is asked for when, and what everybody gets. */
#include "lib/check.h"
#include "lib/vclock.h"

#include "core/error.h"
#include "credentials/machine.h"

#include <stdio.h>
#include <string.h>

#define S INT64_C(1000) /* ms */

struct stage {
    struct vclock clock;
    struct machine machine;
    int fetches; /* how many were wanted */
    int tokens;  /* how many were made */
    weir_error err;
};

static int begin(void **state)
{
    static struct stage stage;
    stage = (struct stage){0};
    vclock_init(&stage.clock);
    machine_init(&stage.machine, 60, "test");
    *state = &stage;
    return 0;
}

static int end(void **state)
{
    struct stage *s = *state;
    machine_clear(&s->machine);
    return 0;
}

static void at(struct stage *s, int64_t ms)
{
    vclock_step(&s->clock, ms);
}

static weir_token *token_made(struct stage *s, int64_t lifetime, bool from_cache)
{
    struct weir_token_answer answer = {0};
    char text[32];
    snprintf(text, sizeof text, "token-%d", ++s->tokens);
    assert_int_equal(weir_token_set(&answer, text, 0), WEIR_OK);
    weir_token *token = token_make(&answer, token_moment(&s->clock.clock), lifetime, from_cache);
    assert_non_null(token);
    return token;
}

static void bring(struct stage *s, int64_t lifetime)
{
    machine_got(&s->machine, &s->clock.clock, token_made(s, lifetime, false));
}

static void break_with(struct stage *s, weir_status status, int32_t retry_in_ms)
{
    weir_error why = {0};
    error_set(&why, status, "it went wrong (%s)", weir_status_name(status));
    why.retry_in_ms = retry_in_ms;
    machine_failed(&s->machine, &s->clock.clock, &why, status == WEIR_BAD_LOGIN);
}

/* "token-1" what was taken, "wait", or the name of the error's status. */
static const char *ask_until(struct stage *s, struct machine_wish wish)
{
    static char out[64];
    weir_token *token = NULL;
    bool fetch = false;
    enum machine_verdict verdict =
        machine_ask(&s->machine, &s->clock.clock, &wish, &token, &s->err, &fetch);
    s->fetches += fetch;
    if (verdict == MACHINE_WAIT)
        return "wait";
    if (verdict == MACHINE_FAIL)
        return weir_status_name(s->err.status);
    snprintf(out, sizeof out, "%s", weir_token_value(token));
    weir_token_free(token);
    return out;
}

static const char *ask(struct stage *s)
{
    return ask_until(s, (struct machine_wish){{s->clock.mono + 10 * NS_PER_S}, false, 0, false});
}

static void the_first_fetches_and_the_others_join(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 200; i++)
        assert_string_equal(ask(s), "wait");
    assert_int_equal(s->fetches, 1);
    assert_int_equal(s->machine.state, MACHINE_FETCHING);
    bring(s, 300);
    for (int i = 0; i < 200; i++)
        assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 1);
    assert_int_equal(s->machine.state, MACHINE_FRESH);
}

static void a_stale_token_serves_while_one_renewal_runs(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    at(s, 239 * S);
    ask(s);
    assert_int_equal(s->fetches, 1);
    at(s, 2 * S); /* 60 s before its end */
    for (int i = 0; i < 50; i++)
        assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 2);
    assert_int_equal(s->machine.state, MACHINE_RENEWING);
    bring(s, 300);
    assert_string_equal(ask(s), "token-2");
}

static void an_expired_token_serves_nobody(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    at(s, 300 * S);
    assert_string_equal(ask(s), "wait");
    assert_int_equal(s->fetches, 2);
    assert_int_equal(s->machine.state, MACHINE_FETCHING);
}

static void a_token_that_expires_during_its_renewal_serves_nobody(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    at(s, 290 * S);
    assert_string_equal(ask(s), "token-1");
    at(s, 10 * S);
    assert_string_equal(ask(s), "wait");
    assert_int_equal(s->machine.state, MACHINE_FETCHING);
    assert_int_equal(s->fetches, 2);
}

/* Ten seconds of life, a leeway of sixty: without the half, every call would fetch. */
static void the_leeway_is_at_most_half_the_lifetime(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 10);
    for (int i = 0; i < 100; i++)
        assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 1);
    at(s, 4900);
    ask(s);
    assert_int_equal(s->fetches, 1);
    at(s, 200);
    assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 2);
}

static void a_failed_renewal_keeps_the_token_to_its_real_end_and_pauses(void **state)
{
    struct stage *s = *state;
    s->clock.seed = 0; /* every pause as long as it can be */
    ask(s);
    bring(s, 3600);
    at(s, 3541 * S);
    assert_string_equal(ask(s), "token-1");
    break_with(s, WEIR_UNREACHABLE, 0);
    assert_int_equal(s->machine.state, MACHINE_HOLDING);
    int asked = 0;
    for (int i = 0; i < 588; i++) { /* ten times a second */
        assert_string_equal(ask(s), "token-1");
        if (s->machine.state == MACHINE_RENEWING) {
            asked++;
            break_with(s, WEIR_UNREACHABLE, 0);
        }
        at(s, 100);
    }
    assert_in_range(asked, 4, 8); /* 0.5, 1, 2, 4, 8, 16, 32 s */
    at(s, 1 * S);
    assert_string_equal(ask(s), "wait"); /* there is none any more: the pause is over */
    assert_int_equal(s->machine.state, MACHINE_FETCHING);
    for (int i = 0; i < 50; i++) {
        break_with(s, WEIR_UNREACHABLE, 0);
        assert_in_range(machine_wake(&s->machine, &s->clock.clock), 1, 10001);
        at(s, 10001);
        assert_string_equal(ask(s), "wait");
    }
}

static void who_can_wait_for_the_pauses_end_waits(void **state)
{
    struct stage *s = *state;
    ask(s);
    break_with(s, WEIR_UNREACHABLE, 5000);
    assert_string_equal(ask(s), "wait");
    assert_in_range(machine_wake(&s->machine, &s->clock.clock), 5000, 5001);
    assert_string_equal(
        ask_until(s, (struct machine_wish){{s->clock.mono + 4 * NS_PER_S}, false, 0, false}),
        "WEIR_UNREACHABLE");
    assert_string_equal(ask_until(s, (struct machine_wish){{INT64_MAX}, false, 0, false}), "wait");
    assert_string_equal(ask_until(s, (struct machine_wish){{INT64_MAX}, false, 0, true}),
                        "WEIR_UNREACHABLE"); /* who would rather know */
    assert_int_equal(s->fetches, 1);
    at(s, 5001);
    assert_int_equal(machine_wake(&s->machine, &s->clock.clock), 0);
    assert_string_equal(ask(s), "wait");
    assert_int_equal(s->fetches, 2);
    bring(s, 300);
    assert_string_equal(ask(s), "token-1");
}

static void refused_credentials_say_so_at_once_and_are_not_hammered(void **state)
{
    struct stage *s = *state;
    ask(s);
    break_with(s, WEIR_BAD_LOGIN, -1);
    for (int i = 0; i < 99; i++) {
        assert_string_equal(ask_until(s, (struct machine_wish){{INT64_MAX}, false, 0, false}),
                            "WEIR_BAD_LOGIN");
        assert_string_equal(s->err.message, "it went wrong (WEIR_BAD_LOGIN)");
        at(s, 10);
    }
    assert_int_equal(s->fetches, 1);
    at(s, 11);
    assert_string_equal(ask(s), "wait"); /* somebody may have mended them */
    assert_int_equal(s->fetches, 2);
    bring(s, 300);
    assert_string_equal(ask(s), "token-1");
}

static void rejecting_compares_tokens(void **state)
{
    struct stage *s = *state;
    ask(s);
    weir_token *first = token_made(s, 300, false);
    machine_got(&s->machine, &s->clock.clock, weir_token_ref(first));
    assert_true(machine_reject(&s->machine, &s->clock.clock, first));
    assert_int_equal(s->machine.state, MACHINE_EMPTY);
    assert_string_equal(ask(s), "wait");
    assert_false(machine_reject(&s->machine, &s->clock.clock, first));
    bring(s, 300);
    for (int i = 0; i < 199; i++) /* the rest of the burst comes late */
        assert_false(machine_reject(&s->machine, &s->clock.clock, first));
    assert_string_equal(ask(s), "token-2");
    assert_int_equal(s->fetches, 2);
    weir_token_free(first);
}

static void a_token_rejected_while_it_is_renewed_waits_for_the_new_one(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    at(s, 250 * S);
    ask(s);
    weir_token *held = weir_token_ref(s->machine.token);
    assert_true(machine_reject(&s->machine, &s->clock.clock, held));
    assert_int_equal(s->machine.state, MACHINE_FETCHING);
    assert_string_equal(ask(s), "wait");
    assert_int_equal(s->fetches, 2);
    weir_token_free(held);
}

/* A gateway that refuses every token: zbctl made 47 requests in one command. */
static void a_token_rejected_while_its_renewal_pauses_is_replaced_at_once(void **state)
{
    struct stage *s = *state;
    s->clock.seed = 0; /* every pause as long as it can be */
    ask(s);
    bring(s, 36000);
    at(s, 35941 * S);
    for (int i = 0; i < 12; i++) { /* the endpoint is down, and nobody is in a hurry */
        at(s, 4 * S);
        assert_string_equal(ask(s), "token-1");
        if (s->machine.state == MACHINE_RENEWING)
            break_with(s, WEIR_UNREACHABLE, 0);
    }
    weir_token *held = weir_token_ref(s->machine.token);
    int before = s->fetches;
    assert_int_equal(s->machine.state, MACHINE_HOLDING);
    assert_true(machine_reject(&s->machine, &s->clock.clock, held));
    assert_string_equal(ask(s), "wait");
    assert_int_equal(s->fetches, before + 1);
    weir_token_free(held);
}

static void tokens_rejected_as_fast_as_they_come_are_replaced_in_growing_pauses(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 1200; i++) { /* a minute of calls, 20 a second */
        if (strcmp(ask(s), "wait") == 0) {
            bring(s, 300);
            weir_token *held = weir_token_ref(s->machine.token);
            machine_reject(&s->machine, &s->clock.clock, held);
            weir_token_free(held);
        }
        at(s, 50);
    }
    assert_in_range(s->fetches, 5, 12);
    assert_string_equal(ask(s), "WEIR_BAD_LOGIN");
    assert_non_null(strstr(s->err.message, "refused by the service"));
}

static void tokens_that_ended_well_between_those_rejected_are_remembered(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 20; i++) {
        assert_string_equal(ask(s), "wait");
        bring(s, 10);
        at(s, 6 * S); /* stale: renewed, not rejected */
        ask(s);
        bring(s, 10);
        weir_token *held = weir_token_ref(s->machine.token);
        assert_true(machine_reject(&s->machine, &s->clock.clock, held));
        weir_token_free(held);
    }
    assert_int_equal(s->fetches, 40);
}

static void a_token_that_was_good_for_long_is_replaced_at_once_however_often(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 20; i++) {
        assert_string_equal(ask(s), "wait");
        bring(s, 3600);
        at(s, 61 * S);
        weir_token *held = weir_token_ref(s->machine.token);
        assert_true(machine_reject(&s->machine, &s->clock.clock, held));
        weir_token_free(held);
    }
    assert_int_equal(s->fetches, 20);
}

static void a_refresh_takes_no_token_that_was_there_or_came_from_the_disk(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    struct machine_wish wish = {
        {s->clock.mono + 10 * NS_PER_S}, true, s->machine.generation, false};
    assert_string_equal(ask_until(s, wish), "wait");
    assert_int_equal(s->fetches, 2);
    assert_string_equal(ask(s), "token-1"); /* for the others nothing changes */
    machine_got(&s->machine, &s->clock.clock, token_made(s, 300, true));
    assert_string_equal(ask_until(s, wish), "wait");
    assert_int_equal(s->fetches, 3);
    bring(s, 300);
    assert_string_equal(ask_until(s, wish), "token-3");
}

static void a_stale_token_from_the_disk_serves_when_the_endpoint_is_down(void **state)
{
    struct stage *s = *state;
    assert_string_equal(ask(s), "wait");
    machine_found(&s->machine, &s->clock.clock, token_made(s, 30, true));
    assert_int_equal(s->machine.state, MACHINE_RENEWING);
    break_with(s, WEIR_UNREACHABLE, 10000);
    assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->machine.state, MACHINE_HOLDING);
    at(s, 30 * S);
    assert_string_equal(ask(s), "wait");
}

static void suspend_counts_for_a_tokens_life(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    vclock_suspend(&s->clock, 299 * S);
    assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 2);
    vclock_suspend(&s->clock, 1 * S);
    assert_string_equal(ask(s), "wait");
}

static void a_wall_clock_set_back_does_not_prolong_a_tokens_life(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    s->clock.wall -= 86400 * NS_PER_S;
    assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 1);
    at(s, 300 * S);
    assert_string_equal(ask(s), "wait");
}

/* A frozen virtual machine: only the wall clock, set right afterwards, knows. */
static void a_wall_clock_set_forward_renews_once_and_expires_nothing(void **state)
{
    struct stage *s = *state;
    ask(s);
    bring(s, 300);
    s->clock.wall += 86400 * NS_PER_S;
    assert_string_equal(ask(s), "token-1");
    assert_int_equal(s->fetches, 2);
    bring(s, 300);
    for (int i = 0; i < 10; i++)
        assert_string_equal(ask(s), "token-2");
    assert_int_equal(s->fetches, 2);
}

static void whose_limit_passes_learns_the_failure_if_there_was_one(void **state)
{
    struct stage *s = *state;
    weir_error err = {0};
    ask(s);
    machine_timeout(&s->machine, &s->clock.clock, &err);
    assert_int_equal(err.status, WEIR_TIMEOUT);
    assert_int_equal(err.kind, WEIR_KIND_TOKEN_UNAVAILABLE);
    break_with(s, WEIR_UNREACHABLE, 0);
    machine_timeout(&s->machine, &s->clock.clock, &err);
    assert_int_equal(err.status, WEIR_UNREACHABLE);
    at(s, 61 * S); /* what was a minute ago says nothing about now */
    machine_timeout(&s->machine, &s->clock.clock, &err);
    assert_int_equal(err.status, WEIR_TIMEOUT);
    bring(s, 300);
    machine_timeout(&s->machine, &s->clock.clock, &err);
    assert_int_equal(err.status, WEIR_TIMEOUT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_first_fetches_and_the_others_join),
        CASE(a_stale_token_serves_while_one_renewal_runs),
        CASE(an_expired_token_serves_nobody),
        CASE(a_token_that_expires_during_its_renewal_serves_nobody),
        CASE(the_leeway_is_at_most_half_the_lifetime),
        CASE(a_failed_renewal_keeps_the_token_to_its_real_end_and_pauses),
        CASE(who_can_wait_for_the_pauses_end_waits),
        CASE(refused_credentials_say_so_at_once_and_are_not_hammered),
        CASE(rejecting_compares_tokens),
        CASE(a_token_rejected_while_it_is_renewed_waits_for_the_new_one),
        CASE(a_token_rejected_while_its_renewal_pauses_is_replaced_at_once),
        CASE(tokens_rejected_as_fast_as_they_come_are_replaced_in_growing_pauses),
        CASE(tokens_that_ended_well_between_those_rejected_are_remembered),
        CASE(a_token_that_was_good_for_long_is_replaced_at_once_however_often),
        CASE(a_refresh_takes_no_token_that_was_there_or_came_from_the_disk),
        CASE(a_stale_token_from_the_disk_serves_when_the_endpoint_is_down),
        CASE(suspend_counts_for_a_tokens_life),
        CASE(a_wall_clock_set_back_does_not_prolong_a_tokens_life),
        CASE(a_wall_clock_set_forward_renews_once_and_expires_nothing),
        CASE(whose_limit_passes_learns_the_failure_if_there_was_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
