#include "bayeux/names.h"
#include "lib/check.h"

#include <string.h>

static const struct {
    const char *name;
    bool strict, publish, loose;
} names[] = {
    {"/a", true, true, true},
    {"/foo/bar-_!~()$@9", true, true, true},
    {"/service/x", true, true, true},
    {"/a/*", true, false, false},
    {"/a/**", true, false, false},
    {"/*", true, false, false},
    {"/**", true, false, false},
    {"/a*", false, false, false},
    {"/a/***", false, false, false},
    {"/*/a", false, false, false},
    {"/**/a", false, false, false},
    {"", false, false, false},
    {"a", false, false, false},
    {"/", false, false, false},
    {"/a/", false, false, false},
    {"//a", false, false, false},
    {"/a b", false, false, false},
    {"/a\n", false, false, false},
    {"/meta/connect", false, false, false},
    {"/meta", false, false, false},
    {"/meta/**", false, false, false},
    {"/metal", true, true, true},
    {"/a\xff", false, false, false},
    {"/event/Order__e", true, true, true},
    {"/topic/T?Region='EMEA'", false, false, true},
    {"/topic/T?Name='two words'&B=1/2*3", false, false, true},
    {"/topic/T?Name='\t'", false, false, false},
    {"/topic/?A=1", false, false, false},
    {"/u/notifications/Gr\xc3\xbc\xc3\x9f"
     "e",
     false, false, true},
    {"/data/My.Entity", false, false, true},
};

static void names_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        weir_error err = {0};
        bool strict = name_check(names[i].name, NAME_STRICT, false, &err) == WEIR_OK;
        bool publish = name_check(names[i].name, NAME_STRICT, true, &err) == WEIR_OK;
        bool loose = name_check(names[i].name, NAME_LOOSE, false, &err) == WEIR_OK;
        if (strict != names[i].strict || publish != names[i].publish || loose != names[i].loose)
            fail_msg("%s: %d %d %d", names[i].name, strict, publish, loose);
        if (!loose) {
            assert_int_equal(err.status, WEIR_INVALID);
            assert_non_null(strstr(err.message, "name of a channel"));
        }
    }
    assert_int_equal(name_check(NULL, NAME_LOOSE, false, NULL), WEIR_INVALID);
}

static void wildcards_stand_for_channels(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *channel;
        bool matches;
    } rows[] = {
        {"/foo", "/foo", true},
        {"/foo", "/foo/bar", false},
        {"/foo/*", "/foo/bar", true},
        {"/foo/*", "/foo", false},
        {"/foo/*", "/foo/", false},
        {"/foo/*", "/foo/bar/baz", false},
        {"/foo/**", "/foo", false},
        {"/foo/**", "/foo/bar", true},
        {"/foo/**", "/foo/bar/baz", true},
        {"/foo/**", "/foobar/baz", false},
        {"/**", "/a", true},
        {"/**", "/a/b/c", true},
        {"/*", "/a", true},
        {"/*", "/a/b", false},
        {"/foo*", "/foobar", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (name_matches(rows[i].pattern, rows[i].channel, strlen(rows[i].channel)) !=
            rows[i].matches)
            fail_msg("%s %s", rows[i].pattern, rows[i].channel);
    }
    assert_true(name_matches("/foo/*", "/foo/bar/baz", 8)); /* no more than it is told */
}

static void a_filter_is_no_part_of_the_base(void **state)
{
    (void)state;
    assert_int_equal(name_base("/topic/T?A='1'"), 8);
    assert_int_equal(name_base("/topic/T"), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(wildcards_stand_for_channels),
        cmocka_unit_test(a_filter_is_no_part_of_the_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
