#include "lib/check.h"

#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>

static void every_status_has_the_exit_status_of_the_command_lines_contract(void **state)
{
    (void)state;
    static const struct {
        weir_status status;
        const char *name;
        int exit_status;
        bool again;
    } rows[] = {
        {WEIR_OK, "WEIR_OK", 0, false},
        {WEIR_INVALID, "WEIR_INVALID", 65, false},
        {WEIR_NO_MEMORY, "WEIR_NO_MEMORY", 71, true},
        {WEIR_NOTHING, "WEIR_NOTHING", 0, true},
        {WEIR_TIMEOUT, "WEIR_TIMEOUT", 75, true},
        {WEIR_STOPPED, "WEIR_STOPPED", 0, false},
        {WEIR_UNREACHABLE, "WEIR_UNREACHABLE", 69, true},
        {WEIR_BUSY, "WEIR_BUSY", 75, true},
        {WEIR_UNTRUSTED, "WEIR_UNTRUSTED", 76, false},
        {WEIR_BAD_LOGIN, "WEIR_BAD_LOGIN", 77, false},
        {WEIR_FORBIDDEN, "WEIR_FORBIDDEN", 77, false},
        {WEIR_NOT_FOUND, "WEIR_NOT_FOUND", 67, false},
        {WEIR_CONFLICT, "WEIR_CONFLICT", 67, false},
        {WEIR_REFUSED, "WEIR_REFUSED", 67, false},
        {WEIR_PROTOCOL, "WEIR_PROTOCOL", 76, false},
        {WEIR_GAP, "WEIR_GAP", 67, false},
        {WEIR_STORE, "WEIR_STORE", 74, false},
        {WEIR_UNSUPPORTED, "WEIR_UNSUPPORTED", 78, false},
        {WEIR_MISSING, "WEIR_MISSING", 78, false},
        {WEIR_BUG, "WEIR_BUG", 70, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err;
        assert_int_equal(error_set(&err, rows[i].status, "x"), rows[i].status);
        assert_string_equal(weir_status_name(rows[i].status), rows[i].name);
        assert_int_equal(weir_error_exit_status(&err), rows[i].exit_status);
        assert_int_equal(weir_error_retryable(&err), rows[i].again);
    }
    assert_string_equal(weir_status_name((weir_status)999), "WEIR_BUG");
    assert_int_equal(weir_error_exit_status(NULL), 0);
}

static void kinds_and_origins_have_names_and_strangers_have_none(void **state)
{
    (void)state;
    assert_string_equal(weir_kind_name(WEIR_KIND_UNKNOWN), "");
    assert_string_equal(weir_kind_name(WEIR_KIND_TOKEN_UNUSABLE), "token_unusable");
    assert_string_equal(weir_kind_name(-1), "");
    assert_string_equal(weir_kind_name(10000), "");
    assert_string_equal(weir_origin_name(WEIR_ORIGIN_TLS), "tls");
    assert_string_equal(weir_origin_name((weir_origin)77), "weir");
}

static void a_peers_number_and_the_systems_words_are_kept(void **state)
{
    (void)state;
    weir_error err;
    error_peer(&err, WEIR_BUSY, WEIR_ORIGIN_HTTP, 429, "slow down");
    assert_int_equal(err.origin, WEIR_ORIGIN_HTTP);
    assert_int_equal(err.code, 429);
    error_system(&err, WEIR_STORE, ENOENT, "cannot open '%s'", "x");
    assert_string_equal(err.message, "cannot open 'x': No such file or directory");
    assert_int_equal(err.code, ENOENT);
}

static void the_first_error_explains_a_null_handle(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_int_equal(error_null(&err, "channel"), WEIR_INVALID);
    assert_string_equal(err.message, "channel is NULL");
    error_set(&err, WEIR_UNREACHABLE, "no route");
    assert_int_equal(error_null(&err, "channel"), WEIR_UNREACHABLE);
    assert_string_equal(err.message, "no route");
    assert_int_equal(error_null(NULL, "channel"), WEIR_INVALID);
    assert_int_equal(error_ok(&err), WEIR_OK);
    assert_string_equal(err.message, "");
}

static void context_that_leaves_no_room_is_left_out(void **state)
{
    (void)state;
    char long_name[1500];
    weir_error err;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    error_set(&err, WEIR_REFUSED, "no");
    assert_int_equal(error_context(&err, "%s", long_name), WEIR_REFUSED);
    assert_string_equal(err.message, "no");
}

static void a_kept_error_is_a_copy_and_without_memory_it_says_so(void **state)
{
    (void)state;
    weir_error err = {0};
    assert_null(error_keep(&err));
    assert_null(error_keep(NULL));
    error_peer(&err, WEIR_BUSY, WEIR_ORIGIN_GRPC, 8, "later");
    const weir_error *kept = error_keep(&err);
    error_set(&err, WEIR_REFUSED, "no");
    assert_int_equal(kept->status, WEIR_BUSY);
    assert_int_equal(kept->code, 8);
    assert_string_equal(kept->message, "later");
    error_drop(kept);
    mem_fail_at(1);
    kept = error_keep(&err);
    mem_fail_at(0);
    assert_int_equal(kept->status, WEIR_NO_MEMORY);
    assert_string_equal(kept->message, "out of memory");
    error_drop(kept);
    error_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_the_exit_status_of_the_command_lines_contract),
        cmocka_unit_test(kinds_and_origins_have_names_and_strangers_have_none),
        cmocka_unit_test(a_peers_number_and_the_systems_words_are_kept),
        cmocka_unit_test(the_first_error_explains_a_null_handle),
        cmocka_unit_test(context_that_leaves_no_room_is_left_out),
        cmocka_unit_test(a_kept_error_is_a_copy_and_without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
