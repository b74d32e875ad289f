/* Every allocation failing once: what is read and judged is right, or there is no memory; a handle
 * is opened whole, or not at all. */
#include "core/error.h"
#include "core/mem.h"
#include "lib/check.h"
#include "lib/torture.h"
#include "salesforce/position.h"
#include "salesforce/position_handed.h"
#include "salesforce/salesforce_instance.h"

#include <string.h>
#include <weir/salesforce.h>

static weir_status read_record(void *user, weir_error *err)
{
    static const char text[] = "{\"position\":\"42\",\"began\":\"new\",\"beganMs\":5}";
    struct record record;
    (void)user;
    weir_status status = record_parse(&record, text, strlen(text), err);
    assert_int_equal(record.position, status == WEIR_OK ? 42 : 0);
    return status;
}

static void a_record_is_read_or_there_is_no_memory(void **state)
{
    (void)state;
    torture(read_record, NULL);
}

static weir_status remember(void *user, weir_error *err)
{
    struct handed handed = {0};
    weir_status status = WEIR_OK;
    int64_t found = 0;
    (void)user;
    for (int64_t id = 1; id <= 100 && status == WEIR_OK; id++) {
        if (!handed_add(&handed, id))
            status = error_no_memory(err);
    }
    if (status == WEIR_OK)
        assert_true(handed_find(&handed, 100, &found));
    handed_clear(&handed);
    return status;
}

static void ids_in_hand_are_remembered_or_there_is_no_memory(void **state)
{
    (void)state;
    torture(remember, NULL);
}

static weir_status find_instance(void *user, weir_error *err)
{
    (void)user;
    char *url = instance_url("https://acme.example/", NULL, false, err);
    char *organisation = url ? instance_organisation(NULL, url) : NULL;
    weir_status status = organisation ? WEIR_OK : error_no_memory(err);
    if (organisation)
        assert_string_equal(organisation, "acme.example");
    mem_free(url);
    mem_free(organisation);
    return status;
}

static void an_instance_is_found_or_there_is_no_memory(void **state)
{
    (void)state;
    torture(find_instance, NULL);
}

/* ---- handles: several threads allocate, so only the outcome counts --------------------------- */

static weir_status open_and_close(weir_error *err)
{
    weir_credentials *credentials = weir_credentials_salesforce(
        WEIR_SALESFORCE_LOGIN(.access_token = "t", .instance_url = "http://127.0.0.1:1"), err);
    weir_replay *store = weir_replay_memory(err);
    weir_salesforce *sf =
        weir_salesforce_open(WEIR_SALESFORCE(.credentials = credentials, .replay = store,
                                             .group = "g", .instance_url = "http://127.0.0.1:1"),
                             err);
    weir_event *event = NULL;
    if (sf)
        assert_int_equal(weir_salesforce_next(sf, &event, WEIR_NO_WAIT, NULL), WEIR_NOTHING);
    weir_salesforce_close(sf);
    weir_replay_free(store);
    weir_credentials_free(credentials);
    return err->status;
}

static void a_handle_is_opened_whole_or_not_at_all(void **state)
{
    (void)state;
    for (long n = 1, failed = 1; failed && n < 2000; n++) {
        weir_error err = {0};
        mem_fail_at(n);
        weir_status status = open_and_close(&err);
        failed = mem_failed();
        mem_fail_at(0);
        assert_true(status == WEIR_OK || status == WEIR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_or_there_is_no_memory),
        cmocka_unit_test(ids_in_hand_are_remembered_or_there_is_no_memory),
        cmocka_unit_test(an_instance_is_found_or_there_is_no_memory),
        cmocka_unit_test(a_handle_is_opened_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
