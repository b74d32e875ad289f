/* Channels on the command line, and where each begins. */
#include "cli/listen_channels.h"

#include <string.h>

#include "cli/groups.h"
#include "lib/check.h"

/* Parses "weir x listen WORD..." with a table of its own. */
static const struct flag flags[] = {{.name = "replay", .kind = FLAG_TEXT, .repeat = true}, {0}};
static const struct flag_group group = {"Flags", flags};
static const struct flag_group *const groups[] = {&group, NULL};
static int nothing(const struct args *args)
{
    (void)args;
    return 0;
}
static const struct command listens = {
    .path = "x listen", .args = "CHANNEL...", .max_args = 9, .groups = groups, .run = nothing};
static const struct command *const commands[] = {&listens, NULL};
static const struct section sections[] = {{0}};
static const struct table table = {commands, sections, &group_common};

struct parsed {
    struct args args;
    struct listen_channels channels;
    weir_error err;
    int status;
};

static void parse(struct parsed *p, const char *const *words)
{
    static char copies[12][128];
    char *argv[12];
    int argc = 0;
    struct str complaint = {0};
    *p = (struct parsed){.status = 0};
    for (; words[argc]; argc++) {
        (void)strncpy(copies[argc], words[argc], sizeof copies[argc] - 1);
        argv[argc] = copies[argc];
    }
    assert_true(args_parse(&p->args, &table, argc, argv, &complaint));
    if (listen_channels_read(&p->channels, &p->args, 0, &p->err) == WEIR_OK)
        p->status = listen_channels_replay(&p->channels, &p->args);
    str_free(&complaint);
}

static void done(struct parsed *p)
{
    listen_channels_free(&p->channels);
    args_free(&p->args);
}

#define WORDS(...) ((const char *const[]){"weir", "x", "listen", __VA_ARGS__, NULL})

static void begins_at(const struct parsed *p, size_t at, const char *name, const char *from)
{
    assert_true(at < p->channels.count);
    assert_string_equal(p->channels.list[at].name, name);
    if (from)
        assert_string_equal(p->channels.list[at].from, from);
    else
        assert_null(p->channels.list[at].from);
}

static void nothing_is_said_of_where_to_begin_unless_asked(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, WORDS("/event/A__e", "/event/B__e", "/event/A__e"));
    assert_int_equal(p.channels.count, 2);
    begins_at(&p, 0, "/event/A__e", NULL);
    begins_at(&p, 1, "/event/B__e", NULL);
    done(&p);
}

static void one_channel_may_begin_elsewhere_than_the_others(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, WORDS("/event/A__e", "/event/B__e", "--replay", "/event/B__e=42", "--replay", "all"));
    assert_int_equal(p.status, 0);
    begins_at(&p, 0, "/event/A__e", "all");
    begins_at(&p, 1, "/event/B__e", "42");
    done(&p);
}

static void a_filter_with_equals_signs_is_part_of_the_name(void **state)
{
    static const char *const filtered = "/topic/T?Region='EMEA'&Level=5";
    struct parsed p;
    (void)state;
    parse(&p, WORDS(filtered, "--replay", "/topic/T?Region='EMEA'&Level=5=stored"));
    assert_int_equal(p.status, 0);
    begins_at(&p, 0, filtered, "stored");
    done(&p);
}

static void a_channel_not_listened_to_is_a_mistake(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, WORDS("/event/A__e", "--replay", "/event/B__e=new"));
    assert_int_equal(p.status, 64);
    done(&p);
}

static void what_is_no_place_to_begin_is_a_mistake(void **state)
{
    static const char *const wrong[] = {"",
                                        "latest",
                                        "4x",
                                        "-3",
                                        "1.5",
                                        "/event/A__e=",
                                        "/event/A__e=x",
                                        "/event/A__e",
                                        "9223372036854775808",
                                        "12345678901234567890123"};
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct parsed p;
        parse(&p, WORDS("/event/A__e", "--replay", wrong[i]));
        if (p.status != 64)
            fail_msg("\"%s\" was taken", wrong[i]);
        done(&p);
    }
}

static void ids_of_64_bits_and_the_servers_own_numbers_are_known(void **state)
{
    (void)state;
    assert_string_equal(listen_replay_value("9223372036854775807"), "9223372036854775807");
    assert_string_equal(listen_replay_value("0"), "0");
    assert_string_equal(listen_replay_value("-1"), "new");
    assert_string_equal(listen_replay_value("-2"), "all");
}

static void what_cannot_be_a_channel_is_refused_and_nothing_else(void **state)
{
    static const char *const wrong[] = {
        "event/A__e", "", "/", "/event//A", "/meta/connect", "/event/A\nB", "/event/\xff"};
    static const char *const good[] = {"/event/Order__e",
                                       "/data/ChangeEvents",
                                       "/u/a b",
                                       "/topic/T?Url='http://x'",
                                       "/news/**",
                                       "/metall",
                                       "/a"};
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (!listen_channel_complaint(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    for (size_t i = 0; i < COUNT(good); i++)
        if (listen_channel_complaint(good[i]))
            fail_msg("\"%s\" %s", good[i], listen_channel_complaint(good[i]));
}

static void a_bad_channel_is_bad_data(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, WORDS("/event/A__e", "event/B__e"));
    assert_int_equal(p.err.status, WEIR_INVALID);
    assert_non_null(strstr(p.err.message, "\"event/B__e\""));
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_where_to_begin_unless_asked),
        cmocka_unit_test(one_channel_may_begin_elsewhere_than_the_others),
        cmocka_unit_test(a_filter_with_equals_signs_is_part_of_the_name),
        cmocka_unit_test(a_channel_not_listened_to_is_a_mistake),
        cmocka_unit_test(what_is_no_place_to_begin_is_a_mistake),
        cmocka_unit_test(ids_of_64_bits_and_the_servers_own_numbers_are_known),
        cmocka_unit_test(what_cannot_be_a_channel_is_refused_and_nothing_else),
        cmocka_unit_test(a_bad_channel_is_bad_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
