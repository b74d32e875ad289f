/* A store that is leased, as one in Redis: what is delivered is surely ours, a lease that was lost
 * ends the handle, and one that cannot be renewed now is an outage. The store is the test's own. */
#include "integration/salesforce_lib.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "salesforce/store.h"

#include <string.h>

enum mode { UP, DOWN, TAKEN };

struct leased {
    struct weir_replay base;
    _Atomic(struct claim *) claim;
    atomic_int mode;
    atomic_uint renewals;
    bool there;
    struct record record;
};

static struct leased *of(weir_replay *store)
{
    return (struct leased *)(void *)store;
}

static weir_status answer(weir_replay *store, weir_error *err)
{
    switch (atomic_load(&of(store)->mode)) {
    case DOWN:
        return error_set(err, WEIR_UNREACHABLE, "the lease's server is down");
    case TAKEN:
        return error_set(err, WEIR_CONFLICT, "it is somebody else's");
    default:
        return WEIR_OK;
    }
}

static void hold(struct claim *claim)
{
    atomic_store(&claim->good_until_ns, clock_boot(clock_system()) + 3600 * NS_PER_S);
}

static weir_status claim_it(weir_replay *store, struct claim *claim, struct deadline until,
                            weir_error *err)
{
    (void)until;
    hold(claim);
    atomic_store(&of(store)->claim, claim);
    return answer(store, err);
}

static weir_status renew_it(weir_replay *store, struct claim *claim, struct deadline until,
                            weir_error *err)
{
    (void)until;
    atomic_fetch_add(&of(store)->renewals, 1);
    weir_status status = answer(store, err);
    if (status == WEIR_OK)
        hold(claim);
    return status;
}

static weir_status load_it(weir_replay *store, const struct claim *claim, const char *channel,
                           struct record *out, struct deadline until, weir_error *err)
{
    (void)claim, (void)channel, (void)until;
    *out = of(store)->record;
    weir_status status = answer(store, err);
    return status == WEIR_OK && !of(store)->there ? WEIR_NOTHING : status;
}

static weir_status save_it(weir_replay *store, const struct claim *claim,
                           const struct store_change *changes, size_t count, struct deadline until,
                           weir_error *err)
{
    (void)claim, (void)until;
    weir_status status = answer(store, err);
    if (status != WEIR_OK || count == 0)
        return status;
    of(store)->record = *changes[count - 1].record;
    of(store)->there = true;
    return WEIR_OK;
}

static void free_it(weir_replay *store)
{
    store_clear(store);
}

static const struct store_kind kind = {
    .name = "leased",
    .claim = claim_it,
    .renew = renew_it,
    .load = load_it,
    .save = save_it,
    .free = free_it,
};

/* ---- the tests ---------------------------------------------------------------------------- */

static struct desk d;
static weir_replay *store;
static weir_salesforce *sf;

static int begin(void **state)
{
    weir_error err = {0};
    (void)state;
    desk_begin(&d, NULL);
    store = store_new(&kind, sizeof(struct leased), mem_strdup("the leased store"), &err);
    sf = desk_open(DESK(&d, .replay = store, .max_queued = 100));
    desk_subscribe(sf, ORDERS, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    weir_salesforce_close(sf);
    weir_replay_free(store);
    desk_end(&d);
    return 0;
}

/* As if the process had been stopped for longer than the lease. */
static void sleep_too_long(void)
{
    atomic_store(&atomic_load(&of(store)->claim)->good_until_ns, 0);
}

static void after_a_pause_the_lease_is_renewed_before_anything_is_delivered(void **state)
{
    (void)state;
    desk_emit(&d, ORDERS, 1, 3);
    desk_expect(sf, 1);
    unsigned before = atomic_load(&of(store)->renewals);
    sleep_too_long();
    desk_expect(sf, 2);
    assert_true(atomic_load(&of(store)->renewals) > before);
    desk_expect(sf, 3);
}

static void nothing_is_delivered_while_the_lease_is_not_surely_ours(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    desk_emit(&d, ORDERS, 1, 2);
    desk_expect(sf, 1);
    atomic_store(&of(store)->mode, DOWN);
    sleep_too_long();
    /* Where both came in one answer there is nothing to acknowledge yet. */
    weir_status status = weir_salesforce_next(sf, &event, 100, &err);
    assert_true(status == WEIR_NOTHING || (status == WEIR_STORE && weir_error_retryable(&err)));
    desk_wait_news(&d, WEIR_SESSION_OUTAGE, 1);
    assert_null(event);
    atomic_store(&of(store)->mode, UP);
    while (weir_salesforce_next(sf, &event, LONG_MS, &err) != WEIR_OK)
        assert_true(weir_error_retryable(&err)); /* the outage, if it is not over yet */
    assert_int_equal(desk_number(event), 2);
    weir_event_free(event);
    desk_wait_news(&d, WEIR_SESSION_RECOVERED, 1);
}

static void a_lease_that_another_listener_has_taken_ends_the_handle(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    desk_emit(&d, ORDERS, 1, 2);
    desk_expect(sf, 1);
    atomic_store(&of(store)->mode, TAKEN);
    sleep_too_long();
    weir_status status = WEIR_NOTHING;
    while (status == WEIR_NOTHING)
        status = weir_salesforce_next(sf, &event, LONG_MS, &err);
    assert_int_equal(status, WEIR_STORE);
    assert_non_null(strstr(err.message, "another listener has taken over"));
    assert_false(weir_error_retryable(&err));
    assert_int_equal(weir_salesforce_wait(sf, LONG_MS, &err), WEIR_STORE);
}

static void who_acknowledges_waits_for_a_store_that_is_out_of_reach(void **state)
{
    (void)state;
    weir_error err = {0};
    weir_event *event = NULL;
    desk_emit(&d, ORDERS, 1, 1);
    desk_expect(sf, 1);
    atomic_store(&of(store)->mode, DOWN);
    assert_int_equal(weir_salesforce_next(sf, &event, 10, &err), WEIR_STORE);
    assert_true(weir_error_retryable(&err));
    assert_non_null(strstr(err.message, "is down"));
    atomic_store(&of(store)->mode, UP);
    desk_emit(&d, ORDERS, 2, 1);
    while (weir_salesforce_next(sf, &event, LONG_MS, &err) != WEIR_OK)
        assert_true(weir_error_retryable(&err));
    assert_int_equal(desk_number(event), 2);
    weir_event_free(event);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(after_a_pause_the_lease_is_renewed_before_anything_is_delivered),
        desk_test(nothing_is_delivered_while_the_lease_is_not_surely_ours),
        desk_test(a_lease_that_another_listener_has_taken_ends_the_handle),
        desk_test(who_acknowledges_waits_for_a_store_that_is_out_of_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
